"""The ops `reflection_pad1d`, `reflection_pad2d` and `reflection_pad3d`."""

from __future__ import annotations

from archc.ops.padding.family import EdgePad, along, check_mirrored
from archc.ops.sizes import Shape


class _ReflectionPad(EdgePad):
    """A map mirrored at its edges."""

    mode = "reflect"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        y = super().infer(x)
        instead = self.op.replace("reflection", "replication")
        for axis, around in enumerate(along(self._sides), 1):
            check_mirrored(self, "padding", x, axis, around, instead)
        return y


class ReflectionPad2d(_ReflectionPad):
    """The map mirrored at its edges around C x H x W: left, right, top, bottom
    (torch.nn.ReflectionPad2d)."""

    op = "reflection_pad2d"
    other_names = ("reflection_pad", "reflect_pad", "mirror_pad")
    module_class = "nn.ReflectionPad2d"


class ReflectionPad1d(_ReflectionPad):
    """The sequence mirrored at its ends around C x L: before and behind
    (torch.nn.ReflectionPad1d)."""

    op = "reflection_pad1d"
    axes = 1
    module_class = "nn.ReflectionPad1d"


class ReflectionPad3d(_ReflectionPad):
    """The volume mirrored at its sides around C x D x H x W: left, right, top, bottom,
    front, back (torch.nn.ReflectionPad3d)."""

    op = "reflection_pad3d"
    axes = 3
    module_class = "nn.ReflectionPad3d"
    autocast_on_cpu = "widest"  # the CPU's list lacks it (ATen/autocast_mode.cpp)
