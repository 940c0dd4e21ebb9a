"""What a training step records: tensors, the calls that made them, and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from archc.measure.layout import Strides
from archc.measure.ledger import Storage
from archc.network.graph import Layer
from archc.ops.steps import Step

FULL, HALF = 4, 2
"""Bytes of a number."""
Weights = tuple[tuple[int, ...], ...]
"""The shapes of parameters."""


@dataclass(slots=True, eq=False)
class Tensor:
    """A value at run time; `call` made it, if it needs a gradient."""

    storage: Storage
    dims: tuple[int, ...]
    itemsize: int
    strides: Strides
    per_sample: bool = True
    call: Call | None = None
    base: Tensor | None = None
    """What it is a view of."""
    part: int = 0
    """Which of its call's values it is."""


class Gradient(NamedTuple):
    """Of what a call made: where it is, and how it lies there."""

    storage: Storage
    strides: Strides


@dataclass(slots=True, eq=False)
class Call:
    """A recorded call; it lives as long as what it made, or what was made of that."""

    layer: Layer | None
    step: Step
    reads: tuple[Tensor, ...]
    itemsize: int
    kept: list[Storage]
    weights: Weights = ()
    outputs: int = 1
    holders: int = 1
    """Its outputs, and the calls that have read them."""
