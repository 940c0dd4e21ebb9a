"""The ops `zero_pad1d`, `zero_pad2d` and `zero_pad3d`."""

from __future__ import annotations

from archc.ops.base import Call
from archc.ops.padding.family import Pad
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr


class _ZeroPad(Pad):
    """Zeros around a map."""

    short = "zero pad"

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._told))


class ZeroPad2d(_ZeroPad):
    """Zeros around C x H x W: left, right, top, bottom (torch.nn.ZeroPad2d)."""

    op = "zero_pad2d"
    other_names = ("zero_padding", "zero_padding2d", "pad2d", "padding")
    special_names = tuple(
        (name, "padding = [-1, -1, -1, -1]")
        for name in ("crop", "center_crop", "cropping2d")
    )
    module_class = "nn.ZeroPad2d"


class ZeroPad1d(_ZeroPad):
    """Zeros around C x L: before and behind (torch.nn.ZeroPad1d)."""

    op = "zero_pad1d"
    axes = 1
    other_names = ("zero_padding1d", "pad1d")
    special_names = (("cropping1d", "padding = [-1, -1]"),)
    module_class = "nn.ZeroPad1d"


class ZeroPad3d(_ZeroPad):
    """Zeros around C x D x H x W: left, right, top, bottom, front, back
    (torch.nn.ZeroPad3d)."""

    op = "zero_pad3d"
    axes = 3
    other_names = ("zero_padding3d", "pad3d")
    special_names = (("cropping3d", "padding = [-1, -1, -1, -1, -1, -1]"),)
    module_class = "nn.ZeroPad3d"
