"""The op `constant_pad2d`."""

from __future__ import annotations

from archc.ops.base import Call, Shape
from archc.ops.padding.family import Pad, PadSides
from archc.spec.expressions import Expr


class ConstantPad2d(Pad):
    """A number around C x H x W: left, right, top, bottom (torch.nn.ConstantPad2d)."""

    op = "constant_pad2d"
    other_names = ("constant_pad",)
    module_class = "nn.ConstantPad2d"

    padding: PadSides
    value: float

    @property
    def keeps_range(self) -> bool:
        return self.value == 0

    def module(self, x: Shape) -> Call:
        return self._construct(self.padding, self.value)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides), {"value": self.value})
