"""The windows of what a stage convolves with, on one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from archc.draw import labels
from archc.draw.caption import Fields, Tally, combined, occurrence
from archc.draw.chart import sizes
from archc.draw.figure import SHORTCUT, Arc, Beside, Box, Item, Leaf, Node

_MOST = 10
"""More are not said."""
_MOST_TIMES = 3
"""Up to how often one is said that is repeated."""


def windows(
    box: Box, reads: Mapping[Leaf, Sequence[Leaf]], *, strides: bool = True
) -> str:
    """The windows of its convolutions, and the poolings that make its map smaller, one
    after the other, where they are few; those of branches in parentheses:
    `1×1, (1×1 | 3×3)`. Not those of gates, which look at the map as a whole. Nothing if
    one does not follow from the other, which names can bring about, or if parts are
    repeated. `strides` if what convolutions skip is said too."""
    found: list[tuple[Beside, str]] = []
    last: Leaf | None = None
    times = dict(_repeated(box))
    if not all(1 <= count <= _MOST_TIMES for count in times.values()):
        return ""
    if of_one_block(box):
        return ""
    leaves = list(box.leaves())
    for leaf in leaves:
        shortcut = any(way == SHORTCUT for _, way in leaf.beside)
        if shortcut or _is_aside(leaf, leaves[-1]):
            continue
        if leaf.category == "convolution":
            text = _window(leaf, strides=strides)
        elif leaf.category == "pooling" and _shrinks(leaf):
            text = labels.said(leaf)
        else:
            continue
        often = times.get(leaf, 1)
        always = leaf.tally.total == often * box.inner.total
        occurs = "" if always else occurrence(leaf.tally, box.inner)
        seldom = leaf.tally.total < box.inner.total
        if seldom and occurs not in ("first only", "not first"):
            return ""  # one row does not tell what is there and what is not
        if text and (not occurs or occurs == "not first"):
            siblings = last is not None and _siblings(last.beside, leaf.beside)
            if last is not None and not siblings and not _follows(leaf, last, reads):
                return ""
            found += [(leaf.beside, text)] * often
            if len(found) > _MOST:
                return ""
            last = leaf
    return _in_a_row(found, 0)


def reads_of(arcs: Iterable[Arc]) -> dict[Leaf, list[Leaf]]:
    """What each leaf reads."""
    reads: dict[Leaf, list[Leaf]] = {}
    for arc in arcs:
        reads.setdefault(arc.target, []).append(arc.source)
    return reads


def _repeated(box: Box) -> Iterator[tuple[Leaf, int]]:
    """How often a layer comes that is repeated by itself; 0 for what is in a part of
    several that is, or does not come as often in all of its repetitions."""
    for part in box.children:
        if isinstance(part, Node) and part.count:
            count = int(part.count) if part.count.isdecimal() else 0
            yield from ((leaf, count) for leaf in part.leaves)
        elif isinstance(part, Box) and part.count not in ("", "1"):
            yield from ((leaf, 0) for leaf in part.leaves())
        elif isinstance(part, Box):
            yield from _repeated(part)


def of_one_block(box: Box) -> bool:
    """Whether it is several blocks of one kind, and no more."""
    parts = [x for x in box.children if isinstance(x, Box) or _convolves(x)]
    boxes = [x for x in parts if isinstance(x, Box)]
    return len(boxes) == len(parts) > 1 and len({x.block for x in boxes}) == 1


def _convolves(item: Item) -> bool:
    return isinstance(item, Node) and item.lead.category == "convolution"


def _is_aside(leaf: Leaf, last: Leaf) -> bool:
    """Whether it looks at no map, though the last one gives one."""
    if last.output is None or leaf.output is None:
        return False
    sides, own = sizes(last.output)[1:], sizes(leaf.output)[1:]
    return len(own) != len(sides) or (set(own) == {1} and set(sides) != {1})


def _shrinks(leaf: Leaf) -> bool:
    """Whether it is a pooling with a window that makes its map smaller."""
    if not any(fields[1] for fields in leaf.captions):
        return False
    if leaf.input is None or leaf.given is None:
        return False
    return sizes(leaf.input)[1:] != sizes(leaf.given)[1:]


def _window(leaf: Leaf, *, strides: bool) -> str:
    """A window with what it skips: `dw 3×3`, `3×3 /2`, `3×3 dilated 2`."""
    found_strides = {stride for _, _, _, stride, *_ in leaf.captions}
    told = strides and len(found_strides) == 1
    one = found_strides.pop() if told else ""
    shown = {fields: _shown(fields, one) for fields in leaf.captions}
    found: dict[Fields, Tally] = {}
    for fields, tally in leaf.captions.items():
        seen = found.setdefault(shown[fields], Tally())
        seen.first += tally.first
        seen.middle += tally.middle
        seen.last += tally.last
    turns = [shown[fields] for fields in leaf.turns]
    return combined(found, leaf.tally, turns).strip()


def _shown(fields: Fields, stride: str) -> Fields:
    name, kernel, _, _, dilation, groups, _ = fields
    each = "dw" if name.startswith("depthwise") else ""
    return each, kernel, stride, dilation, groups


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
