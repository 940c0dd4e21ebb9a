"""The op `reflection_pad2d`."""

from __future__ import annotations

from archc.ops.base import Shape, ShapeError, axis_names, known
from archc.ops.padding.family import EdgePad


class ReflectionPad2d(EdgePad):
    """The map mirrored at its edges around C x H x W: left, right, top, bottom
    (torch.nn.ReflectionPad2d)."""

    op = "reflection_pad2d"
    other_names = ("reflection_pad", "reflect_pad", "mirror_pad")
    module_class = "nn.ReflectionPad2d"
    mode = "reflect"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        y = super().infer(x)
        for axis, around in enumerate(self._along()):
            size = x.dims[1 + axis]
            if known(size, *around) and max(around) >= size:
                raise ShapeError(
                    f"`{self.op}` mirrors {max(around)} pixels, but the"
                    f" {axis_names(len(x.dims) - 1)[axis]} of {x} has only {size - 1}"
                    " beside its edge",
                    code="bad-padding",
                    attribute="padding",
                    help=f"use a padding of at most {size - 1}, or replication_pad2d",
                )
        return y
