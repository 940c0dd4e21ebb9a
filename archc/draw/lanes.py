"""Lines between boxes in space that stand in rows.

What goes to the next box of a row runs straight. Everything else runs in a lane above
its row, and from one row to another through a column at the right of all rows. The
lines that leave a box share their way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from archc.draw.chart import Link
from archc.draw.links import drawn_link
from archc.draw.scene import Path, Point
from archc.draw.style import Style

_STEP = 4.0
"""Between lines that run beside each other."""
_CLEAR = 5.0
"""Between the outermost box and the first of them."""


@dataclass(slots=True)
class Stand:
    """Where a box stands: its row, where its room begins, and its front."""

    row: int
    left: float
    x: float
    width: float
    height: float
    depth: float
    axis: float = 0.0
    """The height of the middle of its side, once that is known."""

    @property
    def over(self) -> float:
        """Where its upper edge at the back is."""
        return self.axis - (self.height + self.depth) / 2

    @property
    def leaves(self) -> Point:
        """Where a line goes up from it, at its back,"""
        return self.x + self.width * 0.75 + self.depth, self.over

    @property
    def enters(self) -> Point:
        """and where one comes down on it."""
        share = 0.5
        x = self.x + self.width * 0.25 + self.depth * share
        return x, self.over + self.depth * (1 - share)

    @property
    def side(self) -> Point:
        """The middle of its right side."""
        return self.x + self.width + self.depth / 2, self.axis


class Lanes:
    """Which line runs where; `wide` is how far the rows go."""

    def __init__(
        self, stands: Sequence[Stand], links: Sequence[Link], wide: float
    ) -> None:
        self.stands = stands
        self.links = links
        self._wide = wide
        self._first = [
            not n or stands[n - 1].row < at.row for n, at in enumerate(stands)
        ]
        above: dict[int, dict[int, tuple[float, float]]] = {}
        between: dict[int, tuple[float, float]] = {}
        for link in links:
            if self._straight(link):
                continue
            source, target = link.source, link.target
            a, b = stands[source], stands[target]
            to = 0.0 if self._wraps(link) else b.enters[0]
            if a.row == b.row:
                _widen(above, a.row, source, (a.leaves[0], to))
                continue
            if not self._last(source):
                _widen(above, a.row, source, (a.leaves[0], wide))
            _widen(above, b.row, source, (to, wide))
            low, high = between.get(source, (a.row, b.row))
            between[source] = (min(low, a.row), max(high, b.row))
        self._above = {row: coloured(spans) for row, spans in above.items()}
        self._between = coloured(between)
        columns = 1 + max(self._between.values(), default=-1)
        wraps = any(map(self._wraps, links))
        self.left = -2 * _CLEAR if wraps else 0.0
        self.right = wide + (_CLEAR + _STEP * columns if columns else 0.0)

    def height(self, row: int) -> float:
        """What the lanes above a row take."""
        used = self._above.get(row)
        return _CLEAR + _STEP * (1 + max(used.values())) if used else 0.0

    def shapes(self, tops: Sequence[float], style: Style) -> Iterator[Path]:
        """All lines; `tops` are where the boxes of the rows begin."""
        for link in sorted(self.links, key=lambda x: x.kind == "main"):
            yield drawn_link(link, self._way(link, tops), style)

    def _straight(self, link: Link) -> bool:
        return link.target == link.source + 1 and not self._first[link.target]

    def _wraps(self, link: Link) -> bool:
        """Whether it leads from the end of a row to the beginning of the next."""
        return link.target == link.source + 1 and self._first[link.target]

    def _last(self, at: int) -> bool:
        return at + 1 == len(self.stands) or self._first[at + 1]

    def _way(self, link: Link, tops: Sequence[float]) -> list[Point]:
        source = link.source
        a, b = self.stands[source], self.stands[link.target]
        if self._straight(link):
            return [(a.side[0] + 2, b.axis), (b.x, b.axis)]
        column = self._wide + _CLEAR + _STEP * self._between.get(source, 0)

        def lane(row: int) -> float:
            return tops[row] - _CLEAR - _STEP * self._above[row][source]

        if a.row == b.row:
            start = [a.leaves, (a.leaves[0], lane(a.row))]
        elif self._last(source):
            start = [a.side, (column, a.axis), (column, lane(b.row))]
        else:
            up = lane(a.row)
            start = [a.leaves, (a.leaves[0], up), (column, up), (column, lane(b.row))]
        low = lane(b.row)
        if self._wraps(link):
            return [*start, (-_CLEAR, low), (-_CLEAR, b.axis), (b.x, b.axis)]
        return [*start, (b.enters[0], low), b.enters]


def _widen(
    above: dict[int, dict[int, tuple[float, float]]],
    row: int,
    source: int,
    span: tuple[float, float],
) -> None:
    """What leaves one box shares a lane, as long as all of it together."""
    begin, end = above.setdefault(row, {}).get(source, span)
    above[row][source] = min(begin, span[0]), max(end, span[1])


def coloured(
    spans: Mapping[int, tuple[float, float]],
    behind: Mapping[int, Collection[int]] | None = None,
) -> dict[int, int]:
    """A number for each span, so that those of one number lie apart; low for short, and
    higher than those that it has to be `behind`, as long as these are behind no one."""
    taken: list[list[tuple[float, float]]] = []
    found: dict[int, int] = {}
    left = sorted(spans, key=lambda x: (spans[x][1] - spans[x][0], x))
    before = {x: set((behind or {}).get(x, ())).intersection(spans) for x in left}
    while left:
        ready = (x for x in left if before[x] <= found.keys())
        source = next(ready, left[0])
        left.remove(source)
        begin, end = spans[source]
        least = max((found[x] + 1 for x in before[source] if x in found), default=0)
        free = (
            n
            for n, others in enumerate(taken)
            if n >= least and all(end < a or b < begin for a, b in others)
        )
        number = next(free, max(least, len(taken)))
        while number >= len(taken):
            taken.append([])
        taken[number].append((begin, end))
        found[source] = number
    return found
