"""The op `scale`."""

from __future__ import annotations

from archc.ops.algebra.family import Elementwise
from archc.ops.base import Call
from archc.ops.sizes import Shape
from archc.spec.expressions import Binary, Expr, as_expr


class Scale(Elementwise):
    """x * factor, for a factor that is not learned (torch.mul)."""

    op = "scale"
    special_names = (("neg", "factor = -1"), ("negative", "factor = -1"))
    other_attributes = (("scale", "factor"), ("value", "factor"))
    module_class = "Scale"
    helper = '''\
class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor
'''
    shows = (("factor", "times {}"),)

    factor: float

    @property
    def detail(self) -> str:
        return f"by {self.factor}"

    def module(self, x: Shape) -> Call:
        return self._construct(self.factor)

    def function(self, x: Shape, argument: Expr) -> Expr:
        return Binary("*", argument, as_expr(self.factor))
