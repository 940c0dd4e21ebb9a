"""The tracks of a gap between two rows, in which links turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archc.draw.order import in_order

Turn = tuple[float, float]
"""Where a link comes from, across the rows, and where it goes to."""


def in_tracks(buses: Mapping[object, Sequence[Turn]]) -> list[object]:
    """What turns in a gap, from its first track to its last: what leaves a place turns
    away before anything comes down there."""
    keys = list(buses)
    leaving: dict[int, list[int]] = {}
    for number, key in enumerate(keys):
        for x in {round(begin) for begin, _ in buses[key]}:
            leaving.setdefault(x, []).append(number)
    pairs = [
        (before, number)
        for number, key in enumerate(keys)
        for x in {round(end) for _, end in buses[key]}
        for near in (x - 1, x, x + 1)
        for before in leaving.get(near, ())
        if before != number
    ]
    order = in_order(len(keys), pairs)
    # two that change places have to lie on one another
    rest = sorted({*range(len(keys))}.difference(order))
    return [keys[number] for number in (*order, *rest)]
