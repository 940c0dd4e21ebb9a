"""An encoder and a decoder as the letter U: down at the left, up at the right.

What skips from one to the other runs straight across, so both of its ends stand at one
height (Ronneberger et al. 2015, Fig. 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from archc.draw.chart import Chart, Link
from archc.draw.frames import box_of
from archc.draw.links import drawn, elbow
from archc.draw.scene import Point, Shape
from archc.draw.style import NARROW, Style

_ASIDE = 14.0


@dataclass(frozen=True, slots=True)
class Ends:
    """Where skips start, from the outermost to the innermost, and where they end."""

    sources: tuple[int, ...]
    targets: tuple[int, ...]


def ends(chart: Chart) -> Ends | None:
    """The skips that make a U of a chart; None where it is none.

    All boxes follow each other, and at least two skips lie in each other; what is only
    asked for its size is none.
    """
    plain = {(x.source, x.target) for x in chart.links if x.target == x.source + 1}
    if len(plain) != len(chart.cells) - 1:
        return None
    skips = sorted(x for x in chart.links if x.target > x.source + 1)
    nested = all(
        a.source < b.source and a.target > b.target for a, b in pairwise(skips)
    )
    read = [x for x in skips if x.kind != "size"]
    if len(read) < 2 or not nested or any(x.kind == "head" for x in skips):
        return None
    return Ends(tuple(x.source for x in skips), tuple(x.target for x in skips))


def placed(chart: Chart, found: Ends, style: Style) -> tuple[list[Shape], float, float]:
    """Everything drawn, with its upper left corner at 0, and its width and height."""
    drawing = _Drawing(chart, found, replace(style, narrow=NARROW, direction="tb"))
    return list(drawing.shapes()), drawing.width, drawing.height


class _Drawing:
    def __init__(self, chart: Chart, found: Ends, style: Style) -> None:
        self.chart, self.found, self.style = chart, found, style
        last = len(chart.cells) - 1
        inner, back = found.sources[-1], found.targets[-1]
        # all but the last of those below the innermost skip still stand at the left
        turn = max(back - 1, inner)
        self.left, self.right = list(range(turn)), list(range(back, last + 1))
        if turn == inner:
            self.left.append(inner)
        self.bottom = [turn] if turn > inner else []
        upward = replace(style, upward=True)
        self.boxes = [
            box_of(cell, upward if i in self.right else style)
            for i, cell in enumerate(chart.cells)
        ]
        self._columns()
        self._levels()
        self._lowest()

    def _framed(self, i: int) -> bool:
        return self.chart.cells[i].inner is not None

    # ---- places

    def _columns(self) -> None:
        """Puts the boxes of each side on one axis; without frames they are as wide as
        each other."""
        boxes = self.boxes
        ends: list[float] = []
        for column in (self.left, self.right):
            if not any(map(self._framed, column)):
                widest = max(boxes[i].width for i in column)
                for i in column:
                    boxes[i].width = widest
            axis = max(boxes[i].axis for i in column)
            for i in column:
                boxes[i].x = axis - boxes[i].axis
            ends.append(max(boxes[i].x + boxes[i].width for i in column))
        aside = max(boxes[i].beside for i in self.left)
        between = max((boxes[i].width for i in self.bottom), default=0) + 2 * _ASIDE
        begin = ends[0] + aside + between
        for i in self.right:
            boxes[i].x += begin
        for i in self.bottom:
            boxes[i].x = ends[0] + (aside + between - boxes[i].width) / 2
        self.width = begin + ends[1] + max(boxes[i].beside for i in self.right)

    def _line(self, i: int) -> float:
        """How far below its upper edge a skip leaves a box, or reaches it: a frame by
        the gap below it."""
        high = self.boxes[i].height
        return high + self.style.gap if self._framed(i) else high / 2

    def _behind(self, i: int) -> float:
        """The height of a box with the gap below it."""
        return self.boxes[i].height + self.style.gap * (1 + self._framed(i))

    def _levels(self) -> None:
        """Gives the boxes of the two sides their heights: both ends of a skip stand at
        one."""
        boxes, found = self.boxes, self.found
        left, right = self.left, self.right
        first, end = found.sources[0], found.targets[0]
        above = (range(first), range(end + 1, right[-1] + 1))
        down = up = max(sum(map(self._behind, cells)) for cells in above)
        for s, t in zip(found.sources, found.targets, strict=True):
            line = max(down + self._line(s), up + self._line(t))
            boxes[s].y, boxes[t].y = line - self._line(s), line - self._line(t)
            inner = [x for x in found.sources if x > s]
            down = boxes[s].y + self._behind(s)
            for i in range(s + 1, inner[0] if inner else left[-1] + 1):
                boxes[i].y = down
                down += self._behind(i)
            deeper = [x for x in found.targets if x < t]
            up = boxes[t].y + self._behind(t)
            for i in range(t - 1, deeper[0] if deeper else t - 1, -1):
                boxes[i].y = up
                up += self._behind(i)
        for start, cells in ((first, range(first - 1, -1, -1)), (end, above[1])):
            at = boxes[start].y
            for i in cells:
                at -= self._behind(i)
                boxes[i].y = at
        least = min(boxes[i].y for i in (*left, *right))
        for i in (*left, *right):
            boxes[i].y -= least

    def _lowest(self) -> None:
        """Puts what is at the bottom below the left side."""
        boxes, gap = self.boxes, self.style.gap
        lows = {i: boxes[i].y + boxes[i].height for i in (*self.left, *self.right)}
        low = max(lows.values())
        for i in self.bottom:
            box = boxes[i]
            if self._framed(i):
                box.y = max(lows[self.left[-1]], low - box.height) + 2 * gap
                low = max(low, box.y + box.height + gap)
            else:
                box.y = max(low + gap - box.height, lows[self.right[0]])
                box.y = max(box.y, lows[self.left[-1]])
                low = max(low, box.y + box.height)
        self.height = low

    # ---- lines

    def shapes(self) -> Iterator[Shape]:
        """All that is drawn."""
        return drawn(self.chart, self._way, self.boxes, self.style)

    def _way(self, link: Link) -> list[Point]:
        source, target = link.source, link.target
        a, b = self.boxes[source], self.boxes[target]
        leave = a.x + a.axis + a.port("out", link.leaves)
        enter = b.x + b.axis + b.port("in", link.enters)
        if source in self.left and target in self.right:
            return self._across(link, leave, enter)
        if source in self.right:
            return elbow((leave, a.y), (enter, b.y + b.height))
        if target in self.left:
            return elbow((leave, a.y + a.height), (enter, b.y))
        gap = self.style.gap
        if source in self.left:
            if self._framed(target):
                turn = b.y - gap
                start = (leave, a.y + a.height)
                return [start, (leave, turn), (enter, turn), (enter, b.y)]
            y = b.y + b.height / 2
            return [(leave, a.y + a.height), (leave, y), (b.x, y)]
        if self._framed(source):
            y = a.y + a.height + gap
            end = (enter, b.y + b.height)
            return [(leave, a.y + a.height), (leave, y), (enter, y), end]
        # a single loop stands in the lower half
        y = a.y + (a.height / 2 if len(a.cell.loops) < 2 else 4)
        return [(a.x + a.width, y), (enter, y), (enter, b.y + b.height)]

    def _across(self, link: Link, leave: float, enter: float) -> list[Point]:
        """A skip from one side to the other."""
        a, b = self.boxes[link.source], self.boxes[link.target]
        y = a.y + self._line(link.source)
        if a.cell.end:  # which has no border to start from
            y = a.y + a.height
            start = [(leave, y)]
        elif self._framed(link.source):
            start = [(leave, a.y + a.height), (leave, y)]
        else:
            if a.cell.loops and not self._framed(link.target):
                y = max(a.y, b.y) + 4
            start = [(a.x + a.width, y)]
        if self._framed(link.target):
            return [*start, (enter, y), (enter, b.y + b.height)]
        return [*start, (b.x, y)]
