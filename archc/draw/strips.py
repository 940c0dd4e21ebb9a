"""Strips of rows side by side, and the values that go on from one to another.

Such a value runs to the end of its strip, along the edge of the picture to the gutter
before the strip where it is read, back to that one's beginning, and in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archc.draw.cells import Drawn
from archc.draw.chart import Chart, Link
from archc.draw.links import buses, drawn_link
from archc.draw.ranks import strips_of
from archc.draw.routes import Layout
from archc.draw.scene import Path, Point, Shape
from archc.draw.style import Style

_TRACK = 4.0
_GUTTER = 12.0


@dataclass(slots=True)
class Strips:
    """A chart in strips, with its upper left corner at 0."""

    width: float
    height: float
    _style: Style
    _strips: list[Layout]
    _offsets: list[Point]
    _ways: list[tuple[Link, list[Point]]]

    def shapes(self) -> Iterator[Shape]:
        """Everything drawn."""
        for strip, offset in zip(self._strips, self._offsets, strict=True):
            yield from strip.put(*strip.xy(offset))
        # where two share a piece, the main way is seen
        for link, points in sorted(self._ways, key=lambda x: x[0].kind == "main"):
            yield _line(link, points, self._strips[0], self._style)


def placed(chart: Chart, style: Style, boxes: list[Drawn]) -> Strips:
    """A chart in as many strips as the style says."""
    cut = strips_of(chart, boxes, style)
    strips = [Layout(chart, boxes, rows, style) for rows in cut]
    home = {i: n for n, strip in enumerate(strips) for i in strip.cells}
    crossing = [x for x in chart.links if home[x.source] != home[x.target]]
    pairs: dict[tuple[int, int], list[Link]] = {}
    for link in crossing:
        pairs.setdefault((home[link.source], home[link.target]), []).append(link)
    way_of = {
        link: (key, *ends)
        for ends, links in pairs.items()
        for link, key in buses(links, chart).items()
    }
    ways = list(dict.fromkeys(way_of[x] for x in crossing))
    passing = [[w for w in ways if w[-1] == n] for n in range(len(strips))]
    # `a` runs along the strips, and `b` across them
    before = (_TRACK * max(map(len, passing)) + 3) if ways else 0.0
    after = (_TRACK * len(ways) + 1) if ways else 0.0
    offset: list[Point] = []
    gutter: list[float] = []
    across, longest = 0.0, 0.0
    for n, strip in enumerate(strips):
        x0, y0, x1, y1 = strip.bounds()
        low, high, left, right = (x0, x1, y0, y1) if style.lr else (y0, y1, x0, x1)
        if n:
            across += _GUTTER / 2 + _TRACK * max(0, len(passing[n]) - 1)
            gutter.append(across)
            across += _GUTTER / 2
        else:
            gutter.append(0.0)
        offset.append((before - low, across - left))
        across += right - left
        longest = max(longest, high - low)
    total = before + longest + after
    lines: list[tuple[Link, list[Point]]] = []
    for link in crossing:
        source, target = home[link.source], home[link.target]
        key = way_of[link]
        number, place = ways.index(key), passing[target].index(key)
        low = before + longest + 4 + _TRACK * number
        up = before - 4 - _TRACK * place
        way = gutter[target] - _TRACK * place
        exit = strips[source].exits[link.source, link.leaves, link.kind]
        entry = strips[target].entries[link.target, link.enters]
        out = [_at(p, offset[source]) for p in exit]
        into = [_at(p, offset[target]) for p in entry]
        points = [
            *out,
            (low, out[-1][1]),
            (low, way),
            (up, way),
            (up, into[0][1]),
            *into,
        ]
        lines.append((link, points))
    width, height = (total, across) if style.lr else (across, total)
    return Strips(width, height, style, strips, offset, lines)


def _at(point: Point, offset: Point) -> Point:
    return point[0] + offset[0], point[1] + offset[1]


def _line(link: Link, points: list[Point], strip: Layout, style: Style) -> Path:
    kept: list[Point] = []
    for point in map(strip.xy, points):
        if not kept or point != kept[-1]:
            kept.append(point)
    seldom = bool(strip.chart.cells[link.target].seldom)
    return drawn_link(link, kept, style, seldom=seldom)
