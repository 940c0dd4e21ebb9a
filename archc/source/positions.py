"""Where the values of a text stand: offsets, lines and columns."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from archc.diagnostics.model import Span

if TYPE_CHECKING:
    from tree_sitter import Node

KeyPath = tuple[str | int, ...]
Part = Literal["value", "key", "item"]
Range = tuple[int, int]

_CHUNK = 1024
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8}|\\.|.",
    re.DOTALL,
)


_START = Span(1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class FilePlace:
    """A place in a file that has no structure to speak of, given by its span."""

    file: str
    text: str
    where: Span = _START

    def span(self) -> Span:
        """The span it was made with."""
        return self.where


class Lines:
    """Turns character offsets of a text into lines and columns."""

    __slots__ = ("_length", "_starts")

    def __init__(self, text: str) -> None:
        self._starts = [0, *(m.end() for m in re.finditer("\n", text))]
        self._length = len(text)

    def point(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of a character offset."""
        offset = min(max(offset, 0), self._length)
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """The character offset of a line and column."""
        if line > len(self._starts):
            return self._length
        return min(self._starts[line - 1] + column - 1, self._length)

    def span(self, start: int, end: int) -> Span:
        """The span between two character offsets."""
        return Span(*self.point(start), *self.point(max(start, end)))


class Encoded:
    """A text as UTF-8, and the way back from its byte offsets to characters."""

    __slots__ = ("_marks", "source")

    def __init__(self, text: str) -> None:
        # "replace" turns a lone surrogate into one "?", so that offsets still agree.
        self.source = text.encode("utf-8", "replace")
        self._marks: list[int] | None = None
        if len(self.source) == len(text):
            return
        self._marks = [0]
        for at in range(0, len(text), _CHUNK):
            chunk = text[at : at + _CHUNK].encode("utf-8", "replace")
            self._marks.append(self._marks[-1] + len(chunk))

    def character(self, byte: int) -> int:
        """The character offset of a byte offset."""
        if self._marks is None:
            return byte
        chunk = bisect_right(self._marks, byte) - 1
        head = self.source[self._marks[chunk] : byte]
        return chunk * _CHUNK + len(head.decode("utf-8", "replace"))

    def text(self, node: Node) -> str:
        """The source text of a syntax node."""
        return self.source[node.start_byte : node.end_byte].decode("utf-8", "replace")


@dataclass(slots=True)
class Entry:
    """Where one value stands; what is inside may be worked out only when asked for.

    Offsets are in bytes or in characters, as its locator has it.
    """

    value: Range
    key: Range | None = None
    item: Range | None = None
    node: Node | None = None
    children: dict[str | int, Entry] | None = None
    implied: bool = False
    is_list: bool = False

    def range(self, part: Part) -> Range:
        """The stretch that a part of it covers."""
        if part == "key":
            return self.key or self.value
        if part == "item":
            return self.item or self.value
        return self.value


Expand = Callable[[Entry, Encoded], dict[str | int, Entry]]
"""Finds what stands inside an entry that has no children yet."""


class Locator:
    """Answers where a key path stands in one text."""

    __slots__ = ("_encoded", "_expand", "_lines", "_root", "_text")

    def __init__(
        self,
        text: str,
        root: Entry,
        encoded: Encoded | None = None,
        expand: Expand | None = None,
    ) -> None:
        self._text = text
        self._lines = Lines(text)
        self._encoded = encoded
        self._root = root
        self._expand = expand

    def locate(
        self, path: Sequence[str | int], part: Part, within: Range | None
    ) -> Span:
        """The span of a path, or of its nearest ancestor that is written down."""
        entry, missing = self._entry(path)
        if entry is self._root:
            return Span(1, 1, 1, 1)
        first, last = entry.range("value" if missing else part)
        start, end = self._character(first), self._character(last)
        if within is not None and part == "value" and not missing:
            inner = string_slice(self._text[start:end], *within)
            if inner is not None:
                start, end = start + inner[0], start + inner[1]
        return self._lines.span(start, end)

    def exact(self, path: Sequence[str | int], part: Part) -> Range | None:
        """The characters of what is written at a path itself, and no ancestor's."""
        entry, missing = self._entry(path)
        if missing or entry is self._root:
            return None
        first, last = entry.range(part)
        return self._character(first), self._character(last)

    def _entry(self, path: Sequence[str | int]) -> tuple[Entry, bool]:
        """What stands at a path; else its nearest ancestor, and True."""
        entry = self._root
        for key in path:
            child = self._children(entry).get(key)
            if child is None:
                return entry, True
            entry = child
        return entry, False

    def _children(self, entry: Entry) -> dict[str | int, Entry]:
        if entry.children is None:
            expand, encoded = self._expand, self._encoded
            entry.children = expand(entry, encoded) if expand and encoded else {}
        return entry.children

    def _character(self, offset: int) -> int:
        return self._encoded.character(offset) if self._encoded else offset


def string_slice(raw: str, start: int, end: int) -> Range | None:
    """Where characters start..end of a string's value stand in its quoted source.

    None where that cannot be told: no string, one of several lines, or out of range.
    """
    quote = raw[:1]
    if quote not in ('"', "'") or "\n" in raw or not 0 <= start <= end:
        return None
    width = 3 if len(raw) >= 6 and raw.startswith(quote * 3) else 1
    body = raw[width:-width]
    edges = [width]
    if quote == "'" or "\\" not in body:
        edges = range(width, width + len(body) + 1)
    else:
        edges.extend(width + m.end() for m in _ESCAPE.finditer(body))
    if end >= len(edges):
        return None
    return edges[start], edges[end]
