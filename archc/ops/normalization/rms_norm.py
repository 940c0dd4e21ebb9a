"""The op `rms_norm`."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from archc.ops.normalization.family import NormalizedShape, OverLastAxes
from archc.ops.sizes import Dims, Shape
from archc.ops.steps import Device, Extra, Step


class RmsNorm(OverLastAxes):
    """Division by the root of the mean square over the last axes, by default one
    (torch.nn.RMSNorm)."""

    # Zhang and Sennrich 2019
    op = "rms_norm"
    other_names = ("root_mean_square_norm",)
    module_class = "nn.RMSNorm"
    initializable = ("weight",)

    normalized_shape: NormalizedShape = Field(default=None, description="the last axis")
    eps: float | None = Field(
        default=None, ge=0, description="the smallest step above 1"
    )
    elementwise_affine: bool = True

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": self._shape(x)} if self.elementwise_affine else {}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        rest = y.dims[: len(y.dims) - len(self._shape(y))]
        if device == "cuda":
            (step,) = super().steps(inputs, y, device=device, inplace=inplace)
            return (replace(step, extra=(Extra(rest, 4),)),)
        one = (*rest, *(1,) * (len(y.dims) - len(rest)))
        # call by call, in single precision, and then as it was
        steps = [
            Step(y.dims, shares="same", fresh_gradient=False, cast="full"),
            Step(y.dims, reads=(1,), keeps=(1,), scratch=2),
            Step(one, reads=(2,)),
            # in place, and the squares are there until the root is
            Step(one, reads=(3,), shares="same", fresh_gradient=False),
            Step(one, reads=(4,), keeps=(5,), holds=(2,), scratch=2),
            Step(y.dims, reads=(1, 5), keeps=(1, 5), spread=True),
        ]
        if self.elementwise_affine:
            steps.append(
                Step(
                    y.dims,
                    reads=(6,),
                    keeps=(6,),
                    trains=True,
                    keeps_weight=True,
                    spreads_weight=True,
                )
            )
        last = len(steps)
        # the result is put in order, but for one with the channels last; a variable
        # has the root to the end
        done = Step(
            y.dims,
            reads=(last,),
            holds=(5,),
            shares="same",
            layout="map",
            fresh_gradient=False,
            cast="back",
        )
        return (*steps, done)
