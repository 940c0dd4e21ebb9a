"""What the ops of this family share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from archc.ops.base import Call, Op
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step


class Elementwise(Op):
    """What functions of each number share."""

    category = "activation"
    drawn_always = True
    scratch: ClassVar[int] = 0
    """How many tensors there are beside the gradient while torch works it out."""

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, scratch=self.scratch),)

    def module(self, x: Shape) -> Call:
        return self._construct(**self._settings())

    def _settings(self) -> dict[str, Any]:
        return self.given()
