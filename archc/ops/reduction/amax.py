"""The op `amax`."""

from __future__ import annotations

from dataclasses import replace

from archc.ops.reduction.family import Reduction, called, helper_class
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Extra, Step


class Amax(Reduction):
    """The largest number over axes, the batch counted as axis 0 (torch.amax)."""

    op = "amax"
    other_names = ("reduce_max",)
    module_class = "Amax"
    helper = helper_class("Amax", "amax", "The largest number")
    calls = called("amax")
    saves = frozenset({"input", "output"})

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        # where the largest are, how many, and the gradient that each of them gets
        beside = (Extra(inputs[0].dims, 1), Extra(y.dims, 8), Extra(y.dims))
        return (replace(step, temporary=beside),)
