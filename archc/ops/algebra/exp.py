"""The op `exp`."""

from __future__ import annotations

from archc.ops.algebra.family import Elementwise
from archc.ops.base import Call
from archc.ops.functions import Function, same_shape
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr


class Exp(Elementwise):
    """The exponential function (torch.exp)."""

    op = "exp"
    other_names = ("exponential",)
    module_class = "Exp"
    helper = '''\
class Exp(nn.Module):
    """The exponential function."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(x)
'''
    calls = (Function("torch.exp", also=("torch.Tensor.exp",), shape=same_shape),)
    saves = frozenset({"output"})
    autocast = "full"
    autocast_on_cpu = "widest"

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("torch.exp", (argument,))
