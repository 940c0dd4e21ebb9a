"""A chart's links between boxes alone: each goes on through the borders of frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from archc.draw.chart import Cell, Chart, Link, LinkKind


class Edge(NamedTuple):
    """A value that one box gives to another, wherever the two stand."""

    source: Cell
    target: Cell
    kind: LinkKind
    note: str


def edges(chart: Chart) -> Iterator[Edge]:
    """Those of a chart, then those that stay inside of its frames."""
    cells = chart.cells
    for link in chart.links:
        if cells[link.source].port or cells[link.target].port:
            continue
        for source in _sources(cells[link.source], link.leaves):
            yield from _targets(source, cells[link.target], link, link.enters)
    for cell in cells:
        if cell.inner is not None:
            yield from edges(cell.inner)


def _sources(cell: Cell, leaves: int) -> Iterator[Cell]:
    """The boxes whose value leaves a cell by one of its ports."""
    if cell.inner is None:
        yield cell
        return
    inner = cell.inner
    for link in inner.links:
        if link.target == _port(inner, "out", leaves):
            yield from _sources(inner.cells[link.source], link.leaves)


def _targets(source: Cell, cell: Cell, via: Link, enters: int) -> Iterator[Edge]:
    """The edges to what reads a value that comes into a cell by one of its ports."""
    if cell.inner is None:
        yield Edge(source, cell, via.kind, via.note)
        return
    inner = cell.inner
    for link in inner.links:
        if link.source == _port(inner, "in", enters):
            kind = via.kind if link.kind == "main" else link.kind
            further = link._replace(kind=kind, note=link.note or via.note)
            target = inner.cells[link.target]
            yield from _targets(source, target, further, link.enters)


def _port(inner: Chart, side: str, number: int) -> int:
    return [i for i, cell in enumerate(inner.cells) if cell.port == side][number]
