"""A body whose numbers are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archc.importing.pieces import Piece


@dataclass(slots=True)
class Definition:
    """A block, or the network."""

    name: str
    pieces: list[Piece]
    params: list[str] = field(default_factory=list[str])
    values: dict[str, dict[int, Any]] = field(default_factory=dict[str, dict[int, Any]])
    """What each parameter is in each instance."""
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    widths: set[str] = field(default_factory=set[str])
    """The parameters that are numbers of channels."""
    inputs: list[str] = field(default_factory=list[str])
    """What it calls the values that it reads, where these are several."""
    outputs: list[str] = field(default_factory=list[str])
    """The nodes that give what it gives, where that is not the last one's."""
    is_plain: bool = False
    """Whether it stands for sequences that have no class of their own."""
