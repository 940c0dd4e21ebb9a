"""A picture with coordinates: what every writer of drawn formats reads.

Lengths are in points, x grows to the right and y downwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from archc.draw import metrics

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]
Role = Literal["box", "frame", "edge", "label", "plain"]
"""What a shape is in the picture, for whoever reads it back: a box that edges end on, a
frame around boxes, an edge, a label, or decoration."""


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    fill: str
    stroke: str
    role: Role = "box"
    dashed: bool = False
    title: str = ""
    """Shown where a pointer rests on it."""
    line: float = 0.7


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, with an arrow at its end or without."""

    points: tuple[Point, ...]
    color: str
    line: float = 0.8
    arrow: bool = True
    dashed: bool = False
    role: Role = "edge"
    kind: str = ""
    """The kind of the edge, by its name."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line; `y` is that of its middle."""

    x: float
    y: float
    text: str
    size: float
    color: str
    anchor: Anchor = "middle"
    bold: bool = False
    role: Role = "label"

    @property
    def width(self) -> float:
        return metrics.width(self.text, self.size, bold=self.bold)

    @property
    def left(self) -> float:
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        return self.x - share * self.width


Shape = Rect | Path | Text


@dataclass(slots=True)
class Scene:
    width: float
    height: float
    background: str
    shapes: list[Shape] = field(default_factory=list["Shape"])

    def smallest_type(self) -> float:
        """The smallest size of its text in points; 0 if there is none."""
        return min((s.size for s in self.shapes if isinstance(s, Text)), default=0.0)


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """The same shape elsewhere."""
    # `dataclasses.replace` takes some ten times as long, and this is called often
    if isinstance(shape, Path):
        points = tuple((x + dx, y + dy) for x, y in shape.points)
        return Path(
            points, shape.color, shape.line, shape.arrow, shape.dashed, shape.role,
            shape.kind,
        )  # fmt: skip
    if isinstance(shape, Rect):
        return Rect(
            shape.x + dx, shape.y + dy, shape.width, shape.height, shape.fill,
            shape.stroke, shape.role, shape.dashed, shape.title, shape.line,
        )  # fmt: skip
    return Text(
        shape.x + dx, shape.y + dy, shape.text, shape.size, shape.color, shape.anchor,
        shape.bold, shape.role,
    )  # fmt: skip
