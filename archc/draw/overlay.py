"""Blocks of one kind, drawn as one with what differs between them."""

from __future__ import annotations

from collections.abc import Iterator

from archc.draw.caption import Tally
from archc.draw.drafts import Outer, leaves_of
from archc.draw.figure import Box, Item, Node
from archc.draw.runs import run_name, span

Form = tuple["str | Form | None", ...]


def form(item: Item) -> Form:
    """What an item is built of; only items of one form lie over each other."""
    if isinstance(item, Box):
        return (item.kind, *map(form, item.children))
    return tuple(leaf.category for leaf in leaves_of(item))


def overlaid(run: list[Outer]) -> Outer:
    """Items of one form as one."""
    first, last = run[0], run[-1]
    if len(run) == 1 or not isinstance(first, Box) or not isinstance(last, Box):
        return first
    for item in run[1:]:
        assert isinstance(item, Box)
        _lay(first, item)
    first.name = run_name(first.path, last.path)
    first.count = str(len(run))
    return first


def _lay(first: Box, box: Box) -> None:
    """Counts in the first one what occurs in a further one."""
    for leaf, other in zip(first.leaves(), box.leaves(), strict=True):
        other.into = leaf
        leaf.output = other.output
        leaf.params += other.params
        leaf.turns += other.turns
        for fields, tally in other.captions.items():
            leaf.captions.setdefault(fields, Tally()).first += tally.total
    pairs = zip(_inside(first), _inside(box), strict=True)
    # one tally may be that of a box and of all that it holds
    for tally, more in {id(a): (a, b.total) for a, b in pairs}.values():
        tally.first += more
    for part, other in zip(_counted(first), _counted(box), strict=True):
        if part.count != other.count:
            part.count = span(part.count or "1", other.count or "1")


def _inside(box: Box) -> Iterator[Tally]:
    """How often a box is gone through, and what is in it occurs."""
    yield box.inner
    for child in box.children:
        yield child.tally
        if isinstance(child, Box):
            yield from _inside(child)
        elif isinstance(child, Node):
            yield from (leaf.tally for leaf in child.leaves)


def _counted(box: Box) -> Iterator[Box | Node]:
    """What may be repeated inside a box."""
    for child in box.children:
        if isinstance(child, Box | Node):
            yield child
        if isinstance(child, Box):
            yield from _counted(child)
