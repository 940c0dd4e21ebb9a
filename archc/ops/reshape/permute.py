"""The op `permute`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from archc.ops.base import Call, Op, Shape, ShapeError, check_numbers, need_known, plain
from archc.ops.code import Attribute, call
from archc.ops.functions import Function
from archc.ops.reach import Along, PerAxis
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr, as_expr

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
