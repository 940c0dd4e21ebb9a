"""The windows of what a stage convolves with, on one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from archc.draw.caption import combined, occurrence
from archc.draw.figure import SHORTCUT, Beside, Box, Leaf

_MOST = 4
"""More are not said."""


def windows(box: Box, reads: Mapping[Leaf, Sequence[Leaf]]) -> str:
    """The windows of its convolutions, one after the other, where they are few; those
    of branches in parentheses: `1×1, (1×1 | 3×3)`. Nothing if one does not follow from
    the other, which names can bring about."""
    found: list[tuple[Beside, str]] = []
    last: Leaf | None = None
    for leaf in box.leaves():
        shortcut = any(way == SHORTCUT for _, way in leaf.beside)
        if leaf.category != "convolution" or shortcut:
            continue
        occurs = occurrence(leaf.tally, box.inner)
        seldom = leaf.tally.total < box.inner.total
        if seldom and occurs not in ("first only", "not first"):
            return ""  # one row does not tell what is there and what is not
        text = combined({f: t for f, t in leaf.captions.items()}, leaf.tally)
        window = next(iter(leaf.captions))[1].strip() if leaf.captions else text
        if window and (not occurs or occurs == "not first"):
            siblings = last is not None and _siblings(last.beside, leaf.beside)
            if last is not None and not siblings and not _follows(leaf, last, reads):
                return ""
            if len(found) == _MOST:
                return ""
            found.append((leaf.beside, window))
            last = leaf
    return _in_a_row(found, 0)


def _siblings(one: Beside, other: Beside) -> bool:
    """Whether they are different branches of one place."""
    differ = ((a, b) for a, b in zip(one, other, strict=False) if a != b)
    return any(a[0] == b[0] for a, b in list(differ)[:1])


def _follows(leaf: Leaf, before: Leaf, reads: Mapping[Leaf, Sequence[Leaf]]) -> bool:
    """Whether a leaf reads what is made, near or far, of what is before it."""
    waiting, seen = [leaf], {leaf}
    while waiting:
        for source in reads.get(waiting.pop(), ()):
            if source is before:
                return True
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return False


def _in_a_row(found: list[tuple[Beside, str]], depth: int) -> str:
    """Windows that follow each other, and branches of them."""
    said: list[str] = []
    parts = groupby(found, key=lambda x: x[0][depth][0] if x[0][depth:] else None)
    for place, part in parts:
        if place is None:
            said += (window for _, window in part)
            continue
        branches: dict[int, list[tuple[Beside, str]]] = {}
        for one in part:
            branches.setdefault(one[0][depth][1], []).append(one)
        inside = [_in_a_row(branch, depth + 1) for branch in branches.values()]
        said.append(inside[0] if len(inside) == 1 else f"({' | '.join(inside)})")
    return ", ".join(said)
