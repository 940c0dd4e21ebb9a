"""The tables of a spec as text, laid out as a person does it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from archc.source.writing import write_spec

_NODE = re.compile(r"( *)\{ (.*) \},")
_WIDEST = 170
"""So many characters a row has at most where rows are not alike in their keys."""


def text_of(tables: dict[str, Any], remark: str = "") -> str:
    """The spec's text: uses of a block in columns, and large numbers in groups; over
    its input stands a `remark`."""
    lines = write_spec(tables).splitlines()
    if remark:
        at = lines.index("[network]") + 1
        lines[at:at] = textwrap.wrap(f"# {remark}", 88, subsequent_indent="# ")
    found: list[str] = []
    for form, alike in groupby(lines, _form):
        rows = list(alike)
        found += rows if form is None else _tables(rows)
    body, expect, claims = "\n".join(found).partition("\n[expect]\n")
    grouped = re.sub(r"\d{5,}", lambda number: f"{int(number[0]):_}", claims)
    return f"{body}{expect}{grouped}\n"


def _form(line: str) -> Any:
    """What lines of one table have in common; None for a line that is in none."""
    node = _NODE.fullmatch(line)
    block = None if node is None else _cells(node[2]).get("block")
    return None if node is None or block is None else (node[1], block)


def _cells(text: str) -> dict[str, str]:
    """The pairs of a table in one line by their keys."""
    return {part.partition(" = ")[0]: part for part in _parts(text)}


def _parts(text: str) -> Iterator[str]:
    """The pairs of a table in one line."""
    start = depth = 0
    quoted = False
    for n, c in enumerate(text):
        if c == '"' and text[n - 1] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (c in "[{") - (c in "]}")
            if c == "," and not depth:
                yield text[start:n].strip()
                start = n + 1
    yield text[start:].strip()


def _tables(rows: list[str]) -> Iterator[str]:
    """Rows in as few tables as their keys have one order in, and fit on a line in."""
    nodes = [node for row in rows if (node := _NODE.fullmatch(row)) is not None]
    table: list[dict[str, str]] = []
    keys: list[str] = []
    for node in nodes:
        cells = _cells(node[2])
        both = _joined(keys, list(cells))
        if table and (both is None or _width(both, [*table, cells]) > _WIDEST):
            yield from _in_columns(node[1], keys, table)
            table, both = [], list(cells)
        keys = both or []
        table.append(cells)
    yield from _in_columns(nodes[0][1], keys, table)


def _joined(keys: list[str], others: list[str]) -> list[str] | None:
    """The keys of both in the order of both; None if there is none."""
    found: list[str] = []
    rest = list(keys)
    for key in others:
        if key in rest:
            at = rest.index(key)
            found += rest[:at]
            rest = rest[at + 1 :]
        elif key in found:
            return None
        found.append(key)
    return found + rest


def _widths(keys: list[str], table: list[dict[str, str]]) -> list[int]:
    return [max(len(cells.get(key, "")) for cells in table) + 2 for key in keys]


def _width(keys: list[str], table: list[dict[str, str]]) -> int:
    return sum(_widths(keys, table))


def _in_columns(
    indent: str, keys: list[str], table: list[dict[str, str]]
) -> Iterator[str]:
    """The rows with their pairs below each other."""
    widths = _widths(keys, table)
    for cells in table:
        last = list(cells)[-1]
        row = ""
        for key, width in zip(keys, widths, strict=True):
            mark = "," if key in cells and key != last else ""
            row += f"{cells.get(key, '')}{mark}".ljust(width)
        yield f"{indent}{{ {row.rstrip()} }},"
