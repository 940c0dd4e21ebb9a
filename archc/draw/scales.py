"""Ways down and up through the scales of a network, and what stands beside them.

A pyramid goes down through the scales, up again with what the way down gave at each,
and perhaps down once more (Lin et al. 2017, Fig. 3, arXiv:1612.03144; Liu et al. 2018,
Fig. 1, arXiv:1803.01534). A U with outputs at several scales is one too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import prod

from archc.draw.chart import Cell, Chart, sizes
from archc.network.detours import before

_LEAST_STEPS = 2
"""Over so many scales a way goes, and at so many it reads what the one before gave."""


@dataclass(slots=True)
class Pyramid:
    """Which boxes stand in which column, and at which scale."""

    columns: list[list[int]]
    """From left to right; each in the order in which its boxes are computed."""
    falling: set[int]
    """Those columns that go down,"""
    rising: set[int]
    """and those that go up."""
    row: list[int]
    """For each box its scale, from the largest map on."""


def pyramids(chart: Chart) -> list[Pyramid]:
    """The pyramid of a chart, with what forks and what the network returns below what
    it is made of, or in columns of their own; empty where it is none."""
    search = _Search(chart)
    if not search.row or not search.found():
        return []
    beside = search.beside()
    if beside is None or search.joined(beside) < _LEAST_STEPS:
        return []
    if search.goes_back(beside[-1]):
        return []
    columns: list[list[int]] = []
    falling: set[int] = set()
    rising: set[int] = set()
    for number, way in enumerate(search.ways):
        columns += [beside[number]] if beside[number] else []
        (rising if number % 2 else falling).add(len(columns))
        columns.append(way)
    behind = [search.behind(beside[-1], apart=apart) for apart in (False, True)]
    taken = sorted(set(search.row))  # what stays at a scale may leave another one empty
    row = [taken.index(scale) for scale in search.row]
    found = [Pyramid([*columns, *more], falling, rising, row) for more in behind]
    return [x for x in found if _goes_on(x, chart) and _has_room(x, chart)]


def _goes_on(found: Pyramid, chart: Chart) -> bool:
    """Whether all that is read stands at the left of what reads it, or with that."""
    column = {i: n for n, cells in enumerate(found.columns) for i in cells}
    return all(column[x.source] <= column[x.target] for x in chart.links)


def _has_room(found: Pyramid, chart: Chart) -> bool:
    """Whether all frames stand on ways down and read what is above them: nothing comes
    to their sides."""
    column = {i: n for n, cells in enumerate(found.columns) for i in cells}
    framed = {i for i, cell in enumerate(chart.cells) if cell.inner is not None}
    above = {b: a for cells in found.columns for a, b in pairwise(cells)}
    return all(column[i] in found.falling for i in framed) and all(
        above.get(x.target) == x.source for x in chart.links if x.target in framed
    )


@dataclass(slots=True)
class _Climb:
    """How many scales a way goes over, and the box before its last."""

    steps: int
    last: int


@dataclass(slots=True)
class _Search:
    chart: Chart
    ways: list[list[int]] = field(default_factory=list[list[int]])
    """Alternately down and up."""
    row: list[int] = field(init=False)
    _before: dict[int, list[int]] = field(init=False)
    _after: dict[int, list[int]] = field(init=False)

    def __post_init__(self) -> None:
        pairs = [(x.source, x.target) for x in self.chart.links if x.kind != "size"]
        self._before = before(pairs)
        self._after = before((target, source) for source, target in pairs)
        self.row = _rows(self.chart.cells, self._before)

    def found(self) -> bool:
        """Whether it finds ways from the only input on."""
        starts = [i for i in range(len(self.chart.cells)) if i not in self._before]
        if len(starts) != 1:
            return False
        begin = starts[0]
        while True:
            up = self._longest(begin, -1)
            if not up:
                break
            down = self._between(begin, up[0])
            if not down:
                return False
            self.ways += [down if not self.ways else down[1:], self._on(up[1:])]
            begin = self.ways[-1][-1]
        if not self.ways:
            return False
        down = self._longest(begin, 1)
        self.ways += [self._on(down[1:])] if down else []
        self._trim()
        return all(self.ways)

    def _longest(self, begin: int, sign: int) -> list[int]:
        """Of what follows a box the way over most scales, down or up, from where it
        starts; empty if it is short."""
        reached = {begin}
        climbs: dict[int, _Climb] = {}
        for i in range(begin + 1, len(self.chart.cells)):
            sources = [s for s in self._before.get(i, ()) if s in reached]
            if sources:
                reached.add(i)
            for s in sources:
                rise = (self.row[i] - self.row[s]) * sign
                known = climbs[s].steps if s in climbs else 0
                steps = known + (rise > 0)
                if rise >= 0 and steps > (climbs[i].steps if i in climbs else 0):
                    climbs[i] = _Climb(steps, s)
        most = max((climb.steps for climb in climbs.values()), default=0)
        if most < _LEAST_STEPS:
            return []
        way = [next(i for i in climbs if climbs[i].steps == most)]
        while way[-1] in climbs:
            way.append(climbs[way[-1]].last)
        return way[::-1]

    def _between(self, begin: int, end: int) -> list[int]:
        """The way down from one box to another that has most boxes."""
        length = {begin: 1}
        last: dict[int, int] = {}
        for i in range(begin + 1, end + 1):
            for s in self._before.get(i, ()):
                falls = s in length and self.row[s] <= self.row[i]
                if falls and length[s] >= length.get(i, 0):
                    length[i], last[i] = length[s] + 1, s
        if end not in length:
            return []
        way = [end]
        while way[-1] != begin:
            way.append(last[way[-1]])
        return way[::-1]

    def _on(self, way: list[int]) -> list[int]:
        """A way, and what alone continues it at its last scale."""
        way = list(way)
        while True:
            further = self._after.get(way[-1], [])
            if len(further) != 1 or self.row[further[0]] != self.row[way[-1]]:
                return way
            way.append(further[0])

    def _trim(self) -> None:
        """Ends each way before what has its like beside the ways, at other scales:
        these shall stand in one column."""
        free = self._free()
        for way in self.ways:
            last = self.row[way[-1]]
            elsewhere = {
                _kind(self.chart.cells[i]) for i in free if self.row[i] != last
            }
            for at, (a, b) in enumerate(pairwise(way), 1):
                level = self.row[a] == self.row[b] == last
                if level and _kind(self.chart.cells[b]) in elsewhere:
                    del way[at:]
                    break

    def _free(self) -> list[int]:
        taken = {i for way in self.ways for i in way}
        return [i for i in range(len(self.chart.cells)) if i not in taken]

    def beside(self) -> list[list[int]] | None:
        """What stands before each way, for which it is made, and what behind the last.

        What is made of a way up and leads back to it ends it there. None where nothing
        is left of one, where a way down has branches, or where something goes from
        scale to scale beside the ways.
        """
        while all(self.ways):
            place = {i: n for n, way in enumerate(self.ways) for i in way}
            found: list[list[int]] = [[] for _ in range(len(self.ways) + 1)]
            free = self._free()
            for i in reversed(free):
                readers = (place[t] for t in self._after.get(i, ()))
                place[i] = min(readers, default=len(self.ways))
                found[place[i]].insert(0, i)
            taken = set(place).difference(free)
            back = {
                place[i]
                for i in free
                if any(s in taken and place[s] >= place[i] for s in self._before[i])
            }
            if not back:
                return found if all(map(self._level, found[:-1])) else None
            at = min(back)
            if at % 2 == 0:
                return None
            way, made = self.ways[at], set(found[at])
            ends = (n for n, i in enumerate(way) if made.intersection(self._before[i]))
            del way[max(ends) :]
        return None

    def _level(self, cells: list[int]) -> bool:
        """Whether nothing leads from one scale to another between some boxes."""
        return all(
            self.row[s] == self.row[i]
            for i in cells
            for s in self._before[i]
            if s in cells
        )

    def behind(self, cells: list[int], *, apart: bool) -> list[list[int]]:
        """The columns of what stands behind the last way: what is made at one scale
        stays there if it is scaled up, and what several scales come together in has a
        column behind them. What forks, and what is returned, has one if `apart`."""
        columns: dict[int, list[int]] = {}
        depth: dict[int, int] = {}
        for i in cells:
            sources = self._before[i]
            inner = [s for s in sources if s in depth]
            rows = {self.row[s] for s in inner}
            if len(rows) < 2:
                self.row[i] = max(self.row[i], *(self.row[s] for s in sources), 0)
            level = [s for s in inner if self.row[s] == self.row[i]]
            forks = any(len(self._after[s]) > 1 for s in level)
            ends = self.chart.cells[i].end and bool(level)
            further = len(rows) > 1 or (apart and (forks or ends))
            depth[i] = max((depth[s] for s in inner), default=0) + further
            columns.setdefault(depth[i], []).append(i)
        return [columns[at] for at in sorted(columns)]

    def goes_back(self, cells: list[int]) -> bool:
        """Whether something behind the ways is joined with what an earlier one gave, as
        in a nested U."""
        earlier = {i for way in self.ways[:-1] for i in way}
        return any(
            not earlier.isdisjoint(self._before[i])
            and not set(cells).isdisjoint(self._before[i])
            for i in cells
        )

    def joined(self, beside: list[list[int]]) -> int:
        """At how many scales the first way up reads what the way down gave there."""
        given, row = {*self.ways[0], *beside[1]}, self.row
        pairs = ((s, i) for i in self.ways[1] for s in self._before[i] if s in given)
        return len({row[i] for s, i in pairs if row[s] == row[i]})


def _rows(cells: list[Cell], before: dict[int, list[int]]) -> list[int]:
    """The scale of each box, from the largest map on; empty where one has none.

    A row of features stands at that of the map which it is made of."""
    sides: list[tuple[int, ...]] = []
    for i, cell in enumerate(cells):
        own = _side(cell) or (sides[before[i][-1]] if i in before else ())
        if not own:
            return []
        sides.append(own)
    order = sorted(set(sides), key=lambda side: (-prod(side), side))
    return [order.index(side) for side in sides]


def _side(cell: Cell) -> tuple[int, ...]:
    """The sides of the map that a box works on: what it gives, but for the scaling up
    that is attached to it."""
    found = cell.sizes[1:]
    for layer in reversed(cell.layers):
        given, made = sizes(layer.input_shape())[1:], sizes(layer.output_shape())[1:]
        if layer.op.category != "reshape" or prod(given) >= prod(made):
            return found
        found = given
    return cell.sizes[1:]


def _kind(cell: Cell) -> str:
    """What is alike: what is of one block, equal layers, and what is returned."""
    return "" if cell.end else cell.block or cell.title
