"""Ops that order numbers otherwise, or take some of them, without computing."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from archc.ops.base import (
    Call,
    Op,
    Shape,
    ShapeError,
    check_numbers,
    known,
    need_known,
    plain,
)
from archc.ops.code import Attribute, Axes, call
from archc.ops.functions import Function
from archc.ops.reach import (
    EVERYWHERE,
    Along,
    Everywhere,
    PerAxis,
)
from archc.ops.shapes import need_divisible, need_map
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr, Index, Slice, as_expr


class Flatten(Op):
    """Axes made one, the batch counted as axis 0 (torch.nn.Flatten)."""

    op = "flatten"
    category = "reshape"
    other_names = ("flat",)
    module_class = "nn.Flatten"
    joins_axes = True
    calls = (
        Function(
            "torch.flatten",
            also=("torch.Tensor.flatten",),
            signature="input start_dim=0 end_dim=-1",
        ),
    )
    symbols = (("start_dim", 1), ("end_dim", -1))
    drawn_ahead = True
    aliases = True

    start_dim: int = 1
    end_dim: int = -1

    def _range(self, x: Shape) -> tuple[int, int]:
        """The first and last axis to join, the batch not counted."""
        need_known("start_dim and end_dim", self.start_dim, self.end_dim)
        rank = len(x.dims)
        start, end = (
            (dim + rank if dim < 0 else dim - 1)
            for dim in (self.start_dim, self.end_dim)
        )
        for attribute, axis in (("start_dim", start), ("end_dim", end)):
            if not 0 <= axis < rank:
                raise ShapeError(
                    f"`flatten` with {attribute} = {getattr(self, attribute)}, but {x}"
                    f" has the axes 1 to {rank} (0 is the batch)",
                    code="bad-axis",
                    attribute=attribute,
                    help="start_dim = 1, end_dim = -1 joins all axes but the batch",
                )
        if start > end:
            raise ShapeError(
                f"`flatten` of {x} would start at axis {start + 1}, behind its end,"
                f" axis {end + 1}",
                code="bad-axis",
                attribute="start_dim",
                help="start_dim = 1, end_dim = -1 joins all axes but the batch",
            )
        return start, end

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        start, end = self._range(x)
        joined = x.dims[start]
        for size in x.dims[start + 1 : end + 1]:
            joined = joined * size
        axis = x.channel_axis
        axis = max(start, axis - (end - start)) if axis >= start else axis
        return Shape((*x.dims[:start], joined, *x.dims[end + 1 :]), axis)

    def reach(self, x: Shape, y: Shape) -> Everywhere | None:
        return EVERYWHERE if len(y.dims) < len(x.dims) else None

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        first, last = self._range(inputs[0])
        joins = (first + 1, last + 1)
        return (Step(y.dims, joins=joins, shares="view", fresh_gradient=False),)

    def module(self, x: Shape) -> Call:
        return self._construct(**self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        rest = self.given("end_dim")
        return Call("torch.flatten", (argument, self.start_dim), rest)


class Identity(Op):
    """The input, unchanged (torch.nn.Identity)."""

    op = "identity"
    category = "reshape"
    other_names = ("noop", "passthrough")
    module_class = "nn.Identity"
    calls = (
        Function(
            "torch.Tensor.contiguous",
            also=(
                "torch.Tensor.clone", "torch.clone", "torch.Tensor.to",
                "torch.Tensor.type", "torch.Tensor.type_as", "torch.Tensor.float",
                "torch.Tensor.double", "torch.Tensor.half", "torch.Tensor.bfloat16",
                "torch.Tensor.requires_grad_",
            ),
            passes=lambda settings: True,
        ),
    )  # fmt: skip
    unchanged = True
    aliases = True

    def module(self, x: Shape) -> Call:
        return self._construct()

    def function(self, x: Shape, argument: Expr) -> Expr:
        return argument


AxisOrder = Annotated[
    Any,
    PlainValidator(check_numbers),
    WithJsonSchema({"type": "array", "items": {"type": "integer"}}),
]


class Permute(Op):
    """Axes in another order, the batch first and counted (torch.permute)."""

    op = "permute"
    category = "reshape"
    other_names = ("transpose", "swapaxes", "moveaxis", "movedim")
    other_attributes = (("order", "dims"), ("perm", "dims"), ("axes", "dims"))
    module_class = "Permute"
    calls = (
        Function(
            "torch.permute", also=("torch.Tensor.permute",), signature="input *dims"
        ),
    )
    shows = (("dims", "{}"),)
    symbols = (("dims", (0, 2, 3, 1)),)
    aliases = True
    helper = '''\
class Permute(nn.Module):
    """Puts the axes into another order."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)
'''

    dims: AxisOrder

    @property
    def detail(self) -> str:
        return plain(self.dims)

    def _order(self, x: Shape) -> list[int]:
        """The axes of `x` in their new order, the batch first."""
        need_known("dims", *self.dims)
        rank = len(x.dims)
        order: list[int] = [d + rank + 1 if d < 0 else d for d in self.dims]
        if sorted(order) != list(range(rank + 1)) or order[0] != 0:
            raise ShapeError(
                f"`permute` with dims = {plain(self.dims)} is no order of the axes of"
                f" {x}: it must name 0, the batch, first, and then each of 1 to {rank}"
                " once",
                code="bad-axis",
                attribute="dims",
                help="dims = [0, 2, 3, 1] moves the channels of a map last",
            )
        return order

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        order = self._order(x)
        dims = tuple(x.dims[axis - 1] for axis in order[1:])
        return Shape(dims, order.index(x.channel_axis + 1) - 1)

    def reach(self, x: Shape, y: Shape) -> PerAxis:
        return tuple(Along(axis - 1) for axis in self._order(x)[1:])

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        rank = len(y.dims) + 1
        order = tuple(int(axis) % rank for axis in self.dims)
        return (Step(y.dims, shares="view", order=order, fresh_gradient=False),)

    def module(self, x: Shape) -> Call:
        return self._construct(self.dims)

    def function(self, x: Shape, argument: Expr) -> Expr:
        return call(Attribute(argument, "permute"), *map(as_expr, self.dims))


class ChannelShuffle(Op):
    """Channels of several groups interleaved (torch.nn.ChannelShuffle)."""

    op = "channel_shuffle"
    category = "reshape"
    axes = None
    other_names = ("shuffle", "shuffle_channels")
    module_class = "nn.ChannelShuffle"
    calls = (
        Function(
            "torch.nn.functional.channel_shuffle",
            also=("torch.channel_shuffle",),
            signature="input groups",
        ),
    )
    shows = (("groups", "groups {}"),)

    groups: int = Field(ge=1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # a GPU copies nothing where nothing changes places
        if device == "cuda" and self.groups in (1, y.dims[0]):
            return (Step(y.dims, shares="same", fresh_gradient=False),)
        return (Step(y.dims, layout="map"),)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        need_divisible(self.op, "channels", x.dims[0], self.groups, "groups")
        return x

    def module(self, x: Shape) -> Call:
        return self._construct(self.groups)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.channel_shuffle", (argument, self.groups))


class ChannelSlice(Op):
    """The channels from `start` up to, not including, `stop` (torch.Tensor.narrow)."""

    op = "channel_slice"
    category = "reshape"
    other_names = ("slice", "narrow")
    module_class = "ChannelSlice"
    calls = (Function("torch.Tensor.narrow", signature="input dim start length"),)
    shows = (("start", "from {}"), ("stop", "to {}"))
    aliases = True
    helper = '''\
class ChannelSlice(nn.Module):
    """Takes the channels from `start` up to, not including, `stop`."""

    def __init__(self, start: int, stop: int, dim: int = 1) -> None:
        super().__init__()
        self.start = start
        self.stop = stop
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.stop - self.start)
'''

    start: int = Field(default=0, ge=0)
    stop: int = Field(ge=1)

    @property
    def detail(self) -> str:
        return f"{self.start}:{self.stop}"

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # a view, but its gradient has zeros around it
        return (Step(y.dims, shares="view"),)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        start, stop = self.start, self.stop
        if known(start, stop) and stop <= start:
            raise ShapeError(
                f"`channel_slice` from {start} to {stop} is empty",
                code="bad-slice",
                attribute="stop",
                help="stop must be above start; the channel at stop is not taken",
            )
        if known(stop, x.channels) and stop > x.channels:
            raise ShapeError(
                f"`channel_slice` goes up to {stop}, but {x} has {x.channels} channels",
                code="bad-slice",
                attribute="stop",
                help=f"use a stop of at most {x.channels}",
            )
        return x.with_channels(stop - start)

    def module(self, x: Shape) -> Call:
        dim = {"dim": x.channel_axis + 1} if x.channel_axis else {}
        return self._construct(self.start, self.stop, **dim)

    def function(self, x: Shape, argument: Expr) -> Expr:
        start = None if self.start == 0 else as_expr(self.start)
        whole = Index(Attribute(argument, "shape"), Const(x.channel_axis + 1))
        stop = None if start is not None and self.stop == whole else as_expr(self.stop)
        return Axes(argument, x.channel_axis + 1, Slice(argument, start, stop, None))
