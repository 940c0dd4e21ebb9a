"""Feature maps as boxes in space that taper from stage to stage.

In the manner of the figures of AlexNet (Krizhevsky et al. 2012, Fig. 2): the height and
depth of a box stand for the map, its thickness for the channels, both on a scale of
roots so that the first and the last can be seen together. A sequence has a length and
no depth, a row of features neither. Layers of one size that follow each other are one
box.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archc.draw import metrics
from archc.draw.cells import loops_of
from archc.draw.chart import Cell, Chart
from archc.draw.fit import SMALLEST, TooNarrow
from archc.draw.lanes import Lanes, Stand
from archc.draw.scene import Path, Rect, Scene, Shape, Text, moved
from archc.draw.sheet import assembled
from archc.draw.style import Style
from archc.escaping import visible

_SLANT = 0.42
"""How far back a box goes for its height, and how far that moves it up and right."""
_GAP = 12.0
_FLAT = 5.0
"""The thickness of a row of features."""
_HIGHEST = 90.0
"""Of the front of a box; what has larger maps is drawn on a smaller scale."""
_FREE = 760.0
"""How wide the picture is where no width is asked for."""


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

    What is only there in training is left out.

    Raises:
        TooNarrow: if a single box does not fit.
    """
    style = replace(style, direction="lr")
    chart = _without_heads(chart)
    sizes = (1.0, 0.8, 0.6) if style.room else (1.0,)
    least = 0.0
    for small in (7.5, 7.0, 6.5, SMALLEST) if style.room else (style.small,):
        one = replace(style, small=small)
        for size in sizes:
            laid = _laid(chart, _boxes(chart.cells, one, size), one)
            least = laid.width + 6
            if least <= (style.room or least) + 0.01 and (
                laid.few or size == sizes[-1]
            ):
                return laid.scene(chart, one)
    raise TooNarrow(style.room, least)


def _without_heads(chart: Chart) -> Chart:
    """What is there outside of training too, and has a size."""
    shown = [i for i, cell in enumerate(chart.cells) if cell.sizes and not cell.head]
    place = {old: new for new, old in enumerate(shown)}
    links = [
        x._replace(source=place[x.source], target=place[x.target])
        for x in chart.links
        if x.source in place and x.target in place
    ]
    return replace(chart, cells=[chart.cells[i] for i in shown], links=links)


# ---- boxes


def _boxes(cells: list[Cell], style: Style, size: float) -> list[_Box]:
    most = max((_side(max(c.sizes[1:])) for c in cells if c.sizes[1:]), default=0.0)
    scale = size * min(1.0, _HIGHEST / most) if most else size
    return [_box(cell, style, size, scale) for cell in cells]


def _side(length: int) -> float:
    return 10 + length**0.62 * 2.6


def _box(cell: Cell, style: Style, size: float, scale: float) -> _Box:
    title = " ".join(filter(None, (cell.title, f"×{cell.count}" if cell.count else "")))
    loops = [text for _, text in loops_of(cell)]
    labels = tuple(map(visible, filter(None, (title, cell.shape, *loops))))
    channels, *sides = cell.sizes
    if not sides or max(sides) <= 1:
        count = max(channels, *sides, 1) if sides else channels
        return _Box(cell, _FLAT, (12 + min(count, 8192) ** 0.5 * 0.9) * size, 0, labels)
    thick = (2 + min(max(channels, 1), 8192) ** 0.5 * 0.9) * size
    height = _side(max(sides[-2:])) * scale
    depth = _side(sides[-1]) * scale * _SLANT if len(sides) > 1 else 0.0
    return _Box(cell, thick, height, depth, labels)


# ---- rows


@dataclass(frozen=True, slots=True)
class _Laid:
    """Boxes in rows, and the lines between them."""

    rows: list[list[_Box]]
    stands: list[Stand]
    lanes: Lanes

    @property
    def width(self) -> float:
        return self.lanes.right - self.lanes.left

    @property
    def few(self) -> bool:
        return len(self.rows) <= 3

    def scene(self, chart: Chart, style: Style) -> Scene:
        """The picture, its rows below each other."""
        stands = iter(self.stands)
        shapes: list[Shape] = []
        below: list[Shape] = []
        axes: list[float] = []
        tops: list[float] = []
        y = 0.0
        for number, row in enumerate(self.rows):
            y += self.lanes.height(number)
            high = max(box.height + box.depth for box in row)
            axes.append(y + high / 2)
            tops.append(y)
            for box, stand in zip(row, stands, strict=False):
                stand.axis = axes[-1]
                top = stand.axis - (box.height - box.depth) / 2
                shapes += _solid(box, stand.x, top, style)
                middle = stand.left + box.room(style) / 2
                below += _labels(box, middle, y + high + style.line, style)
            lines = max(len(box.labels) for box in row)
            y += high + style.line * (lines + 1) + 6
        shapes += self.lanes.shapes(tops, style)
        left = self.lanes.left
        body = [moved(shape, -left, 0) for shape in (*shapes, *below)]
        return assembled(chart, style, lambda: body, self.width, y - 6).scene()


def _laid(chart: Chart, boxes: list[_Box], style: Style) -> _Laid:
    """The boxes in rows that leave room for the lines at both of their ends."""
    wanted = (style.room or _FREE) - 6
    room = wanted
    while True:
        rows = _rows(boxes, style, room)
        stands: list[Stand] = []
        for number, row in enumerate(rows):
            x = 0.0
            for box in row:
                wide = box.room(style)
                at = x + (wide - box.width - box.depth) / 2
                stands.append(Stand(number, x, at, box.width, box.height, box.depth))
                x += wide + _GAP
        laid = _Laid(rows, stands, Lanes(stands, chart.links, _widest(rows, style)))
        over = laid.width - wanted
        single = all(len(row) == 1 for row in rows)
        if over <= 0 or single or not style.room:
            return laid
        # what is too wide for its lines gets more rows
        room = min(room, _widest(rows, style) - _GAP) - max(over, 1.0)


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


# ---- shapes


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
