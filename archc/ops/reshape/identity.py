"""The op `identity`."""

from __future__ import annotations

from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr


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
