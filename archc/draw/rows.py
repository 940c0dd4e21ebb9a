"""Boxes below each other in rows, with gaps between these that links have room in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from archc.draw import metrics
from archc.draw.align import Bands, Joint, aligned
from archc.draw.cells import Drawn
from archc.draw.chart import Chart, Link
from archc.draw.ranks import APART, threads
from archc.draw.style import Style
from archc.draw.tracks import Turn, in_tracks

_TRACK = 4.0
_LANE = 5.0
_BROADER = 0.2
"""By what share of its breadth a picture may grow so that lines run straight,"""
_BESIDE = 8.0
"""How far from the others what is only asked for its size reaches a box."""
_LITTLE = 0.1
"""and where it shall fit a width."""
_THREAD = 1.5
"""Half of the room that a link takes in a row that it passes."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A part of a link from one row to the next, between boxes or places of its own."""

    source: int
    target: int
    link: Link
    out: float
    """Where it leaves its source, from that one's middle,"""
    into: float
    """and where it reaches its target."""


class Rows:
    """Boxes in rows, with room for links between them. `a` runs along the rows' order
    and `b` across it.

    Places that a link keeps in a row have negative numbers.
    """

    def __init__(
        self, chart: Chart, boxes: list[Drawn], rows: list[list[int]], style: Style
    ) -> None:
        self.chart, self.boxes, self.style = chart, boxes, style
        self.rows = [list(row) for row in rows]
        self.inner = any(cell.port for cell in chart.cells)
        self.row_of = {i: r for r, row in enumerate(rows) for i in row}
        self.cells = list(self.row_of)
        self._heads = any(map(self._head, self.cells))
        self.leaving = [
            x
            for x in chart.links
            if x.source in self.row_of and x.target not in self.row_of
        ]
        self.entering = [
            x
            for x in chart.links
            if x.target in self.row_of and x.source not in self.row_of
        ]
        self.far: list[Link] = []
        self.near: list[_Segment] = []
        self.ways: list[list[_Segment]] = []
        self.said: dict[int, str] = {}
        """What stands beside a place that a link keeps."""
        self._thread()
        self._forks = Counter((x.source, x.out) for x in self.near)
        self.center: dict[int, float] = {}
        self._across_rows()
        self._tracks()
        self._along_rows()

    def _thread(self) -> None:
        """Tells links that keep a place in rows from those that run in lanes."""
        for link in self.chart.links:
            if link.source not in self.row_of or link.target not in self.row_of:
                continue
            span = self.row_of[link.target] - self.row_of[link.source]
            if span != 1 and not threads(self.chart, link, span, self.style):
                self.far.append(link)
                continue
            stops = [link.source]
            for row in range(self.row_of[link.source] + 1, self.row_of[link.target]):
                place = -1 - len(self.row_of)
                self.row_of[place] = row
                self.rows[row].append(place)
                stops.append(place)
            source = self.boxes[link.source]
            if link.note and len(stops) > 1 and link.note not in source.lines:
                # beside the longest box there is most room to say it
                self.said[max(stops[1:], key=self._row_length)] = link.note
            stops.append(link.target)
            way = [
                _Segment(
                    a, b, link,
                    self.boxes[a].port("out", link.leaves) if a >= 0 else 0.0,
                    self.way_in(link) if b >= 0 else 0.0,
                )
                for a, b in pairwise(stops)
            ]  # fmt: skip
            self.near += way
            self.ways.append(way)

    def way_in(self, link: Link) -> float:
        """Where a link enters its target, from that one's middle: what is only asked
        for its size does so beside the others."""
        box = self.boxes[link.target]
        beside = link.kind == "size" and box.cell.inner is None and not box.cell.port
        return box.port("in", link.enters) + (_BESIDE if beside else 0.0)

    # ---- places across the rows

    def _row_length(self, i: int) -> float:
        """How long the row is that a place is in."""
        return max(map(self.length, self.rows[self.row_of[i]]))

    def length(self, i: int) -> float:
        """How long a box is along the order."""
        if i < 0:
            return 0.0
        return self.boxes[i].width if self.style.lr else self.boxes[i].height

    def before(self, i: int) -> float:
        """How far it reaches across, from its middle: up, or to the left,"""
        return self.boxes[i].axis if i >= 0 else _THREAD

    def after(self, i: int) -> float:
        """and to the other side."""
        if i < 0:
            return _THREAD + self._beside_line(self.said.get(i, ""))
        box = self.boxes[i]
        return (box.height if self.style.lr else box.width) - box.axis

    def _beside_line(self, note: str) -> float:
        """The room that takes what is said of a line."""
        if not note:
            return 0.0
        small = self.style.small
        return small * 1.2 if self.style.lr else metrics.width(note, small) + 3

    def _full(self, i: int) -> float:
        return self.after(i) + (self.boxes[i].beside if i >= 0 else 0.0)

    def _head(self, i: int) -> bool:
        """Whether a box stands beside the others, as heads do; inside of one all is."""
        return i >= 0 and self.boxes[i].cell.head and not self.inner

    def _across_rows(self) -> None:
        """Gives each box its middle across the rows; those of the main way are at 0."""
        sources: dict[int, list[_Segment]] = {}
        for segment in self.near:
            sources.setdefault(segment.target, []).append(segment)
        for row in self.rows:
            wish: dict[int, float] = {}
            for i in row:
                known = [
                    self.center[s.source] + s.out - s.into
                    for s in sources.get(i, ())
                    if s.source in self.center
                ]
                wish[i] = sum(known) / len(known) if known else 0.0
            order = {
                i: self._order(sources[i][0].link, row) if i < 0 else i for i in row
            }
            own = sorted(
                (i for i in row if not self._head(i)),
                key=lambda i: (round(wish[i], 3), order[i]),
            )
            self._row(own, wish)
        self._straighten()
        self._beside()

    def _order(self, link: Link, row: list[int]) -> float:
        """Where a link has its place among the boxes of a row: behind those that reach
        what it reaches, else where the box stands that it comes from."""
        same = (x.source for x in self.chart.links if x.target == link.target)
        return max((i + 0.5 for i in same if i in row), default=link.source)

    def _beside(self) -> None:
        """Places heads at the right of all others, in columns."""
        ends = (self.center[i] + self._full(i) for i in self.center)
        at = max(ends, default=0.0) + APART
        heads = [[i for i in row if self._head(i)] for row in self.rows]
        for places in zip_longest(*heads):
            column = [i for i in places if i is not None]
            middle = at + max(map(self.before, column))
            self.center.update(dict.fromkeys(column, middle))
            at = middle + max(map(self._full, column)) + APART

    def _row(self, own: list[int], wish: dict[int, float]) -> None:
        """Places the boxes of one row, near where each wishes to be."""
        real = [i for i in own if i >= 0]
        if len(real) == 1:
            self._around_one(real[0], own, wish)
            return
        if len({round(wish[i], 1) for i in own}) == len(own):
            at = float("-inf")
            for i in own:
                at = max(at, wish[i] - self.before(i))
                self.center[i] = at + self.before(i)
                at += self.before(i) + self._full(i) + self._apart(i)
            return
        total = sum(self.before(i) + self._full(i) + self._apart(i) for i in own)
        at = sum(wish[i] for i in own) / max(len(own), 1) - total / 2
        if own and all(i >= 0 and self.boxes[i].cell.port == "in" for i in own):
            at = -self.before(own[0])  # the main way goes on below the first of them
        for i in own:
            self.center[i] = at + self.before(i)
            at += self.before(i) + self._full(i) + self._apart(i)

    def _straighten(self) -> None:
        """Moves what keeps lines from running straight out of their way."""
        leaving = Counter(x.source for x in self.near)
        coming = Counter(x.target for x in self.near)
        alone = {row[0] for row in self.rows if len(row) == 1}
        joints = [
            Joint(x.source, x.target, x.out - x.into)
            for x in self.near
            if x.source in self.center and x.target in self.center
            if leaving[x.source] == coming[x.target] == 1
            if not alone.issuperset((x.source, x.target))  # the main way stays at 0
        ]
        rows = [
            sorted((i for i in row if i in self.center), key=self.center.__getitem__)
            for row in self.rows
        ]
        steps = {
            (a, b): self._full(a) + self._apart(a) + self.before(b)
            for row in rows
            for a, b in pairwise(row)
        }
        reach = {i: (self.before(i), self._full(i)) for i in self.center}
        broader = _LITTLE if self.style.room else _BROADER
        bands = Bands(rows, steps, reach)
        self.center = aligned(bands, self.center, joints, broader)

    def _apart(self, i: int) -> float:
        return APART if i >= 0 else APART / 2

    def _around_one(self, one: int, own: list[int], wish: dict[int, float]) -> None:
        """A box that is alone in its row is at 0, or below what it alone continues."""
        threads = [i for i in own if i < 0]
        self.center[one] = wish[one] if threads else 0.0
        left = self.center[one] - self.before(one) - APART
        right = self.center[one] + self._full(one) + APART
        for i in reversed(threads):
            if wish[i] < self.center[one]:
                self.center[i] = left = min(left - self._full(i) + _THREAD, wish[i])
                left -= APART
        for i in threads:
            if wish[i] >= self.center[one]:
                self.center[i] = right = max(right, wish[i])
                right += APART + self._full(i) - _THREAD

    # ---- gaps and lanes

    def _side(self, i: int) -> bool:
        """Whether a link may reach a box from its left side."""
        cell = self.boxes[i].cell
        if cell.port or cell.inner is not None:
            return False
        row = self.rows[self.row_of[i]]
        return min(row, key=lambda j: self.center[j]) == i

    def _right(self, link: Link) -> bool:
        """Whether a link runs in a lane at the right: between the last boxes of two
        rows, of which one has others at its left."""
        if self.chart.level != "layer" or link.note or self._heads:
            return False
        ends = (link.source, link.target)
        last = (
            max(self.rows[self.row_of[i]], key=lambda j: self.center[j]) == i
            for i in ends
        )
        return all(last) and not all(map(self._side, ends))

    def _tracks(self) -> None:
        """Which track of a gap each link uses that turns there."""
        self.track: dict[tuple[int, object], int] = {}
        self.used = [0] * (len(self.rows) + 1)
        around = [link for link in self.far if not self._right(link)]
        # what goes off to a lane does so above what goes on, and comes back below it
        for link in around:
            if not self._side(link.source):
                self._take(self.row_of[link.source], ("out", link))
        for source, port in dict.fromkeys((x.source, x.leaves) for x in self.leaving):
            if not self._ends(source) and not self._side(source):
                self._take(self.row_of[source], ("leave", source, port))
        for gap, bus in self._turning():
            self._take(gap, bus)
        for link in around:
            if not self._side(link.target):
                self._take(self.row_of[link.target] - 1, ("in", link))
        for target, port in dict.fromkeys((x.target, x.enters) for x in self.entering):
            if not self._begins(target) and not self._side(target):
                self._take(self.row_of[target] - 1, ("enter", target, port))

    def _turning(self) -> Iterator[tuple[int, object]]:
        """The links that turn in each gap, from the first track of it to the last: what
        leaves a box turns away before another one comes down there."""
        gaps: dict[int, dict[object, list[Turn]]] = {}
        for segment in self.near:
            if not self._straight(segment):
                gap = gaps.setdefault(self.row_of[segment.source], {})
                turn = self._from(segment), self._to(segment)
                gap.setdefault(self._bus(segment), []).append(turn)
        for gap, buses in gaps.items():
            yield from ((gap, bus) for bus in in_tracks(buses))

    def _take(self, gap: int, key: object) -> None:
        if (gap, key) not in self.track:
            self.track[gap, key] = self.used[gap]
            self.used[gap] += 1

    def _ends(self, i: int) -> bool:
        """Whether a box stands in the last row."""
        return self.row_of[i] == len(self.rows) - 1

    def _begins(self, i: int) -> bool:
        return self.row_of[i] == 0

    def _from(self, segment: _Segment) -> float:
        return self.center[segment.source] + segment.out

    def _to(self, segment: _Segment) -> float:
        return self.center[segment.target] + segment.into

    def _straight(self, segment: _Segment) -> bool:
        return abs(self._from(segment) - self._to(segment)) < 0.5

    def _bus(self, segment: _Segment) -> object:
        """Links that fork from one place, or meet at one, share a track."""
        port = (segment.source, segment.out)
        if self._forks[port] > 1 or segment.link.kind == "head":
            return ("from", *port)
        return ("to", segment.target, segment.into)

    def _along_rows(self) -> None:
        """Gives each row its beginning along the order, and each gap its tracks."""
        self.start: list[float] = []
        self.end: list[float] = []
        at = 0.0
        turning = {link.source for link in (*self.far, *self.leaving)}
        turning |= {x.source for x in self.near if not self._straight(x)}
        lowest = 0.0  # how far down heads go, which may hang beside later rows
        for r, row in enumerate(self.rows):
            heads = [self.length(i) for i in row if self._head(i)]
            length = max((self.length(i) for i in row if not self._head(i)), default=0)
            if heads:
                if lowest:
                    at = max(at, lowest + self._gap(r - 1))
                lowest = at + max(heads)
            self.start.append(at)
            self.end.append(at + length)
            at += length + self._gap(r)
            if any(self._head(i) and i in turning for i in row):
                at = max(at, lowest + self._gap(r))
        self.low = max(self.end[-1], lowest)
        self.edges = [
            min(self.center[i] - self.before(i) for i in r) for r in self.rows
        ]

    def _gap(self, row: int) -> float:
        """The room behind a row, with what links need that turn there."""
        tracks = self.used[row]
        return self.style.gap + (3.5 + _TRACK * (tracks - 1) if tracks else 0)

    def _at(self, gap: int, key: object) -> float:
        number = self.track[gap, key]
        if gap + 1 < len(self.start):  # heads may hang down beside a longer gap
            rest = self.used[gap] - 1 - number
            return self.start[gap + 1] - self.style.gap - _TRACK * rest
        return self.end[gap] + 3.5 + _TRACK * number

    def reach(self, i: int) -> tuple[float, float]:
        """Where a box begins and ends along the order; it is centred in its row."""
        row = self.row_of[i]
        if i < 0:
            return self.start[row], self.end[row]
        length = self.length(i)
        begin = (self.start[row] + self.end[row] - length) / 2
        begin = self.start[row] if self._head(i) else begin
        return begin, begin + length
