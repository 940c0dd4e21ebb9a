"""The op `pow`."""

from __future__ import annotations

from archc.ops.algebra.family import Elementwise
from archc.ops.base import Call
from archc.ops.functions import Function, same_shape
from archc.ops.sizes import Shape
from archc.spec.expressions import Binary, Expr, as_expr


class Pow(Elementwise):
    """x ** exponent (torch.pow)."""

    op = "pow"
    other_names = ("power",)
    special_names = (("square", "exponent = 2"), ("reciprocal", "exponent = -1"))
    other_attributes = (("power", "exponent"), ("p", "exponent"))
    module_class = "Pow"
    helper = '''\
class Pow(nn.Module):
    """Raises to a power."""

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, x: Tensor) -> Tensor:
        return x**self.exponent
'''
    calls = (
        Function(
            "torch.Tensor.pow",
            also=("torch.pow", "torch.Tensor.__pow__"),
            signature="input exponent",
            shape=same_shape,
        ),
    )
    saves = frozenset({"input"})
    scratch = 2
    autocast = "full"
    autocast_on_cpu = "widest"
    shows = (("exponent", "to the {}"),)

    exponent: float

    @property
    def detail(self) -> str:
        return f"{self.exponent}"

    def module(self, x: Shape) -> Call:
        return self._construct(self.exponent)

    def function(self, x: Shape, argument: Expr) -> Expr:
        return Binary("**", argument, as_expr(self.exponent))
