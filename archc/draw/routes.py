"""The ways of links between boxes in rows, along the gaps between these.

A link to the next row runs in the gap between the two. One that goes further either
keeps a place in the rows that it passes, or runs in a lane at their left; so no link
ever crosses a box or its text. From left to right, the same is done with both axes
exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from archc.draw import metrics
from archc.draw.cells import Drawn
from archc.draw.chart import Chart, Link
from archc.draw.links import buses, drawn_link
from archc.draw.rows import Rows
from archc.draw.scene import Point, Shape, Text
from archc.draw.style import Style

_LANE = 5.0


class _Lane(NamedTuple):
    """A way beside the rows, and what is said of it."""

    begin: int
    stop: int
    at: float
    left: float
    """Where it ends with what is said of it."""


class _Note(NamedTuple):
    """What is said of a lane, and between which two rows."""

    text: str
    first: float
    last: float
    lane: float


class Layout(Rows):
    """One strip: rows, and the links between their boxes."""

    def __init__(
        self, chart: Chart, boxes: list[Drawn], rows: list[list[int]], style: Style
    ) -> None:
        super().__init__(chart, boxes, rows, style)
        self.links: list[tuple[Link, list[Point]]] = []
        self.notes: list[_Note] = []
        self._turned: float | None = None
        """The sum of the heights of what changes places, in an upward one."""
        self._route()

    def _route(self) -> None:
        for way in self.ways:
            points: list[Point] = []
            for segment in way:
                x, y = self._from(segment), self._to(segment)
                a, b = self.reach(segment.source)[1], self.reach(segment.target)[0]
                points.append((a, x))
                if not self._straight(segment):
                    turn = self._at(self.row_of[segment.source], self._bus(segment))
                    points += [(turn, x), (turn, y)]
                points.append((b, y))
            self.links.append((way[0].link, points))
        self._lanes: list[_Lane] = []
        self._right_lanes: list[_Lane] = []
        for link in filter(self._right, sorted(self.far, key=self._span)):
            self.links.append((link, self._at_right(link)))
        for bus in self._far_buses():
            begin = min(self.row_of[x.source] for x in bus)
            stop = max(self.row_of[x.target] for x in bus)
            lane = self._lane(begin, stop, bus[0].note)
            self.links += [(link, self._around(link, lane)) for link in bus]
        self.exits = self._exits()
        self.entries = {(x.target, x.enters): self._entry(x) for x in self.entering}

    def _span(self, link: Link) -> int:
        return self.row_of[link.target] - self.row_of[link.source]

    def _far_buses(self) -> list[list[Link]]:
        """The links that share a lane at the left, short ones first; one of which
        something is said has its own."""
        found: dict[object, list[Link]] = {}
        far = [x for x in self.far if not self._right(x)]
        for link, bus in buses(far, self.chart).items():
            found.setdefault((bus, link.note and link), []).append(link)
        return sorted(
            found.values(),
            key=lambda bus: (bool(bus[0].note), max(map(self._span, bus)), bus),
        )

    def _lane(self, begin: int, stop: int, note: str = "") -> float:
        """Where a lane lies across two rows: as near to those between as is free."""
        room = 0.0
        if note:
            wide = metrics.width(note, self.style.small)
            room = self.style.small if self.style.lr else wide + 2
        at = min(self.edges[max(begin, 0) : stop + 1]) - _LANE - 1
        near = [x for x in self._lanes if x.begin < stop and begin < x.stop]
        for other in sorted(near, key=lambda x: -x.at):
            if at - room < other.at + _LANE and other.left < at + _LANE:
                at = other.left - _LANE
        self._lanes.append(_Lane(begin, stop, at, at - room))
        if note:
            self.notes.append(_Note(note, self.end[begin], self.start[stop], at))
        return at

    def _at_right(self, link: Link) -> list[Point]:
        """The way from a box to another one by a lane at their right."""
        begin, stop = self.row_of[link.source], self.row_of[link.target]
        rows = self.rows[begin : stop + 1]
        at = max(self.center[i] + self._full(i) for row in rows for i in row)
        at += _LANE + 1
        near = (x for x in self._right_lanes if x.begin < stop and begin < x.stop)
        for other in sorted(near, key=lambda x: x.at):
            if abs(at - other.at) < _LANE:
                at = other.at + _LANE
        self._right_lanes.append(_Lane(begin, stop, at, at))
        points: list[Point] = []
        for i, share in ((link.source, 0.68), (link.target, 0.32)):
            first, last = self.reach(i)
            along = first + (last - first) * share
            side = (along, self.center[i] + self.after(i)), (along, at)
            points += side if i == link.source else reversed(side)
        return points

    def _exits(self) -> dict[tuple[int, int, str], list[Point]]:
        """The ways from boxes to the end of the strip, of which some share a lane."""
        found: dict[tuple[int, int, str], list[Point]] = {}
        lanes: dict[object, float] = {}
        main = {x.source for x in self.leaving if x.kind == "main"}
        reached = {x.target for x in self.far}
        for link, bus in buses(self.leaving, self.chart).items():
            i = link.source
            hidden = link.kind == "skip" and i in main and self._side(i)
            hidden &= i not in reached
            if self._ends(i) and not hidden:
                x, end = self.center[i], self.reach(i)[1]
                x += self.boxes[i].port("out", link.leaves)
                found[i, link.leaves, link.kind] = [(end, x), (self.low, x)]
                continue
            if bus not in lanes:  # the first one's is as long as any that shares it
                lanes[bus] = self._lane(self.row_of[i], len(self.rows))
            lane = lanes[bus]
            out = self._out(link, lane, ("leave", i, link.leaves))
            found[i, link.leaves, link.kind] = [*out, (self.low, lane)]
        return found

    def _entry(self, link: Link) -> list[Point]:
        """The way from the beginning of the strip to a box."""
        i = link.target
        x, begin = self.center[i], self.reach(i)[0]
        if self._begins(i):
            x += self.way_in(link)
            return [(self.start[0], x), (begin, x)]
        lane = self._lane(-1, self.row_of[i])
        return [
            (self.start[0], lane),
            *self._into(link, lane, ("enter", i, link.enters)),
        ]

    def _around(self, link: Link, lane: float) -> list[Point]:
        out = self._out(link, lane, ("out", link))
        return [*out, *self._into(link, lane, ("in", link))]

    def _out(self, link: Link, lane: float, key: object) -> list[Point]:
        """From a box into a lane: by its left side, or by the gap behind it."""
        i = link.source
        begin, stop = self.reach(i)
        x = self.center[i]
        if self._side(i):
            at = begin + (stop - begin) * 0.68
            return [(at, x - self.before(i)), (at, lane)]
        at = self._at(self.row_of[i], key)
        x += self.boxes[i].port("out", link.leaves)
        return [(stop, x), (at, x), (at, lane)]

    def _into(self, link: Link, lane: float, key: object) -> list[Point]:
        """From a lane into a box: by its left side, or by the gap before it."""
        i = link.target
        begin, stop = self.reach(i)
        x = self.center[i]
        if self._side(i):
            at = begin + (stop - begin) * 0.32
            return [(at, lane), (at, x - self.before(i))]
        at = self._at(self.row_of[i] - 1, key)
        x += self.way_in(link)
        return [(at, lane), (at, x), (begin, x)]

    # ---- shapes

    def put(
        self, dx: float = 0.0, dy: float = 0.0, *, upward: bool = False
    ) -> Iterator[Shape]:
        """Everything of this strip, moved by so much; boxes get their places. If
        `upward`, what comes later is higher, within the same bounds."""
        self._turned = self.start[0] + self.low if upward else None
        # where two share a piece, the main way is seen
        for link, way in sorted(self.links, key=lambda x: x[0].kind == "main"):
            target = self.boxes[link.target].cell
            points = [(x + dx, y + dy) for x, y in map(self.xy, way)]
            arrow, seldom = target.port != "out", bool(target.seldom)
            yield drawn_link(link, points, self.style, arrow=arrow, seldom=seldom)
        for text, first, last, lane in self.notes:
            x, y = self.xy((self._spot(text, (first + last) / 2, lane), lane))
            x, y = x + dx, y + dy
            size, color = self.style.small, self.style.palette.skip
            if self.style.lr:
                yield Text(x, y - size * 0.6, text, size, color)
            else:
                yield Text(x - 2, y, text, size, color, "end")
        for i, text in self.said.items():
            along = sum(self.reach(i)) / 2
            x, y = self.xy((along, self.center[i] + 2))
            size, color = self.style.small, self.style.palette.line
            if self.style.lr:
                yield Text(x + dx, y + dy + size * 0.6, text, size, color)
            else:
                yield Text(x + dx, y + dy, text, size, color, "start")
        for i in self.cells:
            box = self.boxes[i]
            x, y = self.xy((self.reach(i)[0], self.center[i] - self.before(i)))
            if upward:
                y -= box.height
            box.x, box.y = x + dx, y + dy
            yield from box.shapes()

    def _spot(self, text: str, middle: float, lane: float) -> float:
        """Where something can be said beside a lane, as near to its middle as lines let
        it that lead to lanes further out."""
        wide, high = metrics.width(text, self.style.small), self.style.small
        half, room = (wide / 2, high) if self.style.lr else (high / 2, wide + 2)
        taken = [
            a[0]
            for _, way in self.links
            for a, b in pairwise(way)
            if a[0] == b[0]
            if min(a[1], b[1]) < lane - 1 and max(a[1], b[1]) > lane - room
        ]
        beside = (at + off for at in taken for off in (-half - 2, half + 2))
        free = [
            s for s in (middle, *beside) if all(abs(s - at) > half + 1 for at in taken)
        ]
        return min(free, key=lambda spot: abs(spot - middle), default=middle)

    def xy(self, point: Point) -> Point:
        if self.style.lr:
            return point
        y, x = point
        return (x, y if self._turned is None else self._turned - y)

    def bounds(self) -> tuple[float, float, float, float]:
        """The least and the most of x and y, with loops and lanes."""
        left = min((*self.edges, *(lane.left - 2 for lane in self._lanes)))
        right = max(self.center[i] + self._full(i) for i in self.row_of)
        right = max((right, *(lane.at + 2 for lane in self._right_lanes)))
        low, high = self.start[0], self.low
        return (low, left, high, right) if self.style.lr else (left, low, right, high)
