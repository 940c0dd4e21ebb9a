"""Places in a text as editors count them: lines from 0, columns in code units."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Literal

from lsprotocol import types

from archc.diagnostics.model import Span
from archc.source.positions import Lines

Encoding = Literal["utf-8", "utf-16", "utf-32"]
_END = re.compile(r"\r\n|\n|\r")


class Text:
    """A text, and its places for the encoding that editor and server agreed upon."""

    def __init__(self, text: str, encoding: Encoding = "utf-16") -> None:
        self.text = text
        self.encoding = encoding
        self._starts = [0, *(found.end() for found in _END.finditer(text))]
        self._ascii = text.isascii()
        self._lines: Lines | None = None

    def position(self, offset: int) -> types.Position:
        """The place of a character offset."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        if self._ascii:
            return types.Position(line, offset - start)
        return types.Position(line, self._units(self.text[start:offset]))

    def offset(self, position: types.Position) -> int:
        """The character offset of a place; behind the end of a line, its end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[position.line]
        last = position.line + 1 == len(self._starts)
        end = len(self.text) if last else self._starts[position.line + 1]
        line = self.text[start:end].rstrip("\r\n")
        if self._ascii:
            return start + min(position.character, len(line))
        units = 0
        for at, character in enumerate(line):
            units += self._units(character)
            if units > position.character:
                return start + at
        return start + len(line)

    def range(self, start: int, end: int) -> types.Range:
        """The range between two character offsets."""
        return types.Range(self.position(start), self.position(max(start, end)))

    def of_span(self, span: Span) -> types.Range:
        """The range of a span of a document, which does not count a byte order mark."""
        if self._lines is None:
            self._lines = Lines(self.text.removeprefix("\ufeff"))
        shift = 1 if self.text.startswith("\ufeff") else 0
        start = self._lines.offset(span.line, span.column)
        end = self._lines.offset(span.end_line, span.end_column)
        return self.range(start + shift, end + shift)

    def line_end(self, offset: int) -> int:
        """Where the line of an offset ends."""
        found = _END.search(self.text, offset)
        return found.start() if found else len(self.text)

    def _units(self, text: str) -> int:
        if self.encoding == "utf-32":
            return len(text)
        if self.encoding == "utf-8":
            return len(text.encode("utf-8", "replace"))
        return len(text) + sum(character > "\uffff" for character in text)
