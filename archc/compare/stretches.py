"""Stretches in which two long sequences agree.

This is the greedy search for the shortest way from one sequence to the other by Myers
(1986). It is given up where the way gets long, and begun anew from the furthest place:
so time and memory grow with the length of the sequences, not with its square.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Stretch = tuple[int, int, int]
"""Where it begins in each sequence, and how long it is."""
_Way = tuple["_Way", Stretch] | None
"""The stretches on a way, the last one first."""

_PATIENCE = 300
"""After how many removals and insertions the search begins anew."""


def stretches(a: Sequence[int], b: Sequence[int]) -> Iterator[Stretch]:
    """Stretches in which `a` and `b` agree, in order and apart from each other."""
    i = j = 0
    while i < len(a) and j < len(b):
        i, j, way = _furthest(a, b, i, j)
        found: list[Stretch] = []
        while way is not None:
            way, stretch = way
            found.append(stretch)
        yield from reversed(found)


def _furthest(
    a: Sequence[int], b: Sequence[int], i: int, j: int
) -> tuple[int, int, _Way]:
    """How far one gets from a place with some edits, and on what way."""
    # by diagonal, which is how much more of `a` was passed: where in `a`, on what way
    ends: dict[int, tuple[int, _Way]] = {1: (i, None)}
    for edits in range(_PATIENCE):
        for diagonal in range(-edits, edits + 1, 2):
            removed, inserted = ends.get(diagonal - 1), ends.get(diagonal + 1)
            if removed is None or (inserted and removed[0] < inserted[0]):
                assert inserted is not None
                x, way = inserted
            else:
                x, way = removed[0] + 1, removed[1]
            start, shift = x, j - i - diagonal
            while x < len(a) and x + shift < len(b) and a[x] == b[x + shift]:
                x += 1
            if x > start:
                way = (way, (start, start + shift, x - start))
            ends[diagonal] = x, way
            if x >= len(a) and x + shift >= len(b):
                return len(a), len(b), way
    inside = (
        (x, x + j - i - diagonal, way)
        for diagonal, (x, way) in ends.items()
        if x <= len(a) and x + j - i - diagonal <= len(b)
    )
    return max(inside, key=lambda end: end[0] + end[1])
