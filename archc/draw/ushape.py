"""An encoder and a decoder as the letter U: down at the left, up at the right.

What skips from one to the other runs straight across, so both of its ends stand at one
height (Ronneberger et al. 2015, Fig. 1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from archc.draw.cells import Drawn, measured
from archc.draw.chart import Chart, Link
from archc.draw.links import drawn_link
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
    style = replace(style, narrow=NARROW, direction="tb")
    boxes = [measured(cell, style) for cell in chart.cells]
    last = len(boxes) - 1
    inner, back = found.sources[-1], found.targets[-1]
    # all but the last of those below the innermost skip still stand at the left
    turn = max(back - 1, inner)
    left, right = list(range(turn)), list(range(back, last + 1))
    if turn == inner:
        left.append(inner)
    bottom = [turn] if turn > inner else []
    for column in (left, right):
        widest = max(boxes[i].width for i in column)
        for i in column:
            boxes[i].width = widest
    y = _levels(boxes, found, left, right, style.gap)
    between = max((boxes[i].width for i in bottom), default=0) + 2 * _ASIDE
    aside = max(boxes[i].beside for i in left)
    for i in left:
        boxes[i].x, boxes[i].y = 0, y[i]
    begin = boxes[left[0]].width + aside + between
    for i in right:
        boxes[i].x, boxes[i].y = begin, y[i]
    low = max(boxes[i].y + boxes[i].height for i in (*left, *right))
    for i in bottom:
        boxes[i].x = boxes[left[0]].width + (aside + between - boxes[i].width) / 2
        boxes[i].y = max(
            low + style.gap - boxes[i].height, y[back] + boxes[back].height
        )
        boxes[i].y = max(boxes[i].y, boxes[left[-1]].y + boxes[left[-1]].height)
        low = max(low, boxes[i].y + boxes[i].height)
    shapes: list[Shape] = []
    for link in chart.links:
        points = _way(link, boxes, set(left), set(right))
        shapes.append(drawn_link(link, points, style))
    for box in boxes:
        shapes += box.shapes()
    width = begin + boxes[right[0]].width + max(boxes[i].beside for i in right)
    return shapes, width, low


def _levels(
    boxes: list[Drawn], found: Ends, left: list[int], right: list[int], gap: float
) -> dict[int, float]:
    """The upper edge of each box of the two sides."""

    def stack(cells: range) -> float:
        return sum(boxes[i].height + gap for i in cells)

    y: dict[int, float] = {}
    first, end = found.sources[0], found.targets[0]
    top = max(stack(range(first)), stack(range(end + 1, right[-1] + 1)))
    down, up = top, top
    for s, t in zip(found.sources, found.targets, strict=True):
        height = max(boxes[s].height, boxes[t].height)
        at = max(down, up)
        y[s] = at + (height - boxes[s].height) / 2
        y[t] = at + (height - boxes[t].height) / 2
        inner = [x for x in found.sources if x > s]
        stop = inner[0] if inner else left[-1] + 1
        down = at + height + gap
        for i in range(s + 1, stop):
            y[i] = down
            down += boxes[i].height + gap
        deeper = [x for x in found.targets if x < t]
        up = at + height + gap
        for i in range(t - 1, deeper[0] if deeper else t - 1, -1):
            y[i] = up
            up += boxes[i].height + gap
    at = y[first]
    for i in range(first - 1, -1, -1):
        at -= boxes[i].height + gap
        y[i] = at
    at = y[end]
    for i in range(end + 1, right[-1] + 1):
        at -= boxes[i].height + gap
        y[i] = at
    least = min(y.values())
    return {i: value - least for i, value in y.items()}


def _way(
    link: Link, boxes: list[Drawn], left: set[int], right: set[int]
) -> list[Point]:
    a, b = boxes[link.source], boxes[link.target]
    if link.source in left and link.target in right:
        if a.cell.end:  # which has no border to start from
            y = a.y + a.height
            return [(a.middle, y), (b.x, y)]
        y = min(a.y + a.height / 2, b.y + b.height / 2)
        if a.cell.loops:
            y = max(a.y, b.y) + 4
        return [(a.x + a.width, y), (b.x, y)]
    if link.source in left and link.target in left:
        return [(a.middle, a.y + a.height), (b.middle, b.y)]
    if link.source in right:
        return [(a.middle, a.y), (b.middle, b.y + b.height)]
    if link.source in left:
        y = b.y + b.height / 2
        return [(a.middle, a.y + a.height), (a.middle, y), (b.x, y)]
    # a single loop stands in the lower half
    y = a.y + (a.height / 2 if len(a.cell.loops) < 2 else 4)
    return [(a.x + a.width, y), (b.middle, y), (b.middle, b.y + b.height)]
