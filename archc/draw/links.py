"""How links look."""

from __future__ import annotations

from archc.draw.chart import Link
from archc.draw.scene import Path, Point
from archc.draw.style import Style


def drawn_link(
    link: Link,
    points: list[Point],
    style: Style,
    *,
    arrow: bool = True,
    seldom: bool = False,
) -> Path:
    """A link as a line with an arrow; `seldom` if what it leads to is not always
    there."""
    ink = style.palette
    colors = {"skip": ink.skip, "head": ink.head, "size": ink.frame}
    color = colors.get(link.kind, ink.line)
    thick = {"skip": 1.1, "size": 0.6}.get(link.kind, 0.8)
    dashed = link.kind in ("head", "size") or bool(link.note) or seldom
    return Path(tuple(points), color, thick, arrow, dashed, kind=link.kind)
