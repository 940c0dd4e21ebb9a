"""torch's functions that ops end up calling, for whoever listens to a forward pass.

The same computation is called in several ways, and functions that are written in C
cannot be asked for their arguments. What an op knows of that stands here as data;
`run/verify/` is what uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Sizes = tuple[int, ...]
"""The shape of a tensor, the batch included."""
Counted = Literal["convolution", "transposed convolution", "linear"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function, by the name that torch resolves it to."""

    name: str
    also: tuple[str, ...] = ()
    """Other functions that compute the same."""
    signature: str = ""
    """Arguments in their order, with `=` and the default where there is one; only for
    a function that cannot be asked. A `*` stands before one that takes all the rest."""
    settle: Callable[[dict[Any, Any]], None] | None = None
    """Puts settings that mean the same into one form."""
    shape: Callable[[Sequence[Sizes], Mapping[str, Any]], Sizes | None] | None = None
    """The result's shape from those of its tensors and its settings, None where torch
    has to be asked: on meta tensors it takes long for some, and loads its compiler."""
    passes: Callable[[Mapping[str, Any]], bool] | None = None
    """Whether it gives what it reads, with these settings, if that is the same type."""
    writes: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    """Which of its arguments it overwrites, with these settings, beside an in-place
    form's; torch is asked where there is no `shape`."""
    joins: bool = False
    """Whether it puts its `tensors` one after the other, along the axis `dim`."""
    counted: Counted | None = None
    """Which formula counts its multiply-adds."""


def same_shape(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes:
    """What computes number by number."""
    return tensors[0]
