"""A pyramid in columns: a way down, one up, and what stands beside them.

All boxes of one scale that give to each other stand at one height, so that what goes
across runs straight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archc.draw.cells import measured, widest
from archc.draw.chart import Chart, Link
from archc.draw.frames import box_of
from archc.draw.grid import Grid
from archc.draw.lanes import coloured
from archc.draw.links import drawn_link, elbow
from archc.draw.scales import Pyramid
from archc.draw.scene import Point, Shape
from archc.draw.style import NARROW, Style

_BETWEEN = 7.5
"""Between columns where nothing runs along them,"""
_TRACK = 3.5
"""and what each line more takes that does."""
_CLEAR = 3.5
"""Between a box with loops and a line that runs beside it; an arrow has more."""
_CLOSE = 0.85
"""How much nearer boxes stand than in rows: there are many, and no line turns there."""


def placed(
    chart: Chart, found: list[Pyramid], style: Style, room: float
) -> tuple[list[Shape], float, float]:
    """Everything drawn, with its upper left corner at 0, and its width and height.

    Of several ways to arrange it the lowest is taken. Where it is wider than `room`
    points, if any are given, titles are broken.
    """
    style = replace(style, narrow=NARROW, direction="tb")
    drawings = [x for each in found for x in _drawings(chart, each, style, room)]
    best = min(drawings, key=lambda x: (0 < room < x.width - 0.01, x.cut, x.height))
    return list(best.shapes()), best.width, best.height


def _drawings(
    chart: Chart, found: Pyramid, style: Style, room: float
) -> Iterator[_Drawing]:
    """A pyramid as it comes, or with narrower columns where it is too wide."""
    free = [0.0] * len(found.columns)
    drawing = _Drawing(chart, found, style, free)
    yield drawing
    if not room or drawing.width <= room:
        return
    over, widths = drawing.width - room, drawing.widths
    most = widest(widths, sum(widths) - over)
    yield _Drawing(chart, found, style, [most] * len(widths))
    # one column may be broken by itself, so that the others need not be
    for n, wide in enumerate(widths):
        if wide > over:
            rooms = [*free[:n], wide - over, *free[n + 1 :]]
            yield _Drawing(chart, found, style, rooms)


class _Drawing:
    def __init__(
        self, chart: Chart, found: Pyramid, style: Style, rooms: list[float]
    ) -> None:
        self.chart, self.style = chart, style
        self.gap = style.gap * _CLOSE
        self.grid = Grid(found, chart.links)
        self.columns = len(found.columns)
        self.boxes = [
            box_of(cell, style)
            if self._framed(i)
            else measured(
                cell, style, rooms[self.grid.column[i]], sized=not self._told(i)
            )
            for i, cell in enumerate(chart.cells)
        ]
        self.cut = sum("…" in line for box in self.boxes for line in box.lines)
        self.axes = [0.0] * self.columns
        self.widths = [0.0] * self.columns
        for number, column in enumerate(found.columns):
            boxes = [self.boxes[i] for i in column]
            if not any(map(self._framed, column)):
                widest = max(box.width for box in boxes)
                for box in boxes:
                    box.width = widest
            axis = self.axes[number] = max(box.axis for box in boxes)
            self.widths[number] = axis + max(box.width - box.axis for box in boxes)
        self.passing: dict[tuple[int, int], float] = {}
        """For a box and a row the height below that at which its line passes others."""
        self._heights()
        self.enters = self._entries()
        self.ways = [self._turns(link) for link in chart.links]
        self._across()

    def _told(self, i: int) -> bool:
        """Whether the box beside which it stands says the same shape."""
        level = self.grid.level[self.grid.place(i)]
        return i != level and self.chart.cells[level].shape == self.chart.cells[i].shape

    def _framed(self, i: int) -> bool:
        return self.chart.cells[i].inner is not None

    # ---- heights

    def _high(self, i: int) -> float:
        """The height of a box; of a frame with the lines that leave it below."""
        return self.boxes[i].height + (self.gap if self._framed(i) else 0)

    def _port(self, i: int) -> float:
        """How far below its upper edge lines come to a box; loops stand lower."""
        box = self.boxes[i]
        if self._framed(i):
            return self._high(i)
        title = 1 + self.style.line / 2
        return min(title, box.height / 2) if box.cell.loops else box.height / 2

    def _heights(self) -> None:
        gap = self.gap
        low = [-gap] * self.columns  # where each column ends
        line = -gap  # the height at which the row before is level
        rows = max(row for row, _ in self.grid.stacks) + 1
        for row in range(rows):
            above: dict[int, float] = {}
            for column in range(self.columns):
                if (row, column) in self.grid.stacks:
                    level = self.grid.level[row, column]
                    stack = self.grid.stacks[row, column]
                    upper = stack[: stack.index(level)]
                    above[column] = self._port(level) + sum(
                        self._high(i) + gap for i in upper
                    )
            starts = (max(low[c], line) + gap + above[c] for c in above)
            line = max(*starts, max(low) + gap)
            for column, reach in above.items():
                y = line - reach
                for i in self.grid.stacks[row, column]:
                    self.boxes[i].y = y
                    y += self._high(i) + gap
                low[column] = y - gap
            self._pass(row, low)
        self.height = max(low)

    def _pass(self, row: int, low: list[float]) -> None:
        """Gives lines their heights that pass boxes of a row below these."""
        for link in self.chart.links:
            if not self.grid.passes(link) or self.grid.below(link) != row:
                continue
            column = self.grid.column
            passed = range(column[link.source] + 1, column[link.target])
            at = max(low[c] for c in passed) + _TRACK
            at = self.passing.setdefault((link.source, row), at)
            low[passed.start : passed.stop] = [max(low[c], at) for c in passed]

    # ---- ways

    def _entries(self) -> dict[Link, float]:
        """The height at which each line comes to the left side of its target: the first
        one level with it, the others beside that."""
        into: dict[int, list[Link]] = {}
        for link in self.chart.links:
            if not self.grid.hooks(link):
                into.setdefault(link.target, []).append(link)
        found: dict[Link, float] = {}
        row, column = self.grid.found.row, self.grid.column
        for target, links in into.items():
            box, port = self.boxes[target], self._port(target)
            across = [x for x in links if column[x.source] != column[target]]
            across.sort(key=lambda x: (x.kind == "size", row[x.source] != row[target]))
            above = below = port
            for number, link in enumerate(across):
                y = port
                if number and row[link.source] < row[target]:
                    y = above = max(above - _TRACK, 1.5)
                elif number:
                    y = below = min(below + _TRACK, box.height - 1.5)
                found[link] = box.y + y
        return found

    def _turns(self, link: Link) -> list[tuple[int, float]]:
        """The columns before which a line turns, and the height that it turns to."""
        grid = self.grid
        at, column = grid.column[link.source], grid.column[link.target]
        a, b = self.boxes[link.source], self.boxes[link.target]
        if at == column:
            order = grid.sequence(column)
            near = abs(order.index(link.source) - order.index(link.target)) == 1
            if near or self._at_right(link):
                return []
            return [(column, b.y + b.height * 0.32)]
        if grid.hooks(link):
            return []
        begin, end = a.y + self._port(link.source), self.enters[link]
        if self.grid.passes(link):
            low = self.passing[link.source, grid.below(link)]
            return [(at + 1, low), (column, end)]
        if abs(begin - end) < 0.1:
            return []
        between = range(at + 1, column)
        free = grid.free(grid.found.row[link.source], between)
        last = not between or (free and grid.is_level(link.source))
        return [(column if last else at + 1, end)]

    def _at_right(self, link: Link) -> bool:
        """Whether a line from a box to one further down runs at the right of all, where
        nothing else does."""
        last = self.grid.found.columns[-1]
        inside = link.source in last and link.target in last
        if not inside or any(self.boxes[i].beside for i in last):
            return False
        order = self.grid.sequence(self.columns - 1)
        return abs(order.index(link.source) - order.index(link.target)) > 1

    def _across(self) -> None:
        """Gives every column its place, with room for what runs along its left side."""
        self.tracks = [self._tracks(column) for column in range(self.columns)]
        self.left: list[float] = []
        """Where the first of the lines at the left of each column runs."""
        x = beside = 0.0
        for column, cells in enumerate(self.grid.found.columns):
            lines = 1 + max(self.tracks[column].values(), default=-1)
            if lines:
                x += beside + _CLEAR
                self.left.append(x)
                x += _TRACK * (lines - 1) + _BETWEEN - _CLEAR
            else:
                x += max(beside + _CLEAR, _BETWEEN) if column else 0.0
                self.left.append(x)
            for i in cells:
                self.boxes[i].x = x + self.axes[column] - self.boxes[i].axis
            x += self.widths[column]
            beside = max(self.boxes[i].beside for i in cells)
        aside = any(map(self._at_right, self.chart.links))
        self.width = x + (_CLEAR + 1 if aside else beside)

    def _tracks(self, column: int) -> dict[int, int]:
        """Where the lines that turn before a column do so, each by its source: those
        that come at a height before those that go on there."""
        spans: dict[int, tuple[float, float]] = {}
        comes: dict[float, set[int]] = {}
        goes: dict[int, set[float]] = {}
        for link, way in zip(self.chart.links, self.ways, strict=True):
            y = self._begin(link)
            for at, to in way:
                if at == column:
                    low, high = spans.get(link.source, (y, y))
                    spans[link.source] = min(low, y, to), max(high, y, to)
                    comes.setdefault(y, set()).add(link.source)
                    goes.setdefault(link.source, set()).add(to)
                y = to
        behind = {
            source: set[int]().union(*(comes.get(y, ()) for y in ends)) - {source}
            for source, ends in goes.items()
        }
        return coloured(spans, behind)

    def _begin(self, link: Link) -> float:
        """The height at which a line leaves the side of its source."""
        box = self.boxes[link.source]
        if self.grid.column[link.source] == self.grid.column[link.target]:
            return box.y + box.height * 0.68
        return box.y + self._port(link.source)

    # ---- shapes

    def shapes(self) -> Iterator[Shape]:
        """All that is drawn."""
        ways = zip(self.chart.links, self.ways, strict=True)
        # where two share a piece, the main way is seen
        for link, way in sorted(ways, key=lambda x: x[0].kind == "main"):
            yield drawn_link(link, self._points(link, way), self.style)
        for box in self.boxes:
            yield from box.shapes()

    def _points(self, link: Link, way: list[tuple[int, float]]) -> list[Point]:
        a, b = self.boxes[link.source], self.boxes[link.target]
        same = self.grid.column[link.source] == self.grid.column[link.target]
        if self._at_right(link):
            begin, end = self._begin(link), b.y + b.height * 0.32
            side, x = a.x + a.width, a.x + a.width + _CLEAR
            return [(side, begin), (x, begin), (x, end), (b.x + b.width, end)]
        leave = a.x + a.axis + a.port("out", link.leaves)
        if same and not way:
            enter = b.x + b.axis + b.port("in", link.enters)
            down = b.y > a.y
            begin, end = (a.y + a.height, b.y) if down else (a.y, b.y + b.height)
            return elbow((leave, begin), (enter, end))
        y = self._begin(link)
        points = [(a.x if same else a.x + a.width, y)]
        if self._framed(link.source):
            points = [(leave, a.y + a.height), (leave, y)]
        if self.grid.hooks(link):
            end = b.y if b.y > y else b.y + b.height
            return [*points, (b.middle, y), (b.middle, end)]
        for column, to in way:
            x = self.left[column] + _TRACK * self.tracks[column][link.source]
            points += [(x, y), (x, to)]
            y = to
        return [*points, (b.x, y)]
