"""Pictures in grids, whatever they show and however they are written."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A picture."""

    pixels: Tensor
    """3 x H x W bytes."""
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Pictures of one kind, in rows."""

    method: str
    """As `--method` calls it."""
    layer: str
    """The path of the layer that it is about; empty for one about the whole network."""
    title: str
    note: str
    """What the pictures show, and how their colours are to be read."""
    tiles: tuple[Tile, ...]
    columns: int
    size: int
    """How long the longer side of a picture is shown, in pixels."""


@dataclass(frozen=True, slots=True)
class About:
    """A layer, as the page lists it."""

    path: str
    op: str
    shape: str
    parameters: int


@dataclass(frozen=True, slots=True)
class Album:
    """All that was asked for of a network."""

    network: str
    title: str
    weights: str
    layers: tuple[About, ...]
    """In execution order."""
    grids: tuple[Grid, ...]
    notes: list[str] = field(default_factory=list[str])
    """What was left out, or done otherwise than one may think; a line each."""
