"""What the ops of this family share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar

from archc.ops.base import Op
from archc.ops.functions import Sizes
from archc.ops.reach import Along, PerAxis, Read
from archc.ops.sizes import (
    MOST_AXES,
    UNKNOWN,
    Dim,
    Shape,
    ShapeError,
    Unknown,
    axis_names,
    known,
    value,
)
from archc.ops.steps import Step
from archc.spec.expressions import Binary, Expr


class Merge(Op):
    """What the merges share."""

    category = "merge"
    merges = True
    verb: ClassVar[str]
    """What it does to values, in messages: "cannot ... them"."""
    commutative: ClassVar[bool] = False
    """Whether the order of its inputs means nothing. Otherwise what a skip leads past
    its body comes first."""
    spreads: ClassVar[bool] = False
    """Whether an input that is one wide is spread over the others."""
    stacks_channels: ClassVar[bool] = False
    """Whether its output has the channels of all inputs together. Otherwise they have
    to agree, or be spread."""

    def combine(self, y: Shape, *arguments: Expr) -> Expr:
        """How `forward` computes it; `y` is the shape of what it gives.

        A merge of one value is that value.
        """
        raise NotImplementedError


MAX_TERMS = 256
"""How many values an expression merges: each operator nests the code one level more."""


def in_one_expression(op: str, inputs: tuple[Shape, ...]) -> None:
    if len(inputs) > MAX_TERMS:
        raise ShapeError(
            f"`{op}` merges {len(inputs):,} values; it takes at most {MAX_TERMS}",
            code="merge-mismatch",
            help="merge some of them first, in groups",
        )


def channel_axis(op: str, inputs: tuple[Shape, ...]) -> int | None:
    """The axis that holds the channels of all inputs that have any.

    Raises:
        ShapeError: `merge-mismatch`, where it is another one for each, or where they
            have not as many axes.
    """
    ranks = {len(x.dims) for x in inputs}
    found = {x.channel_axis for x in inputs} - {None}
    if len(ranks) > 1 or len(found) > 1:
        raise _mismatch(
            op,
            inputs,
            "their axes are not the same",
            "bring them into one form with flatten or permute",
        )
    return next(iter(found), None)


def agree(op: str, inputs: tuple[Shape, ...], axes: list[int]) -> list[Dim]:
    """The size all inputs have along each of `axes`.

    Raises:
        ShapeError: `merge-mismatch`, where two known sizes differ.
    """
    agreed: list[Dim] = []
    for axis in axes:
        sizes = [x.dims[axis] for x in inputs]
        numbers = [s for s in sizes if known(s)]
        if any(n != numbers[0] for n in numbers):
            raise _mismatch(op, inputs, *_difference(inputs[0], axis))
        stated = [s for s in sizes if not isinstance(s, Unknown)]
        agreed.append((numbers or stated or sizes)[0])
    return agreed


def _difference(x: Shape, axis: int) -> tuple[str, str]:
    axes = len(x.dims) - 1
    is_map = 1 <= axes <= MOST_AXES
    if axis == x.channel_axis:
        layer = f"conv{axes}d of kernel_size = 1" if is_map else "linear layer"
        return (
            "their channels differ",
            f"give them the same number of channels, for example with a {layer}",
        )
    if is_map and x.channel_axis is not None:
        behind_channels = axis - (axis > x.channel_axis)
        return (
            f"their {axis_names(axes)[behind_channels]}s differ",
            "look for a stride or padding that one of them has and the others lack",
        )
    return f"axis {axis + 1} differs", "bring them to one size"


def _mismatch(op: str, inputs: tuple[Shape, ...], why: str, help: str) -> ShapeError:
    shapes = [str(x) for x in inputs]
    listed = f"{', '.join(shapes[:-1])} and {shapes[-1]}"
    return ShapeError(
        f"`{op}` cannot merge {listed}: {why}", code="merge-mismatch", help=help
    )


def passed_on(x: Shape) -> tuple[Step, ...]:
    """A merge of one value is that value."""
    return (Step(x.dims, shares="same", fresh_gradient=False),)


def in_turn(inputs: tuple[Shape, ...], step: Step) -> tuple[Step, ...]:
    """The first two, then what came of them and the next; `step` as for two inputs."""
    count = len(inputs)
    if count == 1:
        return passed_on(inputs[0])
    dims = inputs[0].sizes
    steps: list[Step] = []
    left = 0
    for right in range(1, count):
        # two gates together can be smaller than what they are spread over
        dims = tuple(map(max, dims, inputs[right].sizes))
        reads = (left, right)
        keeps = reads if step.keeps else ()
        steps.append(replace(step, dims=dims, reads=reads, keeps=keeps))
        # the first step's output is numbered behind all inputs
        left = count + right - 1
    return tuple(steps)


def shared_shape(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    first, *others = tensors
    return first if others == [first] else None


class Spreading(Merge):
    """What merges share whose inputs are spread as torch does: an axis of one is as
    wide as the others'."""

    spreads = True

    def infer(self, *inputs: Shape) -> Shape:
        in_one_expression(self.op, inputs)
        axis = channel_axis(self.op, inputs)
        return value(tuple(_spread(self.op, inputs)), axis)

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        if len(x.dims) == 1 or x.dims == y.dims:
            return None
        # a gate's one position is read at every position that it is spread over
        return tuple(
            Along(axis, () if size == out else (Read(step=0),))
            for axis, (size, out) in enumerate(zip(x.dims, y.dims, strict=True))
        )


class OfTwo(Spreading):
    """What merges share that have a first and a second input."""

    sign: ClassVar[str]

    def infer(self, *inputs: Shape) -> Shape:
        if len(inputs) > 2:
            raise ShapeError(
                f"`{self.op}` takes two values, not {len(inputs):,}",
                code="merge-mismatch",
                help="merge some of them first",
            )
        return super().infer(*inputs)

    def combine(self, y: Shape, *arguments: Expr) -> Expr:
        return reduce(lambda a, b: Binary(self.sign, a, b), arguments)


def _spread(op: str, inputs: tuple[Shape, ...]) -> list[Dim]:
    """As `agree` on all axes, for inputs that may be one wide.

    Where nothing but symbols is left, each of them may stand for a 1, so that only one
    that all have in common is the size.
    """
    found: list[Dim] = []
    for axis in range(len(inputs[0].dims)):
        sizes = [x.dims[axis] for x in inputs]
        wide = [x for x in inputs if known(x.dims[axis]) and x.dims[axis] != 1]
        undecided = [size for size in sizes if not known(size)]
        if wide:
            found += agree(op, tuple(wide), [axis])
        elif undecided:
            alike = all(size == undecided[0] for size in undecided)
            found.append(undecided[0] if alike else UNKNOWN)
        else:
            found.append(1)
    return found
