"""Strips of rows side by side, and the values that go on from one to another.

Such a value runs to the end of its strip, along the edge of the picture to the gutter
before the strip where it is read, back to that one's beginning, and in.
"""

from __future__ import annotations

from archc.draw.cells import Drawn
from archc.draw.chart import Chart, Link
from archc.draw.links import drawn_link
from archc.draw.rows import Layout, strips_of
from archc.draw.scene import Path, Point, Shape, moved
from archc.draw.style import Style

_TRACK = 4.0
_GUTTER = 12.0


def placed(
    chart: Chart, style: Style, boxes: list[Drawn]
) -> tuple[list[Shape], float, float]:
    """Everything drawn, with its upper left corner at 0, and its width and height."""
    cut = strips_of(chart, boxes, style)
    strips = [Layout(chart, boxes, rows, style) for rows in cut]
    home = {i: n for n, strip in enumerate(strips) for i in strip.cells}
    crossing = [x for x in chart.links if home[x.source] != home[x.target]]
    ways = list(dict.fromkeys((x.source, home[x.target]) for x in crossing))
    passing = [[w for w in ways if w[1] == n] for n in range(len(strips))]
    shapes: list[Shape] = []
    # `a` runs along the strips, and `b` across them
    before = (_TRACK * max(map(len, passing)) + 3) if ways else 0.0
    after = (_TRACK * len(ways) + 3) if ways else 0.0
    offset: list[Point] = []
    gutter: list[float] = []
    across, longest = 0.0, 0.0
    for n, strip in enumerate(strips):
        own = strip.put()
        x0, y0, x1, y1 = strip.bounds()
        low, high, left, right = (x0, x1, y0, y1) if style.lr else (y0, y1, x0, x1)
        if n:
            across += _GUTTER / 2 + _TRACK * max(0, len(passing[n]) - 1)
            gutter.append(across)
            across += _GUTTER / 2
        else:
            gutter.append(0.0)
        offset.append((before - low, across - left))
        shapes += [moved(shape, *strip.xy(offset[-1])[:2]) for shape in own]
        across += right - left
        longest = max(longest, high - low)
    total = before + longest + after
    for link in crossing:
        source, target = home[link.source], home[link.target]
        key = (link.source, target)
        number, place = ways.index(key), passing[target].index(key)
        low = before + longest + 4 + _TRACK * number
        up = before - 4 - _TRACK * place
        way = gutter[target] - _TRACK * place
        out = [_at(p, offset[source]) for p in strips[source].exits[link.source]]
        into = [_at(p, offset[target]) for p in strips[target].entries[link.target]]
        points = [
            *out,
            (low, out[-1][1]),
            (low, way),
            (up, way),
            (up, into[0][1]),
            *into,
        ]
        shapes.append(_line(link, points, strips[0], style))
    return (shapes, total, across) if style.lr else (shapes, across, total)


def _at(point: Point, offset: Point) -> Point:
    return point[0] + offset[0], point[1] + offset[1]


def _line(link: Link, points: list[Point], strip: Layout, style: Style) -> Path:
    kept: list[Point] = []
    for point in map(strip.xy, points):
        if not kept or point != kept[-1]:
            kept.append(point)
    return drawn_link(link, kept, style)
