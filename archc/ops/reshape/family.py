"""What the ops of this family share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from math import prod
from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from archc.ops.attributes import check_numbers, items, plain
from archc.ops.base import Op
from archc.ops.reach import Along, PerAxis
from archc.ops.sizes import UNKNOWN, Dim, Dims, Shape, known
from archc.ops.steps import Device, Step


class Reordering(Op):
    """What ops share that put the axes into another order."""

    category = "reshape"
    aliases = True

    @abstractmethod
    def order(self, x: Shape) -> list[int]:
        """The axes of `x` in their new order, the batch counted, which stays first.

        Raises:
            ShapeError: `bad-axis`, where it has no such axes.
        """

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        order = self.order(x)
        dims = tuple(x.dims[axis - 1] for axis in order[1:])
        channels = x.channel_axis
        if channels is not None:
            channels = order.index(channels + 1) - 1
        return Shape(dims, channels)

    def reach(self, x: Shape, y: Shape) -> PerAxis:
        return tuple(Along(axis - 1) for axis in self.order(x)[1:])

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        order = tuple(self.order(inputs[0]))
        return (Step(y.dims, shares="view", order=order, fresh_gradient=False),)


# ---- axes whose numbers stay in their order


REST = -1
"""A size that is what the others leave."""


def _check_sizes(value: Any) -> tuple[int, ...]:
    sizes = check_numbers(value)
    if any(size < 1 and size != REST for size in sizes) or sizes.count(REST) > 1:
        raise PydanticCustomError(
            "sizes",
            "has sizes below 1, or more than one -1: {value}",
            {"value": plain(value), "help": "one -1 is what the other sizes leave"},
        )
    return sizes


def _check_sizes_or_kept(value: Any) -> tuple[int, ...]:
    sizes = check_numbers(value)
    if any(size < 1 and size != REST for size in sizes):
        raise PydanticCustomError(
            "sizes",
            "has sizes below 1: {value}",
            {"value": plain(value), "help": "-1 keeps an axis as it is"},
        )
    return sizes


_SCHEMA = WithJsonSchema({"type": "array", "items": {"type": "integer", "minimum": -1}})
Sizes = Annotated[Any, PlainValidator(_check_sizes), _SCHEMA]
"""Sizes of axes, of which one may be left to be worked out."""
SizesOrKept = Annotated[Any, PlainValidator(_check_sizes_or_kept), _SCHEMA]
"""Sizes of axes, -1 for each that stays as it is."""


def rest_of(sizes: Dims) -> int | None:
    """The axis whose size is what the others leave."""
    return next((n for n, s in enumerate(sizes) if known(s) and s == REST), None)


class Laid(Op):
    """What ops share that are told sizes, of which -1 is none.

    On symbols, each of them is a size: `as_met` puts -1 where one stands for that.
    """

    sizes_key: ClassVar[str] = "sizes"
    ones_matter: ClassVar[bool] = False
    """Whether the channels go to the last axis that is not one."""

    @property
    def given_sizes(self) -> tuple[Any, ...]:
        return items(getattr(self, self.sizes_key)) or ()

    @property
    def detail(self) -> str:
        return plain(getattr(self, self.sizes_key))

    def as_met(self, met: Sequence[Op], y: Shape | None) -> Op:
        seen = [op.given_sizes for op in met if isinstance(op, Laid)]
        if not seen or len({len(sizes) for sizes in seen}) > 1:
            return self
        each = zip(self.given_sizes, zip(*seen, strict=True), strict=False)
        told = (REST, 1) if self.ones_matter else (REST,)
        sizes = tuple(_size_met(size, there, told) for size, there in each)
        return self.model_copy(update={self.sizes_key: sizes})


def _size_met(size: Dim, there: tuple[int, ...], told: tuple[int, ...]) -> Dim:
    """A symbol, or the number where it is one of those that are to be told."""
    if known(size) or not set(told) & set(there):
        return size
    return there[0] if len(set(there)) == 1 else UNKNOWN


def is_one(size: Dim) -> bool:
    """Whether a size is known to be 1."""
    return known(size) and size == 1


def innermost(sizes: Dims) -> int:
    """The last axis that is not written as 1: groups come first, and what they hold
    behind them."""
    return max((n for n, size in enumerate(sizes) if not is_one(size)), default=0)


def parted(
    old: tuple[int, ...], new: tuple[int, ...]
) -> Iterator[tuple[list[int], list[int]]]:
    """Which axes became which, where as many numbers are laid out anew, in parts as
    small as can be: (512, 49) to (2, 256, 7, 7) is [0] to [0, 1] and [1] to [2, 3].

    Axes of one are in no part.
    """
    left = [axis for axis, size in enumerate(old) if size != 1]
    right = [axis for axis, size in enumerate(new) if size != 1]
    while left:
        before, behind = [left.pop(0)], [right.pop(0)]
        while (a := prod(old[n] for n in before)) != (
            b := prod(new[n] for n in behind)
        ):
            if a < b:
                before.append(left.pop(0))
            else:
                behind.append(right.pop(0))
        yield before, behind


def single(old: tuple[int, ...], axis: int, new: tuple[int, ...]) -> int | None:
    """Where an axis of one is: at an axis of one that has as much before it."""
    before = prod(old[:axis])
    return next(
        (n for n, size in enumerate(new) if size == 1 and prod(new[:n]) == before), None
    )
