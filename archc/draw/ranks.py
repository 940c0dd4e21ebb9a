"""Which boxes of a chart stand in one row, and where its rows are cut into strips."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from archc.draw.cells import Drawn
from archc.draw.chart import Chart, Link
from archc.draw.style import Style

_CROSSING = 0.025
"""What another value that goes on costs, as a share of a strip."""
_FAR = 8
"""A link that passes more rows than that runs in a lane."""
_MOST_PLACES = 120
_LONGER = 1.3
"""How much longer strips may get so that little goes on from one to another."""
APART = 7.0
"""Between boxes of one row."""


def ranks(chart: Chart, boxes: list[Drawn], style: Style) -> list[int]:
    """The row of each cell: one below the lowest of those that it reads, or a later one
    where that is full.

    In a single file each has its own. Ports are first and last.
    """
    cells = chart.cells
    if style.single_file:
        return list(range(len(cells)))
    first = 1 if any(cell.port == "in" for cell in cells) else 0
    rank = [0 if cell.port == "in" else first for cell in cells]
    used: dict[int, float] = {}
    readers: dict[int, list[int]] = {}
    for link in chart.links:
        readers.setdefault(link.source, []).append(link.target)
    for i, (cell, box) in enumerate(zip(cells, boxes, strict=True)):
        if style.broadest and not cell.port and not cell.head:
            wide = box.height if style.lr else box.width + box.beside + APART
            while used.get(rank[i]) and used[rank[i]] + wide > style.broadest:
                rank[i] += 1
            used[rank[i]] = used.get(rank[i], 0.0) + wide
        for target in readers.get(i, ()):  # a box comes before its readers
            rank[target] = max(rank[target], rank[i] + 1)
    last = max(
        (r for r, c in zip(rank, cells, strict=True) if c.port != "out"), default=0
    )
    return [
        last + 1 if c.port == "out" else r for r, c in zip(rank, cells, strict=True)
    ]


def threads(chart: Chart, link: Link, span: int, style: Style) -> bool:
    """Whether a link keeps a place in each of the rows that it passes."""
    fine = chart.level in ("block", "layer") and not style.single_file
    return fine and link.kind == "main" and span <= _FAR


def passed(chart: Chart, rank: Sequence[int], style: Style) -> set[int]:
    """The rows in which a link keeps a place."""
    return {
        row
        for link in chart.links
        if threads(chart, link, rank[link.target] - rank[link.source], style)
        for row in range(rank[link.source] + 1, rank[link.target])
    }


def strips_of(chart: Chart, boxes: list[Drawn], style: Style) -> list[list[list[int]]]:
    """The rows of cells in as many strips as the style wants, of about one length."""
    rank = ranks(chart, boxes, style)
    rows: list[list[int]] = [[] for _ in range(max(rank, default=0) + 1)]
    for i, row in enumerate(rank):
        rows[row].append(i)
    rows = [row for row in rows if row]
    if style.strips < 2:
        return [rows]
    sizes = [max(_along(boxes[i], style) for i in row) + style.gap for row in rows]
    ends = _cut(sizes, _crossing(chart, rank), min(style.strips, len(rows)))
    return [rows[a:b] for a, b in pairwise((0, *ends, len(rows)))]


def _crossing(chart: Chart, rank: list[int]) -> list[int]:
    """How many boxes give something from each row, or one before, to a later one."""
    reach: dict[int, int] = {}
    for link in chart.links:
        reach[link.source] = max(reach.get(link.source, 0), rank[link.target])
    crossing = [0] * (max(rank, default=0) + 1)
    for source, last in reach.items():
        for row in range(rank[source], last):
            crossing[row] += 1
    return crossing


def _cut(sizes: list[float], crossing: list[int], count: int) -> tuple[int, ...]:
    """Where the strips after the first begin, so that the longest is short.

    Where only one value goes on, a cut is easiest to follow; it is made there if that
    makes the longest strip little longer.
    """
    places = [row + 1 for row in range(len(sizes) - 1)]
    anywhere = _cut_at(places, sizes, crossing, count)
    single = [at for at in places if crossing[at - 1] == 1]
    if len(single) >= 4 * count:
        easy = _cut_at(single, sizes, crossing, count)
        if easy[0] <= _LONGER * anywhere[0]:
            return easy[1]
    return anywhere[1]


def _cut_at(
    places: list[int], sizes: list[float], crossing: list[int], count: int
) -> tuple[float, tuple[int, ...]]:
    """How long the longest strip is, and where the others begin, at some of places.

    Every value beyond the first that goes on to another strip counts as some length,
    for it takes room and a look.
    """
    places = places[:: len(places) // _MOST_PLACES + 1]
    total = list(accumulate(sizes, initial=0.0))
    costly = _CROSSING * total[-1] / count
    # by where the last strip begins: the cost, the longest strip, the cuts
    best: dict[int, tuple[float, float, tuple[int, ...]]] = {0: (0.0, 0.0, ())}
    for number in range(1, count + 1):
        stops = [len(sizes)] if number == count else places
        further: dict[int, tuple[float, float, tuple[int, ...]]] = {}
        for stop in stops:
            crossed = costly * (crossing[stop - 1] - 1) if stop < len(sizes) else 0.0
            for begin, (cost, longest, cuts) in best.items():
                if begin < stop:
                    most = max(longest, total[stop] - total[begin])
                    way = (cost - longest + most + crossed, most, (*cuts, stop))
                    further[stop] = min(further.get(stop, way), way)
        if not further:
            break
        best = further
    if len(sizes) not in best:
        return total[-1], ()
    _, longest, cuts = best[len(sizes)]
    return longest, cuts[:-1]


def _along(box: Drawn, style: Style) -> float:
    return box.width + 2 if style.lr else box.height
