"""A TOML text in pieces: its entries and tables, each with its own comments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from archc.source.positions import Encoded, KeyPath
from archc.source.toml import DEFINITIONS, key_of, parse

if TYPE_CHECKING:
    from tree_sitter import Node

Lines = tuple[str, ...]


@dataclass(slots=True)
class Piece:
    """`key = value`."""

    path: KeyPath
    key: str
    """As it is written, up to the value: `depths = `."""
    value: str
    lead: Lines = ()
    """The blank lines and comments above it."""
    comment: str = ""
    """What stands behind it on its line, with the space before."""


@dataclass(slots=True)
class Table:
    """A header and the entries below it; the file's own entries have none."""

    path: KeyPath
    header: str = ""
    array: bool = False
    """Whether it is an element of an array of tables."""
    lead: Lines = ()
    """The comments directly above it."""
    comment: str = ""
    pieces: list[Piece] = field(default_factory=list[Piece])
    tail: Lines = ()
    """The comments below its entries that no other header follows directly."""


def split(text: str) -> list[Table]:
    """The tables of a correct TOML text, the file's own entries first."""
    # in a string of several lines either end of a line means the same
    encoded = Encoded(text.replace("\r\n", "\n"))
    tables = [Table(())]
    last: Table | Piece | None = None
    end = 0
    for node in _statements(parse(encoded).root_node):
        gap = _slice(encoded, end, node.start_byte)
        above = _after(gap, last)
        table = tables[-1]
        if node.type == "pair":
            last, end = _piece(node, table, encoded)
            last.lead = above
            table.pieces.append(last)
            continue
        cut = _directly_above(above)
        table.tail = above[:cut]
        last, end = _table(node, encoded)
        last.lead = above[cut:]
        tables.append(last)
    rest = _slice(encoded, end, len(encoded.source))
    tables[-1].tail = _after(f"{rest}\n", last)
    return tables


def _statements(root: Node) -> Iterator[Node]:
    for node in root.children:
        if node.type in DEFINITIONS:
            yield node
            if node.type != "pair":
                yield from (child for child in node.children if child.type == "pair")


def _piece(node: Node, table: Table, encoded: Encoded) -> tuple[Piece, int]:
    equals = next(i for i, c in enumerate(node.children) if c.type == "=")
    value = node.children[equals + 1]
    key = _slice(encoded, node.start_byte, value.start_byte)
    names = [name for name, _ in key_of(node, encoded)]
    if len(names) > 1:
        # written below a header of its own, it has a key of one part
        key = ""
    path = (*table.path, *names)
    return Piece(path, key, encoded.text(value)), value.end_byte


def _table(node: Node, encoded: Encoded) -> tuple[Table, int]:
    path = tuple(name for name, _ in key_of(node, encoded))
    close = next(c for c in node.children if c.type in ("]", "]]"))
    header = _slice(encoded, node.start_byte, close.end_byte)
    return Table(path, header, node.type == "table_array_element"), close.end_byte


def _slice(encoded: Encoded, start: int, end: int) -> str:
    return encoded.source[start:end].decode("utf-8", "replace")


def _after(gap: str, last: Table | Piece | None) -> Lines:
    """The whole lines of a gap; the rest of the first one belongs to what is before."""
    lines = gap.split("\n")[:-1]
    if last is not None and lines:
        last.comment = lines.pop(0).rstrip()
    return tuple(line.strip() for line in lines)


def _directly_above(lines: Lines) -> int:
    """Where the comments begin that no blank line parts from what follows."""
    blank = [number for number, line in enumerate(lines) if not line]
    return blank[-1] + 1 if blank else 0
