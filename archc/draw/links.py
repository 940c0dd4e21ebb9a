"""How links look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from archc.draw.cells import Drawn
from archc.draw.chart import Chart, Link
from archc.draw.scene import Path, Point, Shape
from archc.draw.style import Style


def drawn_link(
    link: Link,
    points: list[Point],
    style: Style,
    *,
    arrow: bool = True,
    seldom: bool = False,
) -> Path:
    """A link as a line with an arrow; `seldom` if what it leads to is not always
    there."""
    ink = style.palette
    colors = {"skip": ink.skip, "head": ink.head, "size": ink.frame}
    color = colors.get(link.kind, ink.line)
    thick = {"skip": 1.1, "size": 0.6}.get(link.kind, 0.8)
    dashed = link.kind in ("head", "size") or bool(link.note) or seldom
    return Path(tuple(points), color, thick, arrow, dashed, kind=link.kind)


def buses(links: Sequence[Link], chart: Chart) -> Mapping[Link, object]:
    """Which links share a way, as one value: those that leave one place, and those that
    reach one where nothing else leaves what they come from, and nothing reaches it but
    what stands before: they would look like one. A line has one colour, so that those
    of two kinds never do."""
    reached = {x.target for x in chart.links if x.target > x.source + 1}
    reaches = {x: ("to", x.target, x.enters, x.kind) for x in links}
    leaves = {x: ("from", x.source, x.leaves, x.kind) for x in links}
    forks = Counter(leaves.values())
    alone = {x for x in links if forks[leaves[x]] == 1 and x.source not in reached}
    return {x: reaches[x] if x in alone else leaves[x] for x in links}


def drawn(
    chart: Chart,
    way: Callable[[Link], list[Point]],
    boxes: Iterable[Drawn],
    style: Style,
) -> Iterator[Shape]:
    """All links of a chart by their ways, and then its boxes."""
    for link in chart.links:
        yield drawn_link(link, way(link), style)
    for box in boxes:
        yield from box.shapes()


def elbow(start: Point, end: Point) -> list[Point]:
    """From one box to the next, half of the way across where they are not in line."""
    if start[0] == end[0]:
        return [start, end]
    y = (start[1] + end[1]) / 2
    return [start, (start[0], y), (end[0], y), end]
