"""Feature maps as boxes in space that taper from stage to stage.

In the manner of the figures of AlexNet (Krizhevsky et al. 2012, Fig. 2): the height and
depth of a box stand for the map, its thickness for the channels, both on a scale of
roots so that the first and the last can be seen together. Layers of one size that
follow each other are one box.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from archc.draw import metrics
from archc.draw.cells import loop_text
from archc.draw.chart import Cell, Chart
from archc.draw.fit import SMALLEST, TooNarrow
from archc.draw.scene import Path, Point, Rect, Scene, Shape, Text
from archc.draw.sheet import assembled
from archc.draw.style import Style
from archc.escaping import visible

_SLANT = 0.42
"""How far back a box goes for its height, and how far that moves it up and right."""
_GAP = 12.0
_FLAT = 5.0
"""The thickness of a row of features."""


@dataclass(frozen=True, slots=True)
class _Box:
    cell: Cell
    width: float
    height: float
    depth: float
    labels: tuple[str, ...]

    def room(self, style: Style) -> float:
        text = max(
            (metrics.width(line, style.small) for line in self.labels), default=0
        )
        return max(self.width + self.depth, text)


def volumes(chart: Chart, style: Style) -> Scene:
    """The stages of a network as boxes, in as many rows as the width needs.

    Raises:
        TooNarrow: if a single box does not fit.
    """
    style = replace(style, direction="lr")
    least = 0.0
    for small in (7.5, 7.0, 6.5, SMALLEST) if style.room else (style.small,):
        one = replace(style, small=small)
        for size in (1.0, 0.8, 0.6) if style.room else (1.0,):
            boxes = [_box(cell, one, size) for cell in _maps(chart)]
            room = (style.room or 760.0) - 6
            least = max((box.room(one) for box in boxes), default=0) + 6
            rows = _rows(boxes, one, room)
            if least - 6 <= room and (len(rows) <= 3 or size == 0.6):
                return _scene(chart, one, rows)
    raise TooNarrow(style.room, least)


def _maps(chart: Chart) -> list[Cell]:
    return [cell for cell in chart.cells if not cell.head and cell.sizes]


def _box(cell: Cell, style: Style, size: float) -> _Box:
    title = " ".join(filter(None, (cell.title, f"×{cell.count}" if cell.count else "")))
    loops = [loop_text(loop, times) for loop, times in cell.loops.items()]
    labels = tuple(map(visible, filter(None, (title, cell.shape, *loops))))
    channels, *sides = cell.sizes
    if not sides or max(sides) <= 1:
        count = max(channels, *sides, 1) if sides else channels
        return _Box(cell, _FLAT, (12 + count**0.5 * 0.9) * size, 0, labels)
    height = (10 + max(sides[-2:]) ** 0.62 * 2.6) * size
    side = (10 + sides[-1] ** 0.62 * 2.6) * size
    return _Box(
        cell, (2 + max(channels, 1) ** 0.5 * 0.9) * size, height, side * _SLANT, labels
    )


def _rows(boxes: list[_Box], style: Style, room: float) -> list[list[_Box]]:
    """The boxes in as few rows as there is room for, about equally full."""
    full = _filled(boxes, style, room)
    total = sum(box.room(style) + _GAP for box in boxes)
    for step in range(20):
        rows = _filled(boxes, style, total / len(full) * (1 + 0.05 * step))
        if len(rows) <= len(full):
            return rows if _widest(rows, style) <= _widest(full, style) else full
    return full


def _widest(rows: list[list[_Box]], style: Style) -> float:
    return max(sum(box.room(style) + _GAP for box in row) for row in rows)


def _filled(boxes: list[_Box], style: Style, room: float) -> list[list[_Box]]:
    rows: list[list[_Box]] = [[]]
    used = 0.0
    for box in boxes:
        wide = box.room(style) + _GAP
        if rows[-1] and used + wide > room:
            rows.append([])
            used = 0.0
        rows[-1].append(box)
        used += wide
    return rows


def _scene(chart: Chart, style: Style, rows: list[list[_Box]]) -> Scene:
    shapes: list[Shape] = []
    linked = {(chart.cells[x.source], chart.cells[x.target]) for x in chart.links}
    y, wide = 0.0, 0.0
    for row in rows:
        high = max(box.height + box.depth for box in row)
        x = 0.0
        ends: list[tuple[Point, Point]] = []
        for box in row:
            room = box.room(style)
            at = x + (room - box.width - box.depth) / 2
            middle = y + high / 2 + box.depth / 2
            top = middle - box.height / 2
            shapes += _solid(box, at, top, style)
            ends.append(((at, middle), (at + box.width + box.depth / 2, middle)))
            shapes += _labels(box, x + room / 2, y + high + style.line, style)
            x += room + _GAP
        for (one, other), ((_, a), (b, _)) in zip(
            pairwise(row), pairwise(ends), strict=True
        ):
            if (one.cell, other.cell) not in linked:
                continue
            points = ((a[0] + 2, a[1]), (b[0] - 1.5, b[1]))
            if abs(a[1] - b[1]) > 0.1:
                points = ((a[0] + 2, b[1]), (b[0] - 1.5, b[1]))
            shapes.append(Path(points, style.palette.line, kind="main"))
        wide = max(wide, x - _GAP)
        lines = max(len(box.labels) for box in row)
        y += high + style.line * (lines + 1) + 6
    legend = replace(style, legend=False)
    return assembled(chart, legend, lambda: shapes, wide, y - 6).scene()


def _solid(box: _Box, x: float, y: float, style: Style) -> Iterator[Shape]:
    """A box in space: its front, and the edges that go back from it."""
    ink = style.palette
    w, h, d = box.width, box.height, box.depth
    yield Rect(x, y, w, h, style.fill(box.cell), ink.ink, title=visible(box.cell.path))
    if d:
        back = ((x, y), (x + d, y - d), (x + w + d, y - d), (x + w, y))
        side = ((x + w + d, y - d), (x + w + d, y + h - d), (x + w, y + h))
        for points in (back, side):
            yield Path(points, ink.ink, 0.7, arrow=False, role="plain")


def _labels(box: _Box, x: float, y: float, style: Style) -> Iterator[Shape]:
    ink = style.palette
    for number, line in enumerate(box.labels):
        color = ink.ink if number == 0 else ink.skip if number > 1 else ink.faint
        yield Text(x, y + number * style.line, line, style.small, color)
