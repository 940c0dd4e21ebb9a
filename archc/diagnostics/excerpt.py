"""The quoted lines of a file, with marks beneath them."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from archc.diagnostics.model import Span
from archc.escaping import escaped, is_hidden

_TAB = 4
_MIN_WIDTH = 30
_PART = 256
"""How many characters of a line are measured at a time."""

Row = tuple[str, str, str]
"""What stands in the gutter, the text, and the style of each of its characters."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to underline with `^` or `-`, and what to say about it."""

    span: Span
    sign: str
    message: str = ""


def excerpt(listing: Listing, marks: Sequence[Mark], width: int) -> Iterator[Row]:
    """The marked lines in order, with what lies between distant ones left out."""
    by_line: dict[int, list[Mark]] = {}
    for mark in sorted(marks, key=lambda m: (m.span, m.sign)):
        number = min(max(mark.span.line, 1), len(listing.texts))
        by_line.setdefault(number, []).append(mark)
    last: int | None = None
    for number, found in sorted(by_line.items()):
        if last is not None and number == last + 2:
            shown = listing.line(number - 1)
            yield (str(number - 1), *shown.window(0, max(width, _MIN_WIDTH)))
        elif last is not None and number > last + 2:
            yield ("...", "", "")
        yield from _marked_line(number, listing.line(number), found, width)
        last = number


def _shown(character: str) -> tuple[str, int]:
    """How a character is shown, and how many columns that takes."""
    if 32 <= ord(character) < 127:
        return character, 1
    if character == "\t":
        return " " * _TAB, _TAB
    if is_hidden(character):
        shown = escaped(character)
        return shown, len(shown)
    if unicodedata.category(character) in ("Mn", "Me"):
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _columns(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(width for _, width in map(_shown, text))


class Listing:
    """The lines of a file, for as many excerpts as there are."""

    def __init__(self, text: str) -> None:
        self.texts = text.split("\n")
        self._lines: dict[int, _Line] = {}

    def line(self, number: int) -> _Line:
        """A line, from 1, measured when it is first shown."""
        if number not in self._lines:
            self._lines[number] = _Line(self.texts[number - 1])
        return self._lines[number]


class _Line:
    """A line as it is shown: tabs as spaces, wide characters two columns wide."""

    def __init__(self, text: str) -> None:
        self._text = text.removesuffix("\r")
        parts = (self._text[at : at + _PART] for at in range(0, len(text), _PART))
        self._edges = [0, *accumulate(map(_columns, parts))]

    def column(self, character: int) -> int:
        """The display column, from 0, where a character (from 1) begins."""
        at = min(max(character - 1, 0), len(self._text))
        part = min(at // _PART, len(self._edges) - 1)
        return self._edges[part] + _columns(self._text[part * _PART : at])

    @property
    def width(self) -> int:
        """How many columns the whole line takes."""
        return self._edges[-1]

    def _cells(self, start: int) -> Iterator[tuple[str, int, int]]:
        """The characters from a column on or a little before: text, columns, place."""
        part = max(bisect_right(self._edges, start) - 1, 0)
        column = self._edges[part]
        for at in range(part * _PART, len(self._text)):
            shown, width = _shown(self._text[at])
            yield shown, width, column
            column += width

    def window(self, start: int, width: int) -> tuple[str, str]:
        """The columns from `start` on, with `…` for what is cut off."""
        end = start + width
        left = "…" if start > 0 else ""
        right = "…" if end < self.width else ""
        out = ""
        for shown, size, column in self._cells(start):
            if column + size <= start + len(left):
                continue
            if column + size > end - len(right):
                break
            # Half of a wide character or of a tab may fall before the window.
            out += (
                shown
                if column >= start + len(left)
                else " " * (column + size - start - len(left))
            )
        return left + out + right, ""


def _marked_line(
    number: int, line: _Line, marks: list[Mark], width: int
) -> Iterator[Row]:
    width = max(width, _MIN_WIDTH)
    placed = [_Placed.on(line, number, mark) for mark in marks]
    while placed:
        start = _window_start(line, placed, width)
        end = start + width
        here = [p for p in placed if p is placed[0] or p.start < end - 2]
        placed = [p for p in placed if p not in here]
        yield (str(number), *line.window(start, width))
        seen = width - (end < line.width)  # the last column may show that it is cut
        for row in _marker_rows([p.moved(-start, seen) for p in here], width):
            yield ("", *row)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mark in display columns, end exclusive."""

    start: int
    end: int
    sign: str
    message: str

    @staticmethod
    def on(line: _Line, number: int, mark: Mark) -> _Placed:
        span = mark.span
        start = line.column(span.column) if span.line <= number else line.width
        end = line.column(span.end_column)
        if span.end_line > span.line:
            end = line.width
        return _Placed(start, max(end, start + 1), mark.sign, mark.message)

    def moved(self, by: int, limit: int) -> _Placed:
        start = max(self.start + by, 0)
        end = max(min(self.end + by, limit), start + 1)
        return _Placed(start, end, self.sign, self.message)


def _window_start(line: _Line, placed: list[_Placed], width: int) -> int:
    """Where to cut a long line so that its first mark and much else is seen."""
    first = placed[0].start
    last = max(min(p.end, p.start + width // 2) for p in placed)
    if line.width <= width or last < width - 1:
        return 0
    if last - first < width - 4:
        start = max(first - (width - (last - first)) // 2, 0)
    else:
        start = max(first - 4, 0)
    return min(start, max(line.width - width, 0))


def _marker_rows(placed: list[_Placed], width: int) -> Iterator[tuple[str, str]]:
    """The signs, then the messages: the last one beside its sign, others below."""
    placed = sorted(placed, key=lambda p: p.start)
    signs = _Canvas()
    # Carets go last, over the dashes of a label that encloses them.
    for mark in sorted(placed, key=lambda p: (p.sign == "^", p.start - p.end)):
        signs.put(mark.start, mark.sign * (mark.end - mark.start), mark.sign)
    waiting = [p for p in placed if p.message]
    if waiting:
        last = waiting[-1]
        alone = all(p is last or p.start < last.start for p in waiting)
        fits = last.end + 1 + len(last.message) <= width or last.end - last.start < 10
        if alone and fits and len(signs) <= last.end:
            waiting.pop()
            signs.put(last.end + 1, last.message, last.sign)
    yield signs.row()
    while waiting:
        mark = waiting.pop()
        row, stems = _Canvas(), _Canvas()
        for other in waiting:
            if other.start < mark.start:
                row.put(other.start, "|", other.sign)
            stems.put(other.start, "|", other.sign)
        stems.put(mark.start, "|", mark.sign)
        row.put(mark.start, mark.message, mark.sign)
        yield stems.row()
        yield row.row()


class _Canvas:
    """A line of text to write on at any column, with a style for each character."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._styles: list[str] = []

    def __len__(self) -> int:
        return len(self._text)

    def put(self, column: int, text: str, style: str) -> None:
        missing = column + len(text) - len(self._text)
        self._text.extend(" " * missing)
        self._styles.extend(" " * missing)
        self._text[column : column + len(text)] = text
        self._styles[column : column + len(text)] = style * len(text)

    def row(self) -> tuple[str, str]:
        return "".join(self._text), "".join(self._styles)
