"""What is drawn: leaves in boxes, arcs between leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from archc.draw.caption import Fields, Tally
from archc.ops.base import Category
from archc.ops.sizes import Shape

Beside = tuple[tuple[int, int], ...]
"""By numbers: where paths part, and which of them it is."""
SHORTCUT = -1
"""The path that others go around."""
Mark = Literal["same", "changed", "detail", "removed", "inserted", "moved"]
"""What a layer is in comparison with another network; a `detail` is a change that its
caption does not show."""


@dataclass(slots=True, eq=False)
class Leaf:
    """One op of the spec at one place of the picture, in all its repetitions."""

    path: str
    category: Category | None
    """None for the network's input and output, and for what stands for many layers."""
    captions: dict[Fields, Tally] = field(default_factory=dict[Fields, Tally])
    tally: Tally = field(default_factory=Tally)
    text: str = ""
    """Said in place of captions."""
    note: str = ""
    again: str = ""
    """The module whose further use it is."""
    operands: str = ""
    """Which value it takes from which, or divides by which."""
    learned: bool = False
    """Of a further use: whether it has parameters, those of the first."""
    always: bool = False
    """Whether it is said however little room there is."""
    ahead: bool = False
    """Whether it is a part of what comes after it."""
    crossing: bool = False
    """Whether it takes a value to another device."""
    beside: Beside = ()
    """The parallel paths that it lies on, from the outermost."""
    input: Shape | None = None
    """What the first of its layers reads,"""
    given: Shape | None = None
    """what that one gives,"""
    output: Shape | None = None
    """and what the last one gives."""
    turns: list[Fields] = field(default_factory=list[Fields])
    """Its captions in the order of its layers, those in a row once."""
    params: int = 0
    marks: Counter[Mark] = field(default_factory=Counter["Mark"])
    """What its layers are in a comparison; empty where nothing is compared."""
    into: Leaf | None = None
    """The leaf that stands for it, where a part of the network is not drawn."""

    @property
    def drawn(self) -> Leaf:
        leaf = self
        while leaf.into is not None:
            leaf = leaf.into
        return leaf

    @property
    def mark(self) -> Mark | None:
        """What it is in a comparison, in at least some of its repetitions."""
        kinds: list[Mark] = [mark for mark in self.marks if mark != "same"]
        if len(kinds) > 1:
            return "changed"
        if kinds:
            return kinds[0]
        return "same" if self.marks else None


def marks_of(leaves: Iterable[Leaf]) -> frozenset[Mark]:
    """What those leaves are in a comparison; empty where nothing is compared."""
    return frozenset(leaf.mark for leaf in leaves if leaf.mark is not None)


BoxKind = Literal["block", "group", "repeat", "head"]


@dataclass(slots=True, eq=False)
class Box:
    """A part of the network with a frame around it."""

    kind: BoxKind
    path: str
    children: list[Item] = field(default_factory=list["Item"])
    tally: Tally = field(default_factory=Tally)
    inner: Tally = field(default_factory=Tally)
    """Of its inside: for a repeat, how many repetitions there are."""
    name: str = ""
    block: str = ""
    count: str = ""
    """For a repeat: how often."""
    remark: str = ""
    again: str = ""
    """The module whose further use it is."""
    folded: Box | None = None
    """A repetition of nothing but this, whose frame it is too."""

    @property
    def said_again(self) -> str:
        """What is said of that, where its own name does not say which one it is."""
        if not self.again:
            return ""
        return "again" if self.again == self.name else f"{self.again} again"

    def leaves(self) -> Iterator[Leaf]:
        for child in self.children:
            if isinstance(child, Leaf):
                yield child
            elif isinstance(child, Box):
                yield from child.leaves()
            else:
                yield from child.leaves


@dataclass(slots=True, eq=False)
class Node:
    """Leaves that are drawn as one: a convolution with what follows it."""

    leaves: list[Leaf]
    lead: Leaf
    tally: Tally
    """How often it occurs in the box around it; each time, as often as `count` says."""
    count: str = ""
    folded: Box | None = None
    """The repetition that it stands for, if it has no frame."""


Item = Leaf | Node | Box


class Turn(NamedTuple):
    """One of some repetitions that are drawn as one."""

    box: Box
    at: int
    of: int
    """Which one it is, and of how many."""


@dataclass(slots=True, eq=False)
class Arc:
    """A value on its way from one leaf to another."""

    source: Leaf
    target: Leaf
    tally: Tally = field(default_factory=Tally)
    places: set[tuple[Leaf, int]] = field(default_factory=set["tuple[Leaf, int]"])
    """Where it is read, in any of the repetitions: by which leaf, as which input."""
    shared: frozenset[Box] = frozenset()
    """The repetitions around the target of which each reads this one value, and not
    what the one before it gives."""
    left: set[Turn] = field(default_factory=set["Turn"])
    """The repetitions around the source, and not around the target, that give it."""
    carried: bool = True
    """Whether it is only read of what an earlier repetition hands on,"""
    varies: bool = False
    """and whether it is at all."""
    size_only: bool = False
    """Whether the target only asks for its size."""
    bypass: bool = False
    """Whether its value also reaches the target through the layers between the two."""
