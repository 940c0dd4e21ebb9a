"""How wide text is in Helvetica, and in what has its widths (Arial, Liberation Sans).

The widths are those of Adobe's font metrics for Helvetica and Helvetica-Bold, in
thousandths of the size, for the characters from the blank on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_FIRST = 32
_PLAIN = (
    278, 278, 355, 556, 556, 889, 667, 222, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
    1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
    222, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
    556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
)  # fmt: skip
_BOLD = (
    278, 333, 474, 556, 556, 889, 722, 278, 333, 333, 389, 584, 278, 333, 278, 278,
    556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
    975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
    667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
    278, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
    611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
)  # fmt: skip
_OTHERS = {"×": 584, "·": 278, "…": 1000, "→": 1000, "−": 584, "↑": 1000}
_UNKNOWN = 1000
"""A whole em, which no letter of Latin, Greek or Cyrillic script is wider than."""


def width(text: str, size: float, *, bold: bool = False) -> float:
    """The width of a line of text, in the unit of `size`."""
    table = _BOLD if bold else _PLAIN
    total = 0
    for character in text:
        at = ord(character) - _FIRST
        if 0 <= at < len(table):
            total += table[at]
        else:
            total += _OTHERS.get(character, _UNKNOWN)
    return total * size / 1000


def shortened(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """Text that fits the room, cut in its middle where it must be."""
    if width(text, size, bold=bold) <= room:
        return text
    for kept in range(min(len(text) - 1, 200), 1, -1):
        head = (kept + 1) // 2
        cut = f"{text[:head]}…{text[len(text) - (kept - head) :]}"
        if width(cut, size, bold=bold) <= room:
            return cut
    return "…"


def wrapped(text: str, size: float, room: float, *, bold: bool) -> Iterator[str]:
    """Lines of words that fit; a word that does not is broken behind an underscore, and
    else cut in its middle."""
    line = ""
    for blank, word in _words(text, size, room, bold=bold):
        longer = f"{line}{blank}{word}" if line else word
        if line and width(longer, size, bold=bold) > room:
            yield shortened(line, size, room, bold=bold)
            line = word
        else:
            line = longer
    yield shortened(line, size, room, bold=bold)


def _words(
    text: str, size: float, room: float, *, bold: bool
) -> Iterator[tuple[str, str]]:
    """Words, with the blank that parts each from what is before it on its line."""
    for word in text.split(" "):
        if width(word, size, bold=bold) <= room:
            yield " ", word
            continue
        blank = " "
        for part in re.split(r"(?<=_)", word):
            yield blank, part
            blank = ""
