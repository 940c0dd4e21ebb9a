"""The op `permute`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from archc.ops.attributes import check_numbers, items, plain
from archc.ops.base import Call
from archc.ops.code import Attribute, call
from archc.ops.functions import Function
from archc.ops.reshape.family import Reordering
from archc.ops.sizes import Shape, ShapeError, need_known
from archc.spec.expressions import Expr, as_expr

AxisOrder = Annotated[
    Any,
    PlainValidator(check_numbers),
    WithJsonSchema({"type": "array", "items": {"type": "integer"}}),
]


class Permute(Reordering):
    """Axes in another order, the batch first and counted (torch.permute)."""

    op = "permute"
    other_names = ("moveaxis", "movedim")
    other_attributes = (("order", "dims"), ("perm", "dims"), ("axes", "dims"))
    module_class = "Permute"
    calls = (
        Function(
            "torch.permute", also=("torch.Tensor.permute",), signature="input *dims"
        ),
    )
    shows = (("dims", "{}"),)
    symbols = (("dims", (0, 2, 3, 1)),)
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

    def order(self, x: Shape) -> list[int]:
        dims = items(self.dims) or ()
        need_known("dims", *dims)
        rank = len(x.dims)
        what = "the channels" if x.channel_axis == 0 else "axis 1"
        order: list[int] = [d + rank + 1 if d < 0 else d for d in dims]
        if sorted(order) != list(range(rank + 1)) or order[0] != 0:
            raise ShapeError(
                f"`permute` with dims = {plain(self.dims)} is no order of the axes of"
                f" {x}: it must name 0, the batch, first, and then each of 1 to {rank}"
                " once",
                code="bad-axis",
                attribute="dims",
                help=f"dims = {plain([0, *range(2, rank + 1), 1])} moves {what} last",
            )
        return order

    def module(self, x: Shape) -> Call:
        return self._construct(self.dims)

    def function(self, x: Shape, argument: Expr) -> Expr:
        return call(
            Attribute(argument, "permute"), *map(as_expr, items(self.dims) or ())
        )
