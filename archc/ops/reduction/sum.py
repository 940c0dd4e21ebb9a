"""The op `sum`."""

from __future__ import annotations

from dataclasses import replace

from archc.ops.reduction.family import Reduction, called, helper_class
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step


class Sum(Reduction):
    """The sum over axes, the batch counted as axis 0 (torch.sum)."""

    op = "sum"
    other_names = ("reduce_sum",)
    module_class = "Sum"
    helper = helper_class("Sum", "sum", "The sum")
    calls = called("sum")
    autocast = "widen"
    autocast_on_cpu = "widest"

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        # its gradient is spread over the input as a view
        return (replace(step, fresh_gradient=False),)

    @property
    def keeps_range(self) -> bool:
        return False
