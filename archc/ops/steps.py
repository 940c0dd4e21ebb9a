"""An op as torch's autograd sees it: the calls that it records, what it keeps of each.

Most ops are one call. Some are several: local response normalisation squares, pads,
pools, scales and divides, and each of these keeps something of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Device = Literal["cuda", "cpu"]

Cast = Literal["low", "full", "widest", "promote", "widen", "back"]
"""What autocast does with a call.

`low` converts all that it reads to half precision, `full` to single precision.
`widest` leaves it, and the output is as wide as the widest of what is read. `promote`
leaves it too, but a parameter in single precision makes the output one. `widen` leaves
it, and the output is in single precision. `back` converts to what the op read first."""

Layout = Literal["kept", "map", "ordered"]
"""How a new tensor's numbers lie in memory: as those of what is read first, without its
gaps; with the channels last where they are last there, and otherwise in order; always
in order."""

Sharing = Literal["same", "view", "overwritten"]
"""How an output has the memory of what is read first: it is that tensor, or a view of
it, or what was written there in its place."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A tensor that is kept and that nobody else has: indices, a mask, statistics."""

    dims: tuple[Any, ...]
    itemsize: int | None = None
    """Bytes of a number; None for those of the output."""
    per_sample: bool = True
    """Whether the batch is an axis of it as well."""
    for_gradient: bool = False
    """Whether it is only made where a gradient will be."""


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded call.

    It names tensors by number: the op's inputs from 0, then the output of each step.
    """

    dims: tuple[Any, ...]
    """The output's, without the batch."""
    reads: tuple[int, ...] = (0,)
    keeps: tuple[int, ...] = ()
    """Those of them, or its own output, that autograd keeps."""
    extra: tuple[Extra, ...] = ()
    trains: bool = False
    """Whether the op's parameters come in here."""
    keeps_weight: bool = False
    """Whether the weight is kept, which counts where autocast made a copy of it."""
    weight_for_input: bool = False
    """Whether that is only for the gradient of what is read, which may need none."""
    holds: tuple[int, ...] = ()
    """What else a variable of torch's own holds until this call is done."""
    shares: Sharing | None = None
    """Where the numbers do not lie in the step's layout, a copy takes its place."""
    layout: Layout = "kept"
    gradient_as_read: bool | None = None
    """Whether the gradient of what is read lies as that does, or else as the gradient
    that comes; None for the latter where the layout is kept, and else the former."""
    order: tuple[int, ...] = ()
    """For a view with its axes in another order: which they are, the batch first."""
    joins: tuple[int, int] | None = None
    """For a view that makes one of these axes, the batch counted, and all in between;
    where they do not lie in a row, a copy takes its place."""
    reshapes: bool = False
    """For a view with its numbers in their order on other axes; where they do not lie
    so, a copy takes its place."""
    expands: bool = False
    """For a view whose axes of one are wider, each number in several places."""
    rows: tuple[int, int] | None = None
    """The axes that are one to the call, going back: the batch counted, and all in
    between."""
    spreads_weight: bool = False
    """Whether the weight's gradient is made at the output's size and then summed up."""
    makes_both: bool = False
    """Whether it comes with the gradient of what is read, needed or not."""
    bias_first: bool = False
    """Whether torch has the gradient of the bias before that of the weight."""
    weight_as_map: bool = False
    """Whether the gradient of the weight lies as the map that is read does."""
    per_sample: bool = True
    """Whether the output has an axis for the batch."""
    fresh_gradient: bool = True
    """Whether going back makes new tensors; otherwise the gradient that comes is
    handed on, whole or as a view."""
    spread: bool = False
    """Whether a gradient is made at the output's size and then summed up."""
    divides: bool = False
    """Whether it divides by what is read last, which is then kept for its own gradient
    as well."""
    scratch: int = 0
    """How many more tensors of the output's size there are while going back,"""
    siblings: int = 0
    """How many more values the call gives. Going back it makes a gradient of them all,
    with zeros for those that none has come for."""
    part: tuple[Any, ...] | None = None
    """or of this one, that of a part of the output which was written to."""
    temporary: tuple[Extra, ...] = ()
    """Tensors of other sizes and types that there are as well while going back."""
    cast: Cast = "widest"


def source(number: int, inputs: int, steps: Sequence[Step]) -> int:
    """The tensor whose memory this one has: itself, or what it is a view of.

    Where a step copies what does not lie in a row, it counts as a view all the same.
    """
    while number >= inputs:
        step = steps[number - inputs]
        if step.shares not in ("same", "view") and step.joins is None:
            break
        number = step.reads[0]
    return number
