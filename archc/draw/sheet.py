"""The whole sheet: what a chart is called, the boxes, and what the colours mean."""

from __future__ import annotations

from collections.abc import Iterator

from archc.draw import metrics, strips, ushape
from archc.draw.cells import Drawn
from archc.draw.chart import Chart
from archc.draw.frames import boxes_of
from archc.draw.palette import between
from archc.draw.scene import Path, Rect, Scene, Shape, Text, moved
from archc.draw.style import Style
from archc.escaping import visible

_MARGIN = 3.0


def sheet(chart: Chart, style: Style, boxes: list[Drawn] | None = None) -> Scene:
    """The chart with its heading and its legend.

    `boxes` are those of the chart in this style, where they are known: they do not
    depend on the number of strips.
    """
    found = ushape.ends(chart) if chart.level == "stage" else None
    if found is not None:
        body, wide, high = ushape.placed(chart, found, style)
    else:
        body, wide, high = strips.placed(chart, style, boxes or boxes_of(chart, style))
    return assembled(chart, style, body, wide, high)


def assembled(
    chart: Chart, style: Style, body: list[Shape], wide: float, high: float
) -> Scene:
    """A body of that width and height under a heading and over a legend."""
    heading = list(_heading(chart, style)) if style.title else []
    full = max(wide, style.room - 2 * _MARGIN)
    if not style.room:
        full = max(full, min(_widest(heading), 2 * wide))
    shapes: list[Shape] = []
    y = _MARGIN
    for text in heading:
        size = text.size
        for line in _wrapped(text.text, size, full, bold=text.bold):
            y += size * 0.65
            shapes.append(Text(full / 2, y, line, size, text.color, bold=text.bold))
            y += size * 0.65
    if heading:
        y += 5
    shapes += [moved(shape, (full - wide) / 2, y) for shape in body]
    y += high
    if style.legend:
        y = _legend(chart, style, full, y + 6, shapes)
    shapes = [moved(shape, _MARGIN, 0) for shape in shapes]
    return Scene(full + 2 * _MARGIN, y + _MARGIN, style.palette.background, shapes)


def _heading(chart: Chart, style: Style) -> Iterator[Text]:
    ink = style.palette
    title = visible(chart.title)
    yield Text(0, 0, title, style.text * 1.2, ink.ink, bold=True)
    if chart.level != "network":
        yield Text(0, 0, visible(chart.subtitle), style.small, ink.faint)


def _widest(texts: list[Text]) -> float:
    return max((text.width for text in texts), default=0)


def _wrapped(text: str, size: float, room: float, *, bold: bool) -> Iterator[str]:
    """Lines of words that fit; a word that does not is cut in its middle."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and metrics.width(longer, size, bold=bold) > room:
            yield metrics.shortened(line, size, room, bold=bold)
            line = word
        else:
            line = longer
    yield metrics.shortened(line, size, room, bold=bold)


def _legend(
    chart: Chart, style: Style, room: float, y: float, shapes: list[Shape]
) -> float:
    """Puts the legend below y; gives where it ends."""
    entries = list(_entries(chart, style))
    x, step = 0.0, style.line + 1
    lines: list[list[tuple[float, str, str]]] = [[]]
    for kind, text in entries:
        wide = 12 + metrics.width(text, style.small) + 7
        if lines[-1] and x + wide > room:
            lines.append([])
            x = 0.0
        lines[-1].append((x, kind, text))
        x += wide
    if not entries:
        return y - 6
    for line in lines:
        y += step
        for x, kind, text in line:
            shapes += _swatch(x, y - step / 2, kind, style)
            at = Text(
                x + 12, y - step / 2, text, style.small, style.palette.ink, "start"
            )
            shapes.append(at)
    return y


def _entries(chart: Chart, style: Style) -> Iterator[tuple[str, str]]:
    if style.heat is not None:
        what, least, most = style.scale
        yield style.palette.heat[0], f"{what}: {least}"
        yield between(style.palette.heat, 0.5), "half of the most"
        yield style.palette.heat[1], most
    else:
        for category in chart.categories():
            yield style.palette.fills[category], category
    loops = {loop.kind for cell in chart.all_cells() for loop in cell.loops}
    if "skip" in loops or any(link.kind == "skip" for link in chart.all_links()):
        yield "skip", "skip"
    if any(cell.head for cell in chart.all_cells()):
        yield "head", "training only"


def _swatch(x: float, y: float, kind: str, style: Style) -> Iterator[Shape]:
    ink = style.palette
    if kind.startswith("#"):
        yield Rect(x, y - 3, 8, 6, kind, ink.line, role="plain")
        return
    color = ink.skip if kind == "skip" else ink.head
    points = ((x, y), (x + 9, y))
    yield Path(points, color, 1.1, dashed=kind == "head", role="plain")
