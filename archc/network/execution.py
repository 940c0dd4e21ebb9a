"""What a generated module does in one forward pass: its calls, and what it lets go of.

Tensors are numbered as they are made; the first are the inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from archc.network.graph import Layer


class Run(NamedTuple):
    """A layer is computed, or one step of a merge of more than two values."""

    layer: Layer
    reads: tuple[int, ...]
    makes: int
    in_place: bool
    together: object = None
    """The same for all values that one call gives, if it gives several."""


class Release(NamedTuple):
    """Nothing holds a tensor any longer: no variable, no call under way."""

    tensor: int


@dataclass(frozen=True, slots=True)
class Execution:
    """A forward pass in training."""

    events: tuple[Run | Release, ...]
    outputs: tuple[int, ...]
    """What is returned: the network's output, then that of each head."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call on tensors in evaluation: `nn.Conv2d`, `F.relu`, `.mean`, `+`."""

    layer: Layer
    name: str
    """As the module's code has it; of a module that is called, its class."""
    is_module: bool
