"""The whole sheet: what a chart is called, the boxes, and what the colours mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archc.draw import lattice, metrics, pyramid, scales, strips, ushape
from archc.draw.cells import Drawn, unsaid
from archc.draw.chart import Chart
from archc.draw.figure import Mark
from archc.draw.frames import boxes_of
from archc.draw.known import has_frames, is_figure
from archc.draw.palette import MARKS, SIGNS, between
from archc.draw.scene import Path, Rect, Scene, Shape, Text, moved
from archc.draw.style import Style
from archc.escaping import visible
from archc.ops.base import Category

_MARGIN = 3.0
_SLENDER = 2
"""How much higher than wide a pyramid may be before strips are better."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A picture of which the size is known, and that is only drawn if it is taken."""

    width: float
    height: float
    scene: Callable[[], Scene]


def figure(chart: Chart, style: Style) -> Sketch | None:
    """The chart as a figure that is known for its kind of network: a U, a triangle or a
    pyramid. None where it is of no such kind; what there is may be too wide."""
    first: Sketch | None = None
    for body, wide, high in _figures(chart, style):
        found = assembled(chart, style, lambda body=body: body, wide, high)
        if not style.room or found.width <= style.room + 0.01:
            return found
        first = first or found
    return first


def _figures(chart: Chart, style: Style) -> Iterator[tuple[list[Shape], float, float]]:
    if not is_figure(chart):
        return
    ends = ushape.ends(chart)
    if ends is not None:
        yield ushape.placed(chart, ends, style)
    nested = None if has_frames(chart) else lattice.lattice(chart)
    if nested is not None:
        yield lattice.placed(chart, nested, style)
        return
    stepped = scales.pyramids(chart)
    if stepped:
        room = max(0.0, style.room - 2 * _MARGIN)
        body, wide, high = pyramid.placed(chart, stepped, style, room)
        if not room or high <= _SLENDER * room:
            yield body, wide, high


def sheet(chart: Chart, style: Style, boxes: list[Drawn] | None = None) -> Sketch:
    """The chart in strips of rows, with its heading and its legend.

    `boxes` are those of the chart in this style, where they are known: they do not
    depend on the number of strips.
    """
    strip = strips.placed(chart, style, boxes or boxes_of(chart, style))
    return assembled(chart, style, strip.shapes, strip.width, strip.height)


class Entry(NamedTuple):
    """What the legend says of a colour, or of a kind of line; without a colour, of the
    picture."""

    color: str
    text: str
    line: bool = False
    dashed: bool = False


Body = Callable[[], Iterable[Shape]]


def assembled(
    chart: Chart, style: Style, body: Body, wide: float, high: float
) -> Sketch:
    """A body of that width and height under a heading and over a legend."""
    heading = list(_heading(chart, style)) if style.title else []
    return on_sheet(heading, list(entries([chart], style)), style, body, wide, high)


def on_sheet(
    heading: list[Text],
    legend: list[Entry],
    style: Style,
    body: Body,
    wide: float,
    high: float,
) -> Sketch:
    """A body under any heading and over any legend."""
    full = max(wide, style.room - 2 * _MARGIN)
    if not style.room:
        full = max(full, min(_widest(heading), 2 * wide))
    shapes: list[Shape] = []
    y = _MARGIN
    for text in heading:
        size = text.size
        for line in metrics.wrapped(text.text, size, full, bold=text.bold):
            y += size * 0.65
            shapes.append(
                Text(_MARGIN + full / 2, y, line, size, text.color, bold=text.bold)
            )
            y += size * 0.65
    if heading:
        y += 5
    top = y
    y += high
    below: list[Shape] = []
    if style.legend:
        y = _legend(legend, style, full, y + 6, below)
    width, height = full + 2 * _MARGIN, y + _MARGIN

    def scene() -> Scene:
        left = _MARGIN + (full - wide) / 2
        inner = [moved(shape, left, top) for shape in body()]
        drawn = [*shapes, *inner, *below]
        return Scene(width, height, style.palette.background, drawn)

    return Sketch(width, height, scene)


def _heading(chart: Chart, style: Style) -> Iterator[Text]:
    ink = style.palette
    title = visible(chart.title)
    yield Text(0, 0, title, style.text * 1.2, ink.ink, bold=True)
    if chart.level != "network":
        yield Text(0, 0, visible(chart.subtitle), style.small, ink.faint)


def _widest(texts: list[Text]) -> float:
    return max((text.width for text in texts), default=0)


def _legend(
    found: list[Entry], style: Style, room: float, y: float, shapes: list[Shape]
) -> float:
    """Puts the legend below y; gives where it ends."""
    x, step = _MARGIN, style.line + 1
    lines: list[list[tuple[float, Entry]]] = [[]]
    broken = (
        entry._replace(text=line)
        for entry in found
        for line in metrics.wrapped(entry.text, style.small, room - 12, bold=False)
    )
    for entry in broken:
        swatch = 12 if entry.color else 0
        wide = swatch + metrics.width(entry.text, style.small) + 7
        if lines[-1] and x + wide > room + _MARGIN:
            lines.append([])
            x = _MARGIN
        lines[-1].append((x, entry))
        x += wide
    if not found:
        return y - 6
    for line in lines:
        y += step
        for x, entry in line:
            if entry.color:
                shapes += _swatch(x, y - step / 2, entry, style)
                x += 12
            at = Text(
                x,
                y - step / 2,
                entry.text,
                style.small,
                style.palette.ink,
                "start",
            )
            shapes.append(at)
    return y


def entries(charts: Sequence[Chart], style: Style) -> Iterator[Entry]:
    """The legend of some charts: what occurs in them."""
    ink = style.palette
    cells = [cell for chart in charts for cell in chart.all_cells()]
    marks = {mark for cell in cells for mark in (*cell.marks, cell.mark)} - {None}
    if marks:
        for mark, color in MARKS.items():
            if mark in marks and mark != "same":
                yield Entry(color, f"{SIGNS[mark]}{_MEANINGS.get(mark, mark)}")
    elif style.heat is not None:
        what, least, half, most = style.scale
        yield Entry(ink.heat[0], f"{what}: {least}")
        yield Entry(between(ink.heat, 0.5), half)
        yield Entry(ink.heat[1], most)
    else:
        found: dict[Category, None] = {}
        for chart in charts:
            found.update(dict.fromkeys(chart.categories()))
        for category in found:
            yield Entry(ink.fills[category], category)
    loops = any(loop.skips for cell in cells for loop in cell.loops)
    skips = any(x.kind == "skip" for chart in charts for x in chart.all_links())
    if loops or skips:
        yield Entry(ink.skip, "skip", line=True)
    if any(x.kind == "size" for chart in charts for x in chart.all_links()):
        yield Entry(ink.frame, "its size only", line=True, dashed=True)
    left_out = dict.fromkeys(x for cell in cells for x in unsaid(cell, style))
    if left_out:
        yield Entry("", f"not in the boxes: {', '.join(left_out)}")
    if any(cell.head for cell in cells):
        yield Entry(ink.head, "training only", line=True, dashed=True)


_MEANINGS: dict[Mark, str] = {"detail": "changed in what is not shown here"}


def _swatch(x: float, y: float, entry: Entry, style: Style) -> Iterator[Shape]:
    ink = style.palette
    if not entry.line:
        yield Rect(x, y - 3, 8, 6, entry.color, ink.line, role="plain")
        return
    points = ((x, y), (x + 9, y))
    yield Path(points, entry.color, 1.1, dashed=entry.dashed, role="plain")
