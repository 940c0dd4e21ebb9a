"""Nodes laid over each other: one that stands for all of several instances or turns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc.importing.pieces import MISSING, Piece, turned
from archc.ops.registry import OPS
from archc.spec.expressions import is_sequence


def merged(
    a: Piece, b: Piece, *, turns: bool = False, loose: bool = False
) -> Piece | None:
    """The node that stands for both; None if they differ in more than numbers.

    `turns` are those of a repetition, whose names may count; `loose` lets nodes stand
    in one of them alone.
    """
    if a.kind != b.kind or a.what != b.what or a.reads != b.reads or a.auto != b.auto:
        return None
    if not _same_name(a.name, b.name, turns):
        return None
    if len(a.lists) != len(b.lists):
        return None
    if a.slots.keys() != b.slots.keys() and not _has_defaults(a, b):
        return None
    lists: list[list[Piece]] = []
    for one, other in zip(a.lists, b.lists, strict=True):
        both = merged_lists(one, other, turns=turns, loose=loose, whole=a, others=b)
        if both is None:
            return None
        lists.append(both)
    slots: dict[str, list[Any]] = {}
    for name in (*a.slots, *(n for n in b.slots if n not in a.slots)):
        first = a.slots.get(name, [MISSING] * len(a.occurrences))
        slots[name] = first + b.slots.get(name, [MISSING] * len(b.occurrences))
        if a.what in OPS and not _may_differ(a.what, name, slots[name]):
            return None
    return replace(
        a,
        names=a.names + b.names,
        occurrences=a.occurrences + b.occurrences,
        slots=slots,
        lists=lists,
        absent=a.absent + b.absent,
        labelled=a.labelled or b.labelled,
    )


def _may_differ(op: str, name: str, values: list[Any]) -> bool:
    """Whether a parameter may be what an attribute is: numbers, or words, and neither
    both nor lists with words."""
    words = [_has_word(value) for value in values]
    if not any(words) or all(value == values[0] for value in values):
        return True
    default = OPS[op].model_fields[name].default
    return all(isinstance(default if v is MISSING else v, str) for v in values)


def _has_word(value: Any) -> bool:
    return isinstance(value, str) or (is_sequence(value) and any(map(_has_word, value)))


def _has_defaults(a: Piece, b: Piece) -> bool:
    """Whether what only one of them says has a default that can be written."""
    if a.kind == "skip":
        return True
    only = a.slots.keys() ^ b.slots.keys()
    fields = OPS[a.what].model_fields if a.kind == "op" and a.what in OPS else {}
    return all(n in fields and fields[n].default is not None for n in only)


def _same_name(a: str | None, b: str | None, turns: bool) -> bool:
    if a is None or b is None or not turns:
        return a == b
    return re.sub(r"\d+", "#", a) == re.sub(r"\d+", "#", b)


def merged_lists(
    a: list[Piece],
    b: list[Piece],
    *,
    turns: bool = False,
    loose: bool = False,
    whole: Piece | None = None,
    others: Piece | None = None,
) -> list[Piece] | None:
    """The nodes that stand for both lists; see `merged`.

    `whole` and `others` are the pieces in which they stand, if any.
    """
    if len(a) == len(b):
        found: list[Piece] = []
        for one, other in zip(a, b, strict=True):
            both = merged(one, other, turns=turns, loose=loose)
            if both is None:
                break
            found.append(both)
        else:
            return found
    if not loose:
        return None
    a, b = _wrapped(a, b)
    b, a = _wrapped(b, a)
    return _aligned(a, b, whole, others)


def _wrapped(a: list[Piece], b: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """The second list with skips that are not there and repetitions of one turn, where
    the first has real ones."""
    for n, piece in enumerate(a):
        if piece.kind not in ("skip", "repeat") or (n < len(b) and _alike(piece, b[n])):
            continue
        if piece.kind == "skip" and piece.what == "mul":
            continue  # nothing is left of a gate whose product is not taken
        place = _place_of(piece, b)
        if place is None:
            continue
        start, stop = place
        inner = b[start:stop]
        occurrences = inner[0].occurrences + inner[0].absent
        if piece.kind == "repeat":
            count = {"repeat": [1] * len(occurrences)}
            lists = [[turned(p, 0) for p in inner]]
        else:
            count = {"skip_when": [False] * len(occurrences)}
            lists = [inner, []]
        names: list[str | None] = [None] * len(occurrences)
        wrapper = replace(
            piece,
            names=names,
            slots=count,
            lists=lists,
            occurrences=occurrences,
            absent=[],
        )
        b = [*b[:start], wrapper, *b[stop:]]
    return a, b


def _alike(a: Piece, b: Piece) -> bool:
    return a.kind == b.kind and a.what == b.what


_MORE = 4
"""So many nodes fewer or more may stand in a skip than in the same elsewhere."""


def _place_of(piece: Piece, others: list[Piece]) -> tuple[int, int] | None:
    """Where among others there is most of what a skip holds, or all of what a
    repetition does."""
    body = piece.lists[0]
    turns = piece.kind == "repeat"
    most, found = 0, None
    more = 0 if turns else _MORE
    for length in range(max(1, len(body) - more), len(body) + more + 1):
        for start in range(len(others) - length + 1):
            inner = others[start : start + length]
            if any(_alike(p, piece) or p.labelled for p in inner):
                continue
            if turns:
                names = zip(inner, body, strict=True)
                if any(p.name != own.name for p, own in names):
                    continue
                inner = [turned(p, 0) for p in inner]
            if _shared_at_most(body, inner) <= most:
                continue
            both = merged_lists(body, inner, turns=turns, loose=True)
            shared = sum(_weight(p) for p in both or () if _is_in(p, body, inner))
            if shared > most:
                most, found = shared, (start, start + length)
    return found


def _shared_at_most(a: list[Piece], b: list[Piece]) -> int:
    """The weight of what both lists may have in common, by what the nodes are."""
    there = {(p.kind, p.what, p.name) for p in b}
    return sum(_weight(p) for p in a if p.lists or (p.kind, p.what, p.name) in there)


def _is_in(piece: Piece, *lists: list[Piece]) -> bool:
    """Whether a node stands in instances of each of these lists."""
    there = {o.instance for o in piece.occurrences}
    return all(
        not there.isdisjoint(o.instance for p in each for o in p.occurrences)
        for each in lists
    )


def _aligned(
    a: list[Piece], b: list[Piece], whole: Piece | None, others: Piece | None
) -> list[Piece] | None:
    """Both lists with nodes that only one of them has; None where they share little."""
    if (
        (not a or not b)
        and whole is not None
        and others is not None
        and whole.kind == "skip"
    ):
        # a shortcut that some have
        given, lacking = (a, others) if a else (b, whole)
        only = given[0] if len(given) == 1 else _grouped(given)
        return [replace(only, absent=only.absent + lacking.occurrences)]
    rows = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
    pairs: dict[tuple[int, int], tuple[Piece, float]] = {}
    for i in reversed(range(len(a))):
        for j in reversed(range(len(b))):
            both = merged(a[i], b[j], loose=True)
            best = max(rows[i + 1][j], rows[i][j + 1])
            if both is not None:
                score = _weight(both) + _likeness(a[i], b[j])
                pairs[i, j] = both, score
                best = max(best, rows[i + 1][j + 1] + score)
            rows[i][j] = best
    least = min(sum(map(_weight, a)), sum(map(_weight, b)))
    if rows[0][0] < max(1, 0.6 * least):
        return None
    found: list[Piece] = []
    i = j = 0
    while i < len(a) or j < len(b):
        pair = pairs.get((i, j))
        if pair is not None and rows[i][j] == rows[i + 1][j + 1] + pair[1]:
            found.append(pair[0])
            i, j = i + 1, j + 1
        elif i < len(a) and (j == len(b) or rows[i][j] == rows[i + 1][j]):
            lone = _lone(a[i], b, j, others)
            i += 1
            if lone is None:
                return None
            found.append(lone)
        else:
            lone = _lone(b[j], a, i, whole)
            j += 1
            if lone is None:
                return None
            found.append(lone)
    names = [p.name for p in found if p.name is not None]
    if len(names) != len({*names}):
        return None  # two that differ have one name
    inside = list(_names(found))
    if 2 * (len(inside) - len({*inside})) > len({*inside}):
        return None  # most of it stands there twice
    return found


def _names(pieces: list[Piece]) -> Iterator[str]:
    """The names in a scope, those in nodes without a name too."""
    for piece in pieces:
        if piece.name is not None:
            yield piece.name
        else:
            for inner in piece.lists:
                yield from _names(inner)


def _grouped(pieces: list[Piece]) -> Piece:
    """One node without a name that holds them."""
    first = pieces[0]
    return Piece(
        "group", "", [None] * len(first.occurrences), None, first.occurrences,
        lists=[pieces], has_tensors=any(p.has_tensors for p in pieces),
    )  # fmt: skip


def _weight(piece: Piece) -> int:
    return max(1, sum(_weight(p) for inner in piece.lists for p in inner))


def _likeness(a: Piece, b: Piece) -> float:
    """Below one: how many of their attributes are the same somewhere, as numbers or as
    the channels of what is read."""
    slots = a.slots.keys() | b.slots.keys()
    alike = 0
    for name in slots:
        one, other = a.slots.get(name, [MISSING]), b.slots.get(name, [MISSING])
        alike += any(v in one for v in other)
        alike += _as_read(a, name) == _as_read(b, name)
    return 0.45 * alike / len(slots) if slots else 0.9


def _as_read(piece: Piece, slot: str) -> bool:
    """Whether an attribute is the number of channels that is read, everywhere."""
    values = piece.slots.get(slot, [MISSING])
    places = zip(values, piece.occurrences, strict=False)
    return all(value == place.in_channels for value, place in places)


def _lone(
    piece: Piece, lacking: list[Piece], at: int, around: Piece | None
) -> Piece | None:
    """A node that the other list lacks, where its node `at` stands."""
    if piece.labelled or piece.reads is not None:
        return None
    if at < len(lacking):
        there = lacking[at].occurrences + lacking[at].absent
    elif around is not None and not lacking:
        there = around.occurrences
    elif lacking:
        # behind the last one; what it reads there is not known
        last = lacking[-1]
        there = [o._replace(in_channels=-1) for o in last.occurrences + last.absent]
    else:
        return None
    if piece.kind == "repeat":
        slots = {"repeat": piece.slots["repeat"] + [0] * len(there)}
        names = piece.names + [piece.name] * len(there)
        return replace(
            piece, slots=slots, names=names, occurrences=piece.occurrences + there
        )
    return replace(piece, absent=piece.absent + there)
