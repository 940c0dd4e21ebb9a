"""The tables of a spec as text, laid out as a person does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from archc.source.writing import write_spec

_NODE = re.compile(r"( *)\{ (.*) \},")
_LEAST = 2
"""So many lines with the same keys are a table."""


def text_of(tables: dict[str, Any]) -> str:
    """The spec's text: uses of a block in columns, and large numbers in groups."""
    lines = write_spec(tables).splitlines()
    found: list[str] = []
    for form, alike in groupby(lines, _form):
        rows = list(alike)
        found += rows if form is None or len(rows) < _LEAST else _in_columns(rows)
    body, expect, claims = "\n".join(found).partition("\n[expect]\n")
    grouped = re.sub(r"\d{5,}", lambda number: f"{int(number[0]):_}", claims)
    return f"{body}{expect}{grouped}\n"


def _form(line: str) -> Any:
    """What lines of one table have in common; None for a line that is in none."""
    node = _NODE.fullmatch(line)
    if node is None or " block = " not in line:
        return None
    parts = list(_parts(node[2]))
    keys = [part.partition(" = ")[0] for part in parts]
    block = next((p for p in parts if p.startswith("block = ")), None)
    return None if block is None else (node[1], keys, block)


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


def _in_columns(rows: list[str]) -> list[str]:
    """The rows with their pairs below each other."""
    nodes = [_NODE.fullmatch(row) for row in rows]
    table = [list(_parts(node[2])) for node in nodes if node is not None]
    widths = [max(map(len, column)) + 1 for column in zip(*table, strict=True)]
    found: list[str] = []
    for node, parts in zip(nodes, table, strict=True):
        assert node is not None
        cells = [f"{part}," for part in parts[:-1]] + parts[-1:]
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        found.append(f"{node[1]}{{ {' '.join(padded).rstrip()} }},")
    return found
