"""The op `stochastic_depth`."""

from __future__ import annotations

from typing import Literal

from archc.ops.base import Call
from archc.ops.dropout.family import Dropping, masked, unchanged
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Extra, Step


class StochasticDepth(Dropping):
    """Drops a residual branch at random (torchvision.ops.StochasticDepth)."""

    op = "stochastic_depth"
    other_names = ("drop_path",)
    module_class = "StochasticDepth"
    helper = '''\
class StochasticDepth(nn.Module):
    """Zeroes whole samples ("row") or the whole batch ("batch") during training."""

    def __init__(self, p: float, mode: Literal["batch", "row"] = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        rows = x.shape[0] if self.mode == "row" else 1
        survival = 1.0 - self.p
        mask = x.new_empty([rows] + [1] * (x.ndim - 1)).bernoulli_(survival)
        if survival > 0.0:
            mask = mask / survival
        return x * mask
'''

    mode: Literal["batch", "row"] = "row"

    def module(self, x: Shape) -> Call:
        return self._construct(self.p, **self.given("mode"))

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        if self.p == 0:
            return unchanged(y)
        return masked(y, Extra((), per_sample=self.mode == "row"), inplace=False)
