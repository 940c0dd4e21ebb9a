"""The op `add`."""

from __future__ import annotations

from functools import reduce

from archc.ops.functions import Function
from archc.ops.merge.family import Spreading, in_turn, shared_shape
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step
from archc.spec.expressions import Binary, Expr


class Add(Spreading):
    """The sum of inputs; an axis of one is spread over the others' (torch.add)."""

    op = "add"
    other_names = ("addition", "plus", "elementwise_add")
    verb = "add"
    commutative = True
    calls = (
        Function(
            "torch.Tensor.add",
            also=(
                "torch.add", "torch.Tensor.add_", "torch.Tensor.__iadd__",
                "torch.Tensor.__radd__",
            ),
            shape=shared_shape,
        ),
    )  # fmt: skip

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        return in_turn(inputs, Step(y.dims, spread=True, fresh_gradient=False))

    def combine(self, y: Shape, *arguments: Expr) -> Expr:
        return reduce(lambda a, b: Binary("+", a, b), arguments)
