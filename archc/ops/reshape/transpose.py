"""The op `transpose`."""

from __future__ import annotations

from archc.ops.base import Call
from archc.ops.code import Attribute, call
from archc.ops.functions import Function
from archc.ops.reshape.family import Reordering
from archc.ops.shapes import axis_of
from archc.ops.sizes import Shape, need_known
from archc.spec.expressions import Expr, as_expr


class Transpose(Reordering):
    """Two axes in each other's place, the batch counted as axis 0 (torch.transpose)."""

    op = "transpose"
    other_names = ("swapaxes", "swapdims")
    other_attributes = (("axis0", "dim0"), ("axis1", "dim1"))
    module_class = "Transpose"
    calls = (
        Function(
            "torch.Tensor.transpose",
            also=("torch.transpose",),
            signature="input dim0 dim1",
        ),
    )
    shows = (("dim0", "{}"), ("dim1", "with {}"))
    symbols = (("dim0", 1), ("dim1", -1))
    helper = '''\
class Transpose(nn.Module):
    """Puts two axes in each other's place."""

    def __init__(self, dim0: int, dim1: int) -> None:
        super().__init__()
        self.dim0 = dim0
        self.dim1 = dim1

    def forward(self, x: Tensor) -> Tensor:
        return x.transpose(self.dim0, self.dim1)
'''

    dim0: int
    dim1: int

    @property
    def detail(self) -> str:
        return f"{self.dim0}, {self.dim1}"

    def order(self, x: Shape) -> list[int]:
        need_known("dim0 and dim1", self.dim0, self.dim1)
        one = axis_of(self.op, self.dim0, x, "dim0") + 1
        other = axis_of(self.op, self.dim1, x, "dim1") + 1
        order = list(range(len(x.dims) + 1))
        order[one], order[other] = other, one
        return order

    def module(self, x: Shape) -> Call:
        return self._construct(self.dim0, self.dim1)

    def function(self, x: Shape, argument: Expr) -> Expr:
        over = map(as_expr, (self.dim0, self.dim1))
        return call(Attribute(argument, "transpose"), *over)
