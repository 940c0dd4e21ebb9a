"""Runs of nodes that differ only in numbers, as repetitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from archc.importing.expressions import Expression, Names
from archc.importing.fitting import fitted
from archc.importing.merging import merged_lists
from archc.importing.pieces import MISSING, Piece, all_pieces, turned
from archc.spec.expressions import is_sequence

_COUNTERS = Names({}, channels=False)
_LONGEST = 12
"""The nodes that one turn has at most."""
_FEW = 3
"""So many turns that are alike say what further ones would say."""
_CLOSELY, _STEP = 64, 8
"""Up to how many turns each number of them is looked at, and which above that."""


def with_repeats(pieces: list[Piece], *, grouped: bool = False) -> list[Piece]:
    """The list with repetitions in place of runs, in as few lines as it takes; where it
    is `grouped`, one repetition of one node takes the place of a group of numbers."""
    for piece in pieces:
        numbered = piece.kind == "group" and piece.auto
        piece.lists = [with_repeats(inner, grouped=numbered) for inner in piece.lists]
    least = [0.0] * (len(pieces) + 1)
    choices: list[tuple[Piece, int]] = []
    row = _Row(pieces)
    for at in reversed(range(len(pieces))):
        choice = pieces[at], 1
        least[at] = lines([pieces[at]]) + least[at + 1]
        for run, length, cost in _runs(row, at):
            if grouped and length == len(pieces) and len(run.lists[0]) == 1:
                cost -= 1
            if cost + least[at + length] < least[at]:
                choice, least[at] = (run, length), cost + least[at + length]
        choices.insert(0, choice)
    found: list[Piece] = []
    at = 0
    while at < len(pieces):
        piece, length = choices[at]
        found.append(piece)
        at += length
    return found


class _Row:
    """Nodes behind each other, and which of them are alike."""

    def __init__(self, pieces: list[Piece]) -> None:
        self.pieces = pieces
        known: dict[str, int] = {}
        self._kinds = [known.setdefault(repr(_kind(p)), len(known)) for p in pieces]
        """Of nodes that differ in the numbers of their names alone, the same."""
        self._numbers = [_numbers(p) for p in pieces]

    def goes_on(self, at: int, period: int, turns: int) -> bool:
        """Whether so many turns from there are alike, and their names count."""
        stop = at + turns * period
        if at < 0 or stop > len(self.pieces):
            return False
        kinds, numbers = self._kinds, self._numbers
        if kinds[at : stop - period] != kinds[at + period : stop]:
            return False
        return all(
            b - a == c - b
            for n in range(at, stop - 2 * period)
            for a, b, c in zip(*numbers[n : n + 2 * period + 1 : period], strict=True)
        )


def _kind(piece: Piece) -> Any:
    """All that a node is, but for the numbers in its names."""
    names = [re.sub(r"\d+", "#", n or "") for n in piece.names]
    about = (piece.kind, piece.what, piece.reads, piece.slots, piece.labelled)
    places = [o.in_channels for o in piece.occurrences], len(piece.absent)
    inside = [[_kind(p) for p in inner] for inner in piece.lists]
    return about, names, places, piece.auto, piece.has_tensors, inside


def _numbers(piece: Piece) -> list[int]:
    """The numbers in the names of a node and what is inside."""
    names = [n for p in all_pieces([piece]) for n in p.names if n is not None]
    return [int(number) for name in names for number in re.findall(r"\d+", name)]


def _runs(row: _Row, at: int) -> Iterator[tuple[Piece, int, float]]:
    """The repetitions that may begin there, with the nodes they stand for and the lines
    they take.

    Where many turns are alike, those are left out that begin or end among them.
    """
    pieces = row.pieces
    for period in range(1, min(_LONGEST, (len(pieces) - at) // 2) + 1):
        if any(_is_fixed(p) for p in pieces[at : at + period]):
            break
        if row.goes_on(at - _FEW * period, period, _FEW + 1):
            continue
        for turns, body in _laid_over(row, at, period):
            if _counted(body):
                yield _repeat(body, turns), turns * period, _cost(body)
            elif turns > 2 or any(p.kind == "repeat" for p in all_pieces(body)):
                break  # by two numbers it is not known yet how they grow


def _laid_over(row: _Row, at: int, period: int) -> Iterator[tuple[int, list[Piece]]]:
    """The first turns from there laid over each other: two of them, three, and so on,
    as far as that goes."""
    pieces = row.pieces
    body = [turned(p, 0) for p in pieces[at : at + period]]
    told = True
    for turn in count(1):
        start = at + turn * period
        chunk = pieces[start : start + period]
        both = None
        if len(chunk) == period and not any(map(_is_fixed, chunk)):
            both = merged_lists(body, [turned(p, turn) for p in chunk], turns=True)
        if both is None:
            if not told:
                yield turn, body
            return
        body = both
        on = row.goes_on(start - period, period, _FEW)
        ends = row.goes_on(start - 2 * period, period, _FEW)
        told = turn < _FEW or (
            not on and (ends or turn < _CLOSELY or turn % _STEP == 0)
        )
        if told:
            yield turn + 1, body


def _repeat(body: list[Piece], turns: int) -> Piece:
    first = body[0].occurrences[0]
    place = first._replace(counters=first.counters[1:])
    return Piece(
        "repeat", "", [None], None, [place], {"repeat": [turns]}, [body],
        has_tensors=any(p.has_tensors for p in body),
    )  # fmt: skip


def _is_fixed(piece: Piece) -> bool:
    """Whether it is read otherwise than in a chain. What it reads so stands ahead of
    all turns, then, and is the same in each."""
    return any(p.labelled for p in all_pieces([piece]))


def _counted(body: list[Piece]) -> bool:
    """Whether names grow with the turns."""
    return all(name_of(p) is not MISSING for p in all_pieces(body))


def name_of(piece: Piece) -> str | object | None:
    """A name for all occurrences, with braces where it counts; MISSING if none is."""
    names = piece.names
    if all(n == names[0] for n in names):
        return names[0]
    parts = [re.split(r"(\d+)", n or "") for n in names]
    text = ""
    for column in zip(*parts, strict=True):
        if all(c == column[0] for c in column):
            text += column[0]
            continue
        if any(len(c) > 1 and c[0] == "0" for c in column):
            return MISSING
        found = fitted([int(c) for c in column], piece.occurrences, _COUNTERS)
        if not isinstance(found, Expression) or " if " in found.text:
            return MISSING
        text += f"{{{found}}}"
    # braces stand behind the last dot
    return MISSING if "." in text.partition("}")[2] else text


def lines(pieces: list[Piece]) -> float:
    """How many lines nodes take."""
    total = 0.0
    for piece in pieces:
        inner = sum(lines(each) for each in piece.lists)
        single = len(piece.lists) == 1 and len(piece.lists[0]) == 1
        total += inner + (0 if piece.lists and single else 2 if piece.lists else 1)
    return total


def _all_constant(parts: Sequence[Any]) -> bool:
    return not any(isinstance(part, Expression) for part in parts)


def _cost(body: list[Piece]) -> float:
    """How many lines a repetition takes, what differs in its turns counted in."""
    total = lines(body) + (2 if len(body) > 1 else 0)
    # an op whose turns differ is a line each, as people write it
    total += len(body) == 1 and body[0].kind == "op" and not body[0].has_tensors
    for piece in all_pieces(body):
        # a name that grows by steps has to be worked out
        total += "* i" in str(name_of(piece))
        for name, values in piece.slots.items():
            found = fitted(values, piece.occurrences, Names({}).of(name))
            if isinstance(found, Expression):
                total += 0.55
            elif is_sequence(found) and not _all_constant(found):
                total += 1.1
            elif found is None:
                total += 0.5 if name == "p" else 1 + len(values) / 4
    return total
