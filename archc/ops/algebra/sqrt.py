"""The op `sqrt`."""

from __future__ import annotations

from archc.ops.algebra.family import Elementwise
from archc.ops.base import Call
from archc.ops.functions import Function, same_shape
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr


class Sqrt(Elementwise):
    """The square root (torch.sqrt)."""

    op = "sqrt"
    other_names = ("square_root",)
    module_class = "Sqrt"
    helper = '''\
class Sqrt(nn.Module):
    """The square root."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sqrt(x)
'''
    calls = (Function("torch.sqrt", also=("torch.Tensor.sqrt",), shape=same_shape),)
    saves = frozenset({"output"})
    scratch = 1

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("torch.sqrt", (argument,))
