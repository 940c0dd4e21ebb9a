"""The op `conv2d_same`."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from archc.ops.base import Call
from archc.ops.convolution.conv import Conv
from archc.ops.convolution.family import OTHER_ATTRIBUTES
from archc.ops.reach import PerAxis, over_map, window
from archc.ops.shapes import need_divisible, need_map, same_pads, same_sizes
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step


class Conv2dSame(Conv):
    """2-D convolution over C x H x W, padded by zeros as TensorFlow does to give
    size / stride, rounded up (torch.nn.Conv2d)."""

    # its code, and where the odd pixel goes, as in timm
    op = "conv2d_same"
    other_names = ("conv_same",)
    other_attributes = tuple(
        (other, here) for other, here in OTHER_ATTRIBUTES if here != "padding"
    )
    module_class = "Conv2dSame"
    starts_as = "conv2d"
    saves = frozenset({"weight", "steps between"})
    helper = '''\
class Conv2dSame(nn.Conv2d):
    """A convolution padded as TensorFlow does, to give size / stride, rounded up."""

    def forward(self, input: Tensor) -> Tensor:
        pad: list[int] = []
        for axis in (1, 0):
            size, stride = input.shape[2 + axis], self.stride[axis]
            window = self.dilation[axis] * (self.kernel_size[axis] - 1) + 1
            total = max((-(-size // stride) - 1) * stride + window - size, 0)
            pad += [total // 2, total - total // 2]
        return super().forward(nn.functional.pad(input, pad))
'''

    padding: ClassVar[int] = 0  # pyright: ignore[reportIncompatibleVariableOverride]
    padding_mode: ClassVar[str] = "zeros"  # pyright: ignore[reportIncompatibleVariableOverride]

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        need_divisible(self.op, "input channels", x.dims[0], self.groups, "groups")
        need_divisible(
            self.op, "output channels", self.out_channels, self.groups, "groups"
        )
        return Shape((self.out_channels, *same_sizes(self, x, self.stride)))

    def _pads(self, x: Shape) -> list[int]:
        """The pixels around each axis, both sides together."""
        settings = self.kernel_size, self.stride, self.dilation
        return same_pads(self, x, *settings)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        (x,) = inputs
        sizes = zip(x.sizes[1:], self._pads(x), strict=True)
        padded = (x.dims[0], *(size + pad for size, pad in sizes))
        return (Step(padded, layout="map"), replace(step, reads=(1,), keeps=(1,)))

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        before = tuple(pad // 2 for pad in self._pads(x))
        settings = (self.kernel_size, self.stride, before, self.dilation)
        each = zip(*map(self.each_axis, settings), strict=True)
        return over_map(*((window(*setting),) for setting in each))

    def module(self, x: Shape) -> Call:
        rest = self.given("kernel_size", "stride", "dilation", "groups", "bias")
        return self._construct(x.dims[0], self.out_channels, **rest)
