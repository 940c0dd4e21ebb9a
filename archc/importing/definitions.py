"""A body whose numbers are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archc.importing.expressions import Expression
from archc.importing.pieces import Piece


@dataclass(slots=True)
class Definition:
    """A block, or the network."""

    name: str
    pieces: list[Piece]
    params: list[str] = field(default_factory=list[str])
    values: dict[str, dict[int, Any]] = field(default_factory=dict[str, dict[int, Any]])
    """What each parameter is in each instance."""
    let: dict[str, Expression] = field(default_factory=dict[str, Expression])
    """What is computed once from the parameters and from what the body reads."""
    defaults: dict[str, Any] = field(default_factory=dict[str, Any])
    said: set[str] = field(default_factory=set[str])
    """The parameters that uses say even where they have a default, if they are read."""
    widths: set[str] = field(default_factory=set[str])
    """The parameters that are numbers of channels."""
    inputs: list[str] = field(default_factory=list[str])
    """What it calls the values that it reads, where these are several."""
    outputs: list[str] = field(default_factory=list[str])
    """The nodes that give what it gives, where that is not the last one's."""
    base: str = ""
    """What the block is called if no other one before it is."""
    is_plain: bool = False
    """Whether it stands for sequences that have no class of their own."""
