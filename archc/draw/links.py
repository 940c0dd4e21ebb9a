"""How links look."""

from __future__ import annotations

from archc.draw.chart import Link
from archc.draw.scene import Path, Point
from archc.draw.style import Style


def drawn_link(
    link: Link, points: list[Point], style: Style, *, arrow: bool = True
) -> Path:
    """A link as a line with an arrow."""
    ink = style.palette
    color = {"skip": ink.skip, "head": ink.head}.get(link.kind, ink.line)
    thick = 1.1 if link.kind == "skip" else 0.8
    dashed = link.kind == "head" or bool(link.note)
    return Path(tuple(points), color, thick, arrow, dashed, kind=link.kind)
