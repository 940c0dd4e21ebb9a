"""Figures that are known for a kind of network."""

from __future__ import annotations

from archc.draw import lattice, scales, ushape
from archc.draw.chart import Chart


def is_figure(chart: Chart) -> bool:
    """Whether a chart is a U, a triangle or a pyramid; what has frames is none."""
    framed = any(cell.inner is not None for cell in chart.cells)
    if chart.level == "network" or framed:
        return False
    return (
        ushape.ends(chart) is not None
        or lattice.lattice(chart) is not None
        or bool(scales.pyramids(chart))
    )
