"""A nested U as the triangle of its paper: X(i,j) in row i and column j.

The encoder goes down the first column, what is scaled up goes along the diagonals, and
skips go along the rows (Zhou et al. 2018, Fig. 1, arXiv:1807.10165).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from archc.draw.cells import Drawn, measured
from archc.draw.chart import Cell, Chart, Link
from archc.draw.links import drawn
from archc.draw.scene import Point, Shape
from archc.draw.style import NARROW, Style

_BETWEEN = 6.0
"""Between columns."""
_TRACK = 3.5
Place = tuple[int, int]
"""A row and a column."""


@dataclass(slots=True)
class Lattice:
    """Which boxes stand where."""

    nodes: dict[int, Place] = field(default_factory=dict[int, Place])
    between: dict[int, int] = field(default_factory=dict[int, int])
    """What scales down, with the row that it comes from."""
    ahead: list[int] = field(default_factory=list[int])
    behind: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """By columns, what comes after nodes of the first row, one after the other."""

    @property
    def columns(self) -> int:
        return 1 + max(column for _, column in self.nodes.values())

    @property
    def last(self) -> list[int]:
        """What comes after the last node, if nothing comes after others."""
        return self.behind.get(self.columns - 1, []) if len(self.behind) == 1 else []


def lattice(chart: Chart) -> Lattice | None:
    """The triangle of a chart of at least three columns; None where it is none."""
    found = Lattice()
    reads: dict[int, list[int]] = {i: [] for i in range(len(chart.cells))}
    for link in chart.links:
        if link.kind == "size":
            return None
        reads[link.target].append(link.source)
    for i, sources in reads.items():
        if not _put(i, sources, chart.cells, found):
            return None
    rows = len({row for row, _ in found.nodes.values()})
    triangle = [(row, column) for row in range(rows) for column in range(rows - row)]
    whole = sorted(found.nodes.values()) == triangle
    pooled = sorted(found.between.values()) == list(range(rows - 1))
    return found if whole and pooled and rows > 2 else None


def _put(i: int, sources: list[int], cells: Sequence[Cell], found: Lattice) -> bool:
    """Gives a box its place by what it reads; whether it has one."""

    def sides(cell: int) -> tuple[int, ...]:
        return cells[cell].sizes[1:]

    if not sources:
        found.ahead.append(i)
        return len(found.ahead) == 1
    at = found.nodes.get(sources[0])
    lower = [s for s in sources if sides(s) < sides(i)]
    if lower:  # scaled up, and joined with what its row has
        under = found.nodes.get(lower[0])
        if len(lower) > 1 or under is None or len(sources) == 1:
            return False
        row, column = found.nodes[i] = under[0] - 1, under[1] + 1
        others = [found.nodes.get(s) for s in sources if s not in lower]
        return all(x is not None and x[0] == row and x[1] < column for x in others)
    if len(sources) > 1:
        return False
    if sides(sources[0]) > sides(i):
        if at is None or at[1] > 0:
            return False
        found.between[i] = at[0]
    elif sources[0] in found.between:
        found.nodes[i] = found.between[sources[0]] + 1, 0
    elif sources[0] in found.ahead:
        found.nodes[i] = 0, 0
    else:
        after = (n for n, chain in found.behind.items() if chain[-1] == sources[0])
        column = at[1] if at is not None and at[0] == 0 else next(after, 0)
        found.behind.setdefault(column, []).append(i)
        return column > 0 and (at is None or len(found.behind[column]) == 1)
    return True


def placed(
    chart: Chart, found: Lattice, style: Style
) -> tuple[list[Shape], float, float]:
    """Everything drawn, with its upper left corner at 0, and its width and height."""
    drawing = _Drawing(chart, found, replace(style, narrow=NARROW, direction="tb"))
    return list(drawing.shapes()), drawing.width, drawing.height


class _Drawing:
    def __init__(self, chart: Chart, found: Lattice, style: Style) -> None:
        self.chart, self.found, self.style = chart, found, style
        room = style.room / found.columns - _BETWEEN - 1.2 if style.room else 0.0
        self.boxes = [measured(x, style, room, broken=True) for x in chart.cells]
        self.low: list[float] = []
        """Where the nodes of each row end."""
        self.turns: list[float] = []
        """The heights at which what goes up from a row turns to the next column."""
        self._columns()
        self._rows()

    def _columns(self) -> None:
        found = self.found
        column = {i: at[1] for i, at in found.nodes.items()}
        column |= dict.fromkeys((*found.ahead, *found.between), 0)
        for number, chain in found.behind.items():
            column |= dict.fromkeys(chain, number)
        x = 0.0
        for number in range(found.columns):
            own = [self.boxes[i] for i, at in column.items() if at == number]
            widest = max(box.width for box in own)
            for box in own:
                box.x, box.width = x, widest
            x += widest + max(box.beside for box in own) + _BETWEEN
        self.width = x

    def _rows(self) -> None:
        found, gap = self.found, self.style.gap
        y = self._above(gap)
        for row in range(found.columns):
            if row == 1:
                self._behind(y)
            self.turns.append(y - gap)
            y = self._level([i for i, at in found.nodes.items() if at[0] == row], y)
            self.low.append(y)
            # skips run beside what scales down, and ways up turn below them
            skips = gap + _TRACK * max(0, found.columns - 2 - row)
            pool = self._level(
                [i for i, at in found.between.items() if at == row], y + gap
            )
            y = max(y + skips, pool) + gap + _TRACK
        self.height = max(self.low[-1], *(b.y + b.height for b in self.boxes))

    def _above(self, gap: float) -> float:
        """Puts what stands above the first row there; gives where that begins."""
        found = self.found
        stacks = [found.ahead]
        if not found.last:
            stacks += [chain[::-1] for chain in found.behind.values()]
        heights = [sum(self.boxes[i].height + gap for i in x) for x in stacks]
        begin = max(heights)
        for stack, height in zip(stacks, heights, strict=True):
            y = begin - height
            for i in stack:
                self.boxes[i].y = y
                y += self.boxes[i].height + gap
        return begin

    def _behind(self, y: float) -> None:
        """Puts what comes after the last node below it, where the triangle is empty."""
        for i in self.found.last:
            self.boxes[i].y = y
            y += self.boxes[i].height + self.style.gap

    def _level(self, cells: list[int], y: float) -> float:
        """Puts boxes at one height; gives where they end."""
        for i in cells:
            self.boxes[i].y = y
        return max((self.boxes[i].y + self.boxes[i].height for i in cells), default=y)

    def shapes(self) -> Iterator[Shape]:
        """All that is drawn."""
        return drawn(self.chart, self._way, self.boxes, self.style)

    def _way(self, link: Link) -> list[Point]:
        nodes = self.found.nodes
        a, b = self.boxes[link.source], self.boxes[link.target]
        at, to = nodes.get(link.source), nodes.get(link.target)
        if at is not None and to is not None:
            if at[0] == to[0]:
                return self._along(a, b, at, to)
            # up into the next column
            leave, enter = a.middle + a.width / 4, b.middle
            turn = self.turns[at[0]]
            low = b.y + b.height
            return [(leave, a.y), (leave, turn), (enter, turn), (enter, low)]
        if link.target in self.found.last[:1]:
            x = a.x + a.width + _BETWEEN - 1
            y, end = a.y + a.height / 2, b.y + b.height / 2
            return [(a.x + a.width, y), (x, y), (x, end), (b.x + b.width, end)]
        if b.y < a.y:
            return [(a.middle, a.y), (b.middle, b.y + b.height)]
        return [(a.middle, a.y + a.height), (b.middle, b.y)]

    def _along(self, a: Drawn, b: Drawn, at: Place, to: Place) -> list[Point]:
        """A skip in its row: straight into the next column, and below others on."""
        far = to[1] - at[1]
        if far == 1:
            y = a.y + min(a.height, b.height) / 2
            return [(a.x + a.width, y), (b.x, y)]
        # what leaves a box shares a track; those of later boxes are higher
        tracks = self.found.columns - 2 - at[0]
        low = self.low[at[0]] + _TRACK * (tracks - at[1])
        side, y = a.x + a.width, a.y + a.height * 0.8
        leave, enter = side + _BETWEEN / 2, b.x + _TRACK * (at[1] + 1)
        turn = [(side, y), (leave, y), (leave, low)]
        return [*turn, (enter, low), (enter, b.y + b.height)]
