"""How a chart shall look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from archc.draw.chart import Cell
from archc.draw.palette import MARKS, PALETTES, Palette, between

Direction = Literal["tb", "lr"]
NARROW, LESS_NARROW = 10.5, 14.0
"""How broad boxes may become where there is little room, in sizes of type."""


@dataclass(frozen=True, slots=True)
class Style:
    """Sizes are in points."""

    palette: Palette = field(default_factory=lambda: PALETTES["light"])
    small: float = 7.5
    """The smallest type."""
    direction: Direction = "tb"
    strips: int = 1
    """In how many columns, or from left to right in how many rows."""
    upward: bool = False
    """Whether frames are entered from below."""
    single_file: bool = False
    """Whether every box has a row of its own."""
    narrow: float = 0
    """How broad boxes may become, in sizes of type, so that what is said of loops
    stands behind other lines; sizes have lines of their own. 0 if both stand at the
    right."""
    figure: float = 0
    """How much higher than others the figure may be that is known for its kind of
    network; 0 if it is to be none."""
    broadest: float = 0
    """How broad a row may be before a box goes to the next; 0 for any."""
    details: int = 9
    """How many lines of fine print a box may have; below 0 not even what is left of
    others is said."""
    longest: float = 0
    """How long such a line may be, in points; 0 for any."""
    room: float = 0
    """How wide the picture may be; 0 if nothing is said."""
    legend: bool = True
    title: bool = True
    heat: Mapping[Cell, float] | None = None
    """For each box how much of the most expensive one's it costs, from 0 to 1."""
    scale: tuple[str, str, str, str] = ("", "", "", "")
    """What the heat shows, and the least, half of the most, and the most of it."""

    @property
    def text(self) -> float:
        return self.small * 1.15

    @property
    def line(self) -> float:
        """The height of a line."""
        return self.small * 1.25

    @property
    def gap(self) -> float:
        """Between rows that have plain links alone."""
        return self.small

    @property
    def lr(self) -> bool:
        return self.direction == "lr"

    @property
    def stacked(self) -> bool:
        """Whether a size has a line of its own."""
        return self.lr or self.narrow > 0

    @property
    def faint(self) -> str:
        """Of what is said beside the matter in boxes, which heat makes dark."""
        return self.palette.faint if self.heat is None else self.palette.ink

    def fill(self, cell: Cell) -> str:
        """The colour of a box."""
        colors = self.palette
        if cell.end:
            return colors.background
        if cell.mark is not None:
            return MARKS[cell.mark]
        if self.heat is not None:
            return between(colors.heat, self.heat.get(cell, 0.0))
        return colors.stage if cell.category is None else colors.fills[cell.category]
