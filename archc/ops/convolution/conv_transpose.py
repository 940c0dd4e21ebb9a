"""The ops `conv_transpose1d`, `conv_transpose2d` and `conv_transpose3d`."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from pydantic import Field

from archc.ops.attributes import Padding, Size
from archc.ops.base import Call, Op
from archc.ops.convolution.family import OTHER_ATTRIBUTES, SHOWS, WINDOW
from archc.ops.functions import Function
from archc.ops.reach import PerAxis, over_map, spread
from archc.ops.shapes import need_divisible, need_map
from archc.ops.sizes import Dim, Dims, Shape, ShapeError, known
from archc.ops.steps import Device, Step


def _transposed(name: str) -> tuple[Function, ...]:
    return (
        Function(
            f"torch.{name}",
            also=(f"torch.nn.functional.{name}",),
            signature=f"{WINDOW} output_padding=0 groups=1 dilation=1",
            counted="transposed convolution",
        ),
    )


class _ConvTranspose(Op):
    """Transposed convolution of a map."""

    category = "convolution"
    other_attributes = OTHER_ATTRIBUTES
    initializable = ("weight", "bias")
    optional = frozenset({"bias"})
    saves = frozenset({"input", "weight"})
    autocast = "low"
    layout = "map"
    shows = SHOWS
    stride_sign = "↑"
    short = "transposed conv"

    out_channels: int = Field(ge=1)
    kernel_size: Size
    stride: Size = 1
    padding: Padding = 0
    output_padding: Padding = 0
    groups: int = Field(default=1, ge=1)
    bias: bool = True
    dilation: Size = 1

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        name = self.op
        need_map(self, x)
        need_divisible(name, "input channels", x.dims[0], self.groups, "groups")
        need_divisible(
            name, "output channels", self.out_channels, self.groups, "groups"
        )
        settings = (
            self.kernel_size, self.stride, self.padding,
            self.output_padding, self.dilation,
        )  # fmt: skip
        sizes: list[Dim] = []
        for size, k, s, p, extra, d in zip(
            x.dims[1:], *map(self.each_axis, settings), strict=True
        ):
            if known(extra, s, d) and extra >= max(s, d):
                raise ShapeError(
                    f"output_padding = {extra} must be smaller than the stride ({s})"
                    f" or the dilation ({d})",
                    code="bad-padding",
                    attribute="output_padding",
                    help=f"use at most {max(s, d) - 1}",
                )
            out = (size - 1) * s - p * 2 + d * (k - 1) + extra + 1
            if known(out) and out < 1:
                raise ShapeError(
                    f"`{name}` on {x} has no output:"
                    f" ({size} - 1)*{s} - 2*{p} + {d}*({k} - 1) + {extra} + 1 = {out}",
                    code="window-too-large",
                    attribute="padding",
                    help="use a smaller padding or a larger kernel_size",
                )
            sizes.append(out)
        return Shape((self.out_channels, *sizes))

    def parameters(self, x: Shape) -> dict[str, Dims]:
        kernel = self.each_axis(self.kernel_size)
        weight = (x.dims[0], self.out_channels // self.groups, *kernel)
        bias: dict[str, Dims] = {"bias": (self.out_channels,)} if self.bias else {}
        return {"weight": weight} | bias

    def macs(self, x: Shape, y: Shape) -> Dim:
        # every input pixel is spread over one window of the output
        kernel = self.each_axis(self.kernel_size)
        return prod(x.dims) * prod(kernel, start=self.out_channels // self.groups)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, weight_as_map=True),)

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        settings = (self.kernel_size, self.stride, self.padding, self.dilation)
        each = zip(*map(self.each_axis, settings), strict=True)
        return over_map(*(spread(*setting) for setting in each))

    def module(self, x: Shape) -> Call:
        rest = self.given(
            "kernel_size", "stride", "padding", "output_padding", "groups", "bias",
            "dilation",
        )  # fmt: skip
        return self._construct(x.dims[0], self.out_channels, **rest)


class ConvTranspose2d(_ConvTranspose):
    """Transposed 2-D convolution over C x H x W (torch.nn.ConvTranspose2d)."""

    op = "conv_transpose2d"
    other_names = (
        "deconv", "deconv2d", "deconvolution", "deconvolutional", "conv2d_transpose",
        "transposed_conv", "transposed_conv2d",
        "conv_transpose", "convolution2d_transpose", "up_conv", "transpose_conv",
    )  # fmt: skip
    module_class = "nn.ConvTranspose2d"
    calls = _transposed("conv_transpose2d")


class ConvTranspose1d(_ConvTranspose):
    """Transposed 1-D convolution over C x L (torch.nn.ConvTranspose1d)."""

    op = "conv_transpose1d"
    axes = 1
    other_names = (
        "deconv1d", "conv1d_transpose", "transposed_conv1d", "convolution1d_transpose",
    )  # fmt: skip
    module_class = "nn.ConvTranspose1d"
    calls = _transposed("conv_transpose1d")


class ConvTranspose3d(_ConvTranspose):
    """Transposed 3-D convolution over C x D x H x W (torch.nn.ConvTranspose3d)."""

    op = "conv_transpose3d"
    axes = 3
    other_names = (
        "deconv3d", "conv3d_transpose", "transposed_conv3d", "convolution3d_transpose",
    )  # fmt: skip
    module_class = "nn.ConvTranspose3d"
    calls = _transposed("conv_transpose3d")
