"""Figures that are known for a kind of network."""

from __future__ import annotations

from archc.draw import lattice, scales, ushape
from archc.draw.chart import Chart


def is_figure(chart: Chart) -> bool:
    """Whether a chart is a U, a pyramid, or a triangle, which has no frames."""
    if chart.level == "network":
        return False
    return (
        ushape.ends(chart) is not None
        or bool(scales.pyramids(chart))
        or (not has_frames(chart) and lattice.lattice(chart) is not None)
    )


def has_frames(chart: Chart) -> bool:
    """Whether the inside of boxes is drawn."""
    return any(cell.inner is not None for cell in chart.cells)
