"""The op `mul`."""

from __future__ import annotations

from functools import reduce

from archc.ops.functions import Function
from archc.ops.merge.family import Spreading, in_turn, shared_shape
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step
from archc.spec.expressions import Binary, Expr


class Mul(Spreading):
    """The product of inputs; a C x 1 x 1 or 1 x H x W one is a gate (torch.mul)."""

    op = "mul"
    other_names = ("multiply", "product", "times", "elementwise_mul")
    verb = "multiply"
    commutative = True
    calls = (
        Function(
            "torch.Tensor.mul",
            also=(
                "torch.mul", "torch.Tensor.mul_", "torch.Tensor.__imul__",
                "torch.Tensor.__rmul__",
            ),
            shape=shared_shape,
        ),
    )  # fmt: skip
    saves = frozenset({"input"})

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        return in_turn(inputs, Step(y.dims, keeps=(0, 1), spread=True))

    def combine(self, y: Shape, *arguments: Expr) -> Expr:
        return reduce(lambda a, b: Binary("*", a, b), arguments)
