"""Runs of nodes that differ only in numbers, as repetitions."""

from __future__ import annotations

import re

from archc.importing.fitting import Expression, Names, fitted
from archc.importing.pieces import MISSING, Piece, all_pieces, merged_lists, turned

_COUNTERS = Names({}, channels=False)
_LONGEST = 12
"""The nodes that one turn has at most."""


def with_repeats(pieces: list[Piece]) -> list[Piece]:
    """The list with repetitions in place of runs, where that is shorter."""
    for piece in pieces:
        piece.lists = [with_repeats(inner) for inner in piece.lists]
    found: list[Piece] = []
    at = 0
    while at < len(pieces):
        best = _best(pieces, at)
        if best is None:
            found.append(pieces[at])
            at += 1
        else:
            repeat, length = best
            found.append(repeat)
            at += length
    return found


def _best(pieces: list[Piece], at: int) -> tuple[Piece, int] | None:
    """The run that begins there and saves most."""
    best: tuple[float, Piece, int] | None = None
    for period in range(1, min(_LONGEST, (len(pieces) - at) // 2) + 1):
        found = _run(pieces, at, period)
        if found is None:
            continue
        body, turns = found
        saved = turns * _lines(pieces[at : at + period]) - _cost(body)
        if saved > 0 and (best is None or saved > best[0]):
            first = body[0].occurrences[0]
            places = [o._replace(counters=o.counters[1:]) for o in body[0].occurrences]
            place = places[:1]
            repeat = Piece(
                "repeat", "", [None], None, place, {"repeat": [turns]}, [body],
                has_tensors=any(p.has_tensors for p in body),
            )  # fmt: skip
            assert first.counters[:1] == (0,)
            best = saved, repeat, turns * period
    return None if best is None else (best[1], best[2])


def _run(pieces: list[Piece], at: int, period: int) -> tuple[list[Piece], int] | None:
    """One turn for the longest run of them, and how many there are."""
    body = [turned(p, 0) for p in pieces[at : at + period]]
    if any(p.labelled or _reads_out(p) for p in body):
        return None
    turns = 1
    while True:
        start = at + turns * period
        chunk = pieces[start : start + period]
        if len(chunk) < period or any(p.labelled or _reads_out(p) for p in chunk):
            break
        both = merged_lists(body, [turned(p, turns) for p in chunk], turns=True)
        if both is None or not _counted(both):
            break
        body, turns = both, turns + 1
    return (body, turns) if turns > 1 else None


def _reads_out(piece: Piece) -> bool:
    return any(p.reads is not None or p.labelled for p in all_pieces([piece]))


def _counted(body: list[Piece]) -> bool:
    """Whether names grow with the turns."""
    return all(name_of(p) is not MISSING for p in all_pieces(body))


def name_of(piece: Piece) -> str | None | object:
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
    return text


def _lines(pieces: list[Piece]) -> float:
    """How many lines they take."""
    total = 0.0
    for piece in pieces:
        inner = sum(_lines(each) for each in piece.lists)
        single = len(piece.lists) == 1 and len(piece.lists[0]) == 1
        total += inner + (0 if piece.lists and single else 2 if piece.lists else 1)
    return total


def _cost(body: list[Piece]) -> float:
    """How many lines a repetition takes, what differs in its turns counted in."""
    total = _lines(body) + (2 if len(body) > 1 else 0)
    for piece in all_pieces(body):
        for name, values in piece.slots.items():
            found = fitted(values, piece.occurrences, Names({}).of(name))
            if isinstance(found, Expression):
                total += 0.55
            elif found is None:
                total += 1.2 if name != "p" else 0.5
    return total
