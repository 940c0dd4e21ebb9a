"""Which boxes of a chart stand in one row, and where its rows are cut into strips."""

from __future__ import annotations

from itertools import accumulate, pairwise

from archc.draw.cells import Drawn
from archc.draw.chart import Chart
from archc.draw.style import Style

_CROSSING = 5.0
_MOST_PLACES = 120
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

    Every value beyond the first that goes on to another strip counts as some length,
    for it takes room and a look.
    """
    places = [row + 1 for row in range(len(sizes) - 1)]
    single = [at for at in places if crossing[at - 1] == 1]
    if len(single) >= 4 * count:
        places = single
    places = places[:: len(places) // _MOST_PLACES + 1]
    total = list(accumulate(sizes, initial=0.0))
    # by where the last strip begins: the cost, the longest strip, the cuts
    best: dict[int, tuple[float, float, tuple[int, ...]]] = {0: (0.0, 0.0, ())}
    for number in range(1, count + 1):
        stops = [len(sizes)] if number == count else places
        further: dict[int, tuple[float, float, tuple[int, ...]]] = {}
        for stop in stops:
            crossed = _CROSSING * (crossing[stop - 1] - 1) if stop < len(sizes) else 0.0
            for begin, (cost, longest, cuts) in best.items():
                if begin < stop:
                    most = max(longest, total[stop] - total[begin])
                    way = (cost - longest + most + crossed, most, (*cuts, stop))
                    further[stop] = min(further.get(stop, way), way)
        if not further:
            break
        best = further
    return best[len(sizes)][2][:-1] if len(sizes) in best else ()


def _along(box: Drawn, style: Style) -> float:
    return box.width + 2 if style.lr else box.height
