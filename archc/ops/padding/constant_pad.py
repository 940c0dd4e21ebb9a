"""The ops `constant_pad1d`, `constant_pad2d` and `constant_pad3d`."""

from __future__ import annotations

from archc.ops.base import Call
from archc.ops.padding.family import Pad, PadSides
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr


class _ConstantPad(Pad):
    """A number around a map."""

    padding: PadSides
    value: float

    @property
    def keeps_range(self) -> bool:
        return self.value == 0

    def module(self, x: Shape) -> Call:
        return self._construct(self.padding, self.value)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._told), {"value": self.value})


class ConstantPad2d(_ConstantPad):
    """A number around C x H x W: left, right, top, bottom (torch.nn.ConstantPad2d)."""

    op = "constant_pad2d"
    other_names = ("constant_pad",)
    module_class = "nn.ConstantPad2d"


class ConstantPad1d(_ConstantPad):
    """A number around C x L: before and behind (torch.nn.ConstantPad1d)."""

    op = "constant_pad1d"
    axes = 1
    module_class = "nn.ConstantPad1d"


class ConstantPad3d(_ConstantPad):
    """A number around C x D x H x W: left, right, top, bottom, front, back
    (torch.nn.ConstantPad3d)."""

    op = "constant_pad3d"
    axes = 3
    module_class = "nn.ConstantPad3d"
