"""A network at one level of detail: boxes, what lies folded in them, and links.

This is what all formats of `archc draw` are made from, before anything has a place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from archc.draw.figure import Mark
from archc.network.detours import before, goes_around
from archc.network.graph import Layer
from archc.ops.base import Category
from archc.ops.sizes import Shape

Level = Literal["network", "stage", "block", "layer"]
LinkKind = Literal["main", "skip", "head", "size"]
"""Of what goes around others a `skip`, of what is only there in training a `head`; of a
`size` nothing else is read."""


class Loop(NamedTuple):
    """Ways that part and come together again inside one box.

    A `skip` goes around others, `branches` lie beside each other, and a `join` is a
    merge of values that are named.
    """

    kind: Literal["skip", "branches", "join"]
    merge: str
    """The op that brings them together."""
    paths: int
    around: bool = False
    """Of others than skips: whether one of its values also comes to it through other
    layers."""

    @property
    def skips(self) -> bool:
        return self.kind == "skip" or self.around

    @property
    def text(self) -> str:
        if self.kind == "branches":
            return f"{self.paths} branches, {self.merge}"
        return f"{self.kind}, {self.merge}"


class Less(NamedTuple):
    """What remains of a line of fine print that there is no room for."""

    kept: str = ""
    """What is said in its place, if anything is."""
    lost: tuple[str, ...] = ()
    """What it is that is said no more, such as kinds of ops."""
    spared: tuple[str, ...] = ()
    """The same of what is kept."""


@dataclass(slots=True, eq=False)
class Cell:
    """One box."""

    path: str
    title: str
    count: str = ""
    """How often what it shows stands in a row; empty if once."""
    each: str = ""
    """The same of what is all that it has inside."""
    details: list[str] = field(default_factory=list[str])
    """Further lines, from the most to the least important."""
    fine: dict[str, Less] = field(default_factory=dict[str, Less])
    """Those of the details that may be left out."""
    shape: str = ""
    """Of what it gives."""
    category: Category | None = None
    """None for what stands for layers of several kinds, and for input and output."""
    end: bool = False
    """Whether it is an input or an output of the network."""
    head: bool = False
    """Whether it is only there in training."""
    loops: Counter[Loop] = field(default_factory=Counter["Loop"])
    even: dict[Loop, int] = field(default_factory=dict[Loop, int])
    """How many of these each has of the parts that it stands for, where all have as
    many."""
    layers: list[Layer] = field(default_factory=list["Layer"])
    block: str = ""
    sizes: tuple[int, ...] = ()
    """Channels and the sides of the map that it gives."""
    seldom: str = ""
    """Which repetitions have it, where not all do; one of the details."""
    marks: frozenset[Mark] = frozenset()
    """What its layers are in a comparison of two networks."""
    inner: Chart | None = None
    """What a frame has inside. Its ports are boxes there."""
    port: Literal["", "in", "out"] = ""
    """For what is no box but a place where values come into a frame, or leave it."""

    @property
    def mark(self) -> Mark | None:
        """What it is as a whole; None where nothing is compared."""
        others: list[Mark] = [mark for mark in self.marks if mark != "same"]
        if not others:
            return "same" if self.marks else None
        alone = len(self.marks) == 1 or others == ["detail"]
        return others[0] if alone else "changed"


class Link(NamedTuple):
    """A value that one box gives to another, by their positions in the chart."""

    source: int
    target: int
    kind: LinkKind
    leaves: int = 0
    """Where it leaves a frame: by which of its ports."""
    enters: int = 0
    """The same where it comes into one."""
    note: str = ""
    """When there is such a value, where that is not always so."""


@dataclass(slots=True, eq=False)
class Chart:
    """Cells in the order in which they are computed, and links between them."""

    name: str
    title: str
    subtitle: str
    level: Level
    cells: list[Cell]
    links: list[Link]

    def categories(self) -> list[Category]:
        """Those that occur, in the order of first use."""
        found: dict[Category, None] = {}
        for cell in self.all_cells():
            if cell.category is not None:
                found[cell.category] = None
        return list(found)

    def all_cells(self) -> Iterator[Cell]:
        """Its boxes and those inside of frames."""
        for cell in self.cells:
            yield cell
            if cell.inner is not None:
                yield from cell.inner.all_cells()

    def all_links(self) -> Iterator[Link]:
        """Its links and those inside of frames."""
        yield from self.links
        for cell in self.cells:
            if cell.inner is not None:
                yield from cell.inner.all_links()

    def count(self, kind: Literal["skip", "branches", "join"]) -> int:
        """How many of the ways that are folded into boxes are of that kind."""
        loops = (x for cell in self.all_cells() for x in cell.loops.items())
        return sum(number for loop, number in loops if loop.kind == kind)


def sizes(shape: Shape) -> tuple[int, ...]:
    """Channels, then the sides of the map; 0 where channels are lost in other axes."""
    axis = shape.channel_axis
    given = tuple(map(int, shape.sizes))
    if axis is None:
        return (0, *given)
    return (given[axis], *given[:axis], *given[axis + 1 :])


def linked(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each pair of two boxes once, in their order."""
    return sorted({(source, target) for source, target in pairs if source != target})


def kinds(
    cells: list[Cell], pairs: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> list[Link]:
    """Links of those pairs, and of those where nothing but the size is asked for."""
    links: list[Link] = []
    for source, target in pairs:
        head = cells[target].head and not cells[source].head
        links.append(Link(source, target, "head" if head else "main"))
    known = set(pairs)
    links += (Link(*pair, "size") for pair in asked if pair not in known)
    return around(sorted(links))


def around(
    links: list[Link], places: Mapping[Link, Hashable] | None = None
) -> list[Link]:
    """The links; a plain one that goes around other boxes on the way is a skip.

    `places` say where values are read, where that is known: those of one place are
    never read together.
    """
    given = [x for x in links if x.kind != "size"]
    sources = before((x.source, x.target) for x in given)
    into: dict[int, list[Link]] = {}
    for link in given:
        into.setdefault(link.target, []).append(link)

    def skips(link: Link) -> bool:
        place = (places or {}).get(link)
        others = (
            x.source
            for x in into[link.target]
            if place is None or (places or {}).get(x) != place
        )
        return link.kind == "main" and goes_around(link.source, others, sources)

    return [link._replace(kind="skip") if skips(link) else link for link in links]
