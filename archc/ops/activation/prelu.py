"""The op `prelu`."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from archc.ops.activation.family import Activation
from archc.ops.functions import Function
from archc.ops.shapes import need_channels_first
from archc.ops.sizes import Dims, Shape, ShapeError, known
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr


class Prelu(Activation):
    """max(x, 0) + weight * min(x, 0), the weight one for all or one for each channel
    (torch.nn.PReLU)."""

    # He et al. 2015
    op = "prelu"
    other_names = ("parametric_relu",)
    module_class = "nn.PReLU"
    calls = (
        Function(
            "torch.nn.functional.prelu",
            also=("torch.prelu",),
            signature="input weight",
        ),
    )
    initializable = ("weight",)
    saves = frozenset({"input", "weight"})
    gradient_as_read = True
    autocast = "low"

    num_parameters: int = Field(default=1, ge=1)
    init: float = 0.25

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        count = self.num_parameters
        if not known(count) or count == 1:
            return x
        need_channels_first(self.op, x)
        if known(x.channels) and count != x.channels:
            raise ShapeError(
                f"`prelu` with num_parameters = {count} needs so many channels, but"
                f" reads {x}",
                attribute="num_parameters",
                help='write num_parameters = "in_channels", or leave it out for one'
                " that all channels share",
            )
        return x

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (self.num_parameters,)}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, spreads_weight=True, makes_both=True),)

    def function(self, x: Shape, argument: Expr) -> None:
        return None
