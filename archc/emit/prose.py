"""Prose in generated code, docstrings and comments, broken over lines."""

from __future__ import annotations

import re
import textwrap

from archc.emit.lines import columns

# an escape is not taken apart
_SIGN = re.compile(r"\\.|.", re.DOTALL)


def wrapped(text: str, width: int) -> list[str]:
    """The lines of a text, each of so many columns at most."""
    if columns(text) == len(text) and "\\" not in text:
        return textwrap.wrap(text, width)
    lines: list[str] = []
    line, room = "", 0
    for word in text.split(" "):
        wide = columns(word)
        if line and wide + 1 <= room:
            line, room = f"{line} {word}", room - wide - 1
            continue
        *full, last = _cut(word, width)
        lines += [*([line] if line else []), *full]
        line, room = last, width - columns(last)
    return [*lines, line] if line else lines


def _cut(word: str, width: int) -> list[str]:
    """A word in pieces that fit; the last one may be empty."""
    pieces, piece, room = list[str](), "", width
    for sign in _SIGN.findall(word) if columns(word) > width else (word,):
        wide = columns(sign)
        if piece and wide > room:
            pieces.append(piece)
            piece, room = "", width
        piece, room = piece + sign, room - wide
    return [*pieces, piece]
