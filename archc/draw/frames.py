"""Boxes of a chart, frames among them, whose inside is a layout of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from archc.draw import metrics
from archc.draw.cells import Drawn, measured, said, title_of, tooltip, widest
from archc.draw.chart import Cell, Chart
from archc.draw.ranks import APART, passed, ranks, strips_of
from archc.draw.routes import Layout
from archc.draw.scene import Path, Rect, Shape, Text, moved
from archc.draw.style import Style

_PAD = 4.0


def boxes_of(chart: Chart, style: Style) -> list[Drawn]:
    """All boxes; those that have a row of their own are equally wide.

    Where something passes beside them, only those below each other are.
    """
    boxes = [box_of(cell, style) for cell in chart.cells]
    if style.broadest and not style.lr:
        _fit(chart, boxes, style)
    if style.lr or chart.level == "block":
        return boxes
    rank = ranks(chart, boxes, style)
    own = Counter(r for b, r in zip(boxes, rank, strict=True) if not b.cell.head)
    begin: dict[int, int] = {}
    for row in sorted(passed(chart, rank, style)):
        if own[row] == 1:
            begin[row] = begin.get(row - 1, row)
    columns: dict[int, list[Drawn]] = {}
    for box, row in zip(boxes, rank, strict=True):
        if own[row] == 1 and not box.cell.head:
            columns.setdefault(begin.get(row, -1), []).append(box)
    for column in columns.values():
        widest = max(b.width for b in column)
        for box in column:
            box.widen(widest)
    return boxes


def _fit(chart: Chart, boxes: list[Drawn], style: Style) -> None:
    """Breaks titles where boxes that belong into one row are too broad for it together;
    those of frames stay as they are."""
    rows: dict[int, list[int]] = {}
    for i, row in enumerate(ranks(chart, boxes, replace(style, broadest=0.0))):
        if not chart.cells[i].port and not chart.cells[i].head:
            rows.setdefault(row, []).append(i)
    for row in rows.values():
        widths = [boxes[i].width for i in row]
        spare = style.broadest - sum(boxes[i].beside + APART for i in row)
        most = widest(widths, spare)
        wide = [i for i in row if boxes[i].width > most]
        narrow = {i: measured(chart.cells[i], style, most) for i in wide}
        whole = all(chart.cells[i].inner is None for i in wide)
        if whole and all(box.width <= most + 0.01 for box in narrow.values()):
            for i, box in narrow.items():
                boxes[i] = box


def box_of(cell: Cell, style: Style) -> Drawn:
    """A box, or a frame with all that is in it."""
    if cell.inner is not None:
        return _framed(cell, cell.inner, style)
    if cell.port:
        return _Port(cell, style, [], 0.0, 0.0, 0.0, 0.0)
    return measured(cell, style)


class _Port(Drawn):
    """A line through the border of a frame, as long as its title is high."""

    def shapes(self) -> Iterator[Shape]:
        line = self.style.palette.line
        ends = ((self.x, self.y), (self.x + self.width, self.y + self.height))
        if ends[0] != ends[1]:
            yield Path(ends, line, arrow=False, kind="main")


@dataclass(slots=True, eq=False)
class _Frame(Drawn):
    layout: Layout | None = None
    """Of its inside,"""
    corner: tuple[float, float] = (0.0, 0.0)
    """and where its upper left corner is there."""
    tails: list[Path] = field(default_factory=list["Path"])
    heading: list[Text] = field(default_factory=list["Text"])
    left: float = 0.0
    ports: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    @property
    def axis(self) -> float:
        return self.left

    def port(self, side: str, number: int) -> float:
        found = self.ports[side]
        return found[number] if number < len(found) else 0.0

    def shapes(self) -> Iterator[Shape]:
        ink = self.style.palette
        cell = self.cell
        yield Rect(
            self.x, self.y, self.width, self.height,
            fill=ink.shade, stroke=ink.head if cell.head else ink.frame, role="frame",
            dashed=cell.head or bool(cell.seldom), title=tooltip(cell),
        )  # fmt: skip
        assert self.layout is not None
        left, top = self.corner
        upward = self.style.upward
        yield from self.layout.put(self.x - left, self.y - top, upward=upward)
        for shape in (*self.tails, *self.heading):
            yield moved(shape, self.x, self.y)


def _framed(cell: Cell, inner: Chart, style: Style) -> _Frame:
    boxes = boxes_of(inner, style)
    ink = style.palette
    lines = [title_of(cell), *said(cell, style)]
    widths = [
        metrics.width(line, style.text if n == 0 else style.small, bold=n == 0)
        for n, line in enumerate(lines)
    ]
    high, wide = len(lines) * style.line + 2, max(widths)
    # the title stands beside the values that pass it
    beside = "out" if style.upward else "in"
    for box in boxes:
        if box.cell.port == beside and not style.lr:
            box.height = high
    rows = strips_of(inner, boxes, _one_strip(style))[0]
    layout = Layout(inner, boxes, rows, _one_strip(style))
    x0, y0, x1, y1 = layout.bounds()
    entries = [i for i, c in enumerate(inner.cells) if c.port == "in"]
    exits = [i for i, c in enumerate(inner.cells) if c.port == "out"]
    middle = layout.center[entries[0]] if entries else 0.0
    if style.lr:
        top, low = y0 - high - 2, y1 + _PAD
        x1 += 0.0 if exits else _PAD
        left, right = x0, max(x1, x0 + wide + 2 * _PAD)
        axis = middle - top
    else:
        past = exits if style.upward else entries
        first = min((layout.center[i] for i in past), default=x0 + wide + _PAD)
        top, low = y0, y1 + (0.0 if exits else _PAD)
        left, right = min(x0 - _PAD, first - wide - 2 * _PAD), x1 + _PAD
        axis = middle - left
    heading: list[Text] = []
    for n, line in enumerate(lines):
        size, color = (style.text, ink.ink) if n == 0 else (style.small, ink.faint)
        y = (n + 0.5) * style.line + 1.5
        heading.append(Text(_PAD, y, line, size, color, "start", bold=n == 0))
    frame = _Frame(cell, style, [], right - left, low - top, 0.0, 0.0)
    frame.layout, frame.corner = layout, (left, top)
    if style.lr and right > x1:
        line = ink.line
        for i in exits:
            at = layout.center[i] - top
            frame.tails.append(
                Path(
                    ((x1 - left, at), (right - left, at)),
                    line,
                    arrow=False,
                    kind="main",
                )
            )
    frame.heading = heading
    frame.left = axis
    frame.ports = {
        "in": [layout.center[i] - middle for i in entries],
        "out": [layout.center[i] - middle for i in exits],
    }
    return frame


def _one_strip(style: Style) -> Style:
    return replace(style, strips=1, single_file=False)
