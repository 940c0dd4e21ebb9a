"""What follows what in a chart, and what lies beside it, as in a formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archc.draw.chart import Cell, Chart


@dataclass(frozen=True, slots=True)
class Series:
    """Parts that follow each other."""

    parts: tuple[Cell | Series | Parallel, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    """Branches: parts that lie beside each other."""

    parts: tuple[Cell | Series | Parallel, ...]


def structure(
    chart: Chart, wanted: Callable[[Cell], bool]
) -> Cell | Series | Parallel | None:
    """The wanted boxes of a chart in series and in parallel.

    None if there are none, or if they are wired in another way; so are frames that
    several values enter, or leave.
    """
    if any(link.enters or link.leaves for link in chart.links):
        return None
    after = [0] * len(chart.cells)  # a bit for each box that it follows
    for link in sorted(chart.links, key=lambda x: x.target):
        if link.kind != "size":
            after[link.target] |= after[link.source] | 1 << link.source
    shown = [i for i, cell in enumerate(chart.cells) if wanted(cell)]
    return _structure(chart, shown, after) if shown else None


def _structure(
    chart: Chart, shown: list[int], after: list[int]
) -> Cell | Series | Parallel | None:
    if len(shown) == 1:
        return chart.cells[shown[0]]
    found: list[Cell | Series | Parallel] = []
    run: list[int] = []
    # what every other box comes before or after is a part of the series by itself
    for i in shown:
        if all(i == j or after[i] >> j & 1 or after[j] >> i & 1 for j in shown):
            if run and not _beside(chart, run, after, found):
                return None
            run = []
            found.append(chart.cells[i])
        else:
            run.append(i)
    if run and not _beside(chart, run, after, found):
        return None
    return found[0] if len(found) == 1 else Series(tuple(found))


def _beside(
    chart: Chart,
    run: list[int],
    after: list[int],
    found: list[Cell | Series | Parallel],
) -> bool:
    """Finds the branches of a run of boxes, none of which all others are linked to."""
    branches = _branches(run, after)
    if len(branches) < 2:
        return False
    parts: list[Cell | Series | Parallel] = []
    for branch in branches:
        part = _structure(chart, branch, after)
        if part is None:
            return False
        parts.append(part)
    found.append(Parallel(tuple(parts)))
    return True


def _branches(run: list[int], after: list[int]) -> list[list[int]]:
    """The boxes, those together that follow from each other."""
    groups: list[list[int]] = []
    for i in run:
        own = [g for g in groups if any(after[i] >> j & 1 for j in g)]
        groups = [g for g in groups if g not in own]
        groups.append(sorted([*(j for g in own for j in g), i]))
    return sorted(groups)
