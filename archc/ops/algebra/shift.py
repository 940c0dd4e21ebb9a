"""The op `shift`."""

from __future__ import annotations

from typing import cast

from archc.ops.algebra.family import Elementwise
from archc.ops.base import Call
from archc.ops.sizes import Shape
from archc.spec.expressions import Binary, Expr, as_expr


class Shift(Elementwise):
    """x + offset, for an offset that is not learned (torch.add)."""

    op = "shift"
    other_attributes = (("value", "offset"), ("other", "offset"))
    module_class = "Shift"
    helper = '''\
class Shift(nn.Module):
    """Adds a constant."""

    def __init__(self, offset: float) -> None:
        super().__init__()
        self.offset = offset

    def forward(self, x: Tensor) -> Tensor:
        return x + self.offset
'''
    shows = (("offset", "plus {}"),)

    offset: float

    @property
    def detail(self) -> str:
        return f"+{self.offset}"

    def module(self, x: Shape) -> Call:
        return self._construct(self.offset)

    def function(self, x: Shape, argument: Expr) -> Expr:
        # an expression, where it is a block's parameter
        offset = cast("object", self.offset)
        if isinstance(offset, int | float) and offset < 0:
            return Binary("-", argument, as_expr(-offset))
        return Binary("+", argument, as_expr(self.offset))
