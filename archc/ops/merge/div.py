"""The op `div`."""

from __future__ import annotations

from archc.ops.functions import Function
from archc.ops.merge.family import OfTwo, passed_on, shared_shape
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step


class Div(OfTwo):
    """The first input by the second; one may be a gate, C x 1 x 1 or 1 x H x W
    (torch.div)."""

    op = "div"
    other_names = ("divide", "true_divide", "quotient")
    verb = "divide"
    sign = "/"
    calls = (
        Function(
            "torch.Tensor.div",
            also=(
                "torch.div", "torch.divide", "torch.true_divide",
                "torch.Tensor.__truediv__", "torch.Tensor.__itruediv__",
            ),
            shape=shared_shape,
        ),
    )  # fmt: skip
    saves = frozenset({"input"})

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        if len(inputs) == 1:
            return passed_on(y)
        return (
            Step(y.dims, (0, 1), keeps=(0, 1), spread=True, divides=True, scratch=3),
        )
