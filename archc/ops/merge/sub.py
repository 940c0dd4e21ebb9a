"""The op `sub`."""

from __future__ import annotations

from archc.ops.functions import Function
from archc.ops.merge.family import OfTwo, passed_on, shared_shape
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step


class Sub(OfTwo):
    """The first input less the second; one may be a gate, C x 1 x 1 or 1 x H x W
    (torch.sub)."""

    op = "sub"
    other_names = ("subtract", "minus", "difference")
    verb = "subtract"
    sign = "-"
    calls = (
        Function(
            "torch.Tensor.sub",
            also=("torch.sub", "torch.subtract", "torch.Tensor.__isub__"),
            shape=shared_shape,
        ),
    )

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        if len(inputs) == 1:
            return passed_on(y)
        # the gradient that comes is handed on to the first, and negated for the second
        return (
            Step(y.dims, reads=(1,), shares="same", spread=True),
            Step(y.dims, reads=(0, 2), spread=True, fresh_gradient=False),
        )
