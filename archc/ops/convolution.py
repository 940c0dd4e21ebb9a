"""Convolutions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from archc.ops.base import (
    Call,
    Dim,
    Dims,
    Op,
    Padding,
    Shape,
    ShapeError,
    Size,
    Window,
    check_size,
    known,
    pair,
    plain,
    size_schemas,
)
from archc.ops.functions import Function
from archc.ops.shapes import need_divisible, need_map, window_map
from archc.ops.steps import Device, Step


def _padding(value: Any) -> Any:
    if isinstance(value, str) and value not in ("same", "valid"):
        raise PydanticCustomError(
            "padding",
            'must be "same", "valid" or a number, not {value}',
            {"value": plain(value)},
        )
    return value if isinstance(value, str) else check_size(value, 0)


_SHOWS = (
    ("kernel_size", "{}x{}"),
    ("stride", "/{}"),
    ("out_channels", "{}"),
    ("dilation", "dilation {}"),
    ("groups", "groups {}"),
)
_WINDOW = "input weight bias stride=1 padding=0"
ConvPadding = Annotated[
    Any,
    PlainValidator(_padding),
    WithJsonSchema({"anyOf": [{"enum": ["same", "valid"]}, *size_schemas(0)]}),
]


class Conv2d(Op):
    """2-D convolution over C x H x W (torch.nn.Conv2d)."""

    op = "conv2d"
    category = "convolution"
    other_names = ("conv", "convolution")
    module_class = "nn.Conv2d"
    initializable = ("weight", "bias")
    optional = frozenset({"bias"})
    calls = (
        Function(
            "torch.conv2d",
            also=("torch.nn.functional.conv2d",),
            signature=f"{_WINDOW} dilation=1 groups=1",
            counted="convolution",
        ),
    )
    saves = frozenset({"input", "weight"})
    autocast = "low"
    layout = "map"
    shows = _SHOWS

    out_channels: int = Field(ge=1)
    kernel_size: Size
    stride: Size = 1
    padding: ConvPadding = 0
    dilation: Size = 1
    groups: int = Field(default=1, ge=1)
    bias: bool = True
    padding_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map("conv2d", x)
        need_divisible("conv2d", "input channels", x.dims[0], self.groups, "groups")
        need_divisible(
            "conv2d", "output channels", self.out_channels, self.groups, "groups"
        )
        if self.padding == "same":
            if known(*pair(self.stride)) and pair(self.stride) != (1, 1):
                raise ShapeError(
                    'padding = "same" needs a stride of 1, as in PyTorch',
                    code="bad-padding",
                    attribute="padding",
                    help="give the padding as a number, or drop the stride",
                )
            self._check_padding_mode(x)
            return Shape((self.out_channels, *x.dims[1:]))
        padding = 0 if self.padding == "valid" else self.padding
        height, width = window_map(
            "conv2d", x, self.kernel_size, self.stride, padding, self.dilation
        )
        self._check_padding_mode(x)
        return Shape((self.out_channels, height, width))

    def _most_padding(self) -> tuple[Any, Any]:
        """The padding in numbers; of two sides that differ, the larger."""
        if self.padding == "valid":
            return (0, 0)
        if self.padding != "same":
            return pair(self.padding)
        kernel, dilation = pair(self.kernel_size), pair(self.dilation)
        # an odd total puts its last pixel on the right
        down, right = (
            (d * (k - 1) + 1) // 2 for k, d in zip(kernel, dilation, strict=True)
        )
        return down, right

    def _check_padding_mode(self, x: Shape) -> None:
        """Raises ShapeError where a map has too few pixels to pad itself with."""
        if self.padding_mode not in ("reflect", "circular"):
            return
        for size, pad in zip(x.dims[1:], self._most_padding(), strict=True):
            most = size - 1 if self.padding_mode == "reflect" else size
            if known(size, pad) and pad > most:
                raise ShapeError(
                    f"{self.padding_mode} padding of {pad} is more than a map of"
                    f" {x} has to give",
                    code="bad-padding",
                    attribute="padding",
                    help=f"a padding of at most {most} fits here",
                )

    def parameters(self, x: Shape) -> dict[str, Dims]:
        weight = (self.out_channels, x.dims[0] // self.groups, *pair(self.kernel_size))
        bias: dict[str, Dims] = {"bias": (self.out_channels,)} if self.bias else {}
        return {"weight": weight} | bias

    def macs(self, x: Shape, y: Shape) -> Dim:
        kernel_height, kernel_width = pair(self.kernel_size)
        channels, height, width = y.dims
        per_pixel = x.dims[0] // self.groups * kernel_height * kernel_width
        return channels * height * width * per_pixel

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        step = replace(step, weight_as_map=True)
        (x,) = inputs
        padded = self._padded_before(x)
        if padded is None:
            return (step,)
        # a call of its own pads, and the convolution keeps what that made
        if self.padding_mode == "circular":
            # zeros, over which the edges are then written
            zeros = Step(padded, layout="ordered")
            edges = Step(padded, (1,), shares="same", scratch=1)
            return (zeros, edges, replace(step, reads=(2,), keeps=(2,)))
        pads = self.padding_mode in ("reflect", "replicate")
        pad = Step(padded, keeps=(0,) if pads else (), layout="map")
        return (pad, replace(step, reads=(1,), keeps=(1,)))

    def _padded_before(self, x: Shape) -> Dims | None:
        """The map as padded beforehand; None where the convolution pads by itself."""
        kernel, dilation = pair(self.kernel_size), pair(self.dilation)
        totals = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        if self.padding_mode != "zeros":
            if self.padding != "same":
                totals = [2 * p for p in self._most_padding()]
            sizes = zip(x.dims[1:], totals, strict=True)
        elif self.padding == "same" and any(total % 2 for total in totals):
            # what the two sides do not share
            sizes = ((n, t % 2) for n, t in zip(x.dims[1:], totals, strict=True))
        else:
            return None
        return (x.dims[0], *(size + total for size, total in sizes))

    def reach(self, x: Shape, y: Shape) -> Window:
        kernel, dilation = pair(self.kernel_size), pair(self.dilation)
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        return Window((spans[0], spans[1]), pair(self.stride))

    def module(self, x: Shape) -> Call:
        rest = self.given(
            "kernel_size", "stride", "padding", "dilation", "groups", "bias",
            "padding_mode",
        )  # fmt: skip
        return self._construct(x.dims[0], self.out_channels, **rest)


class ConvTranspose2d(Op):
    """Transposed 2-D convolution over C x H x W (torch.nn.ConvTranspose2d)."""

    op = "conv_transpose2d"
    category = "convolution"
    other_names = ("deconv",)
    module_class = "nn.ConvTranspose2d"
    initializable = ("weight", "bias")
    optional = frozenset({"bias"})
    calls = (
        Function(
            "torch.conv_transpose2d",
            also=("torch.nn.functional.conv_transpose2d",),
            signature=f"{_WINDOW} output_padding=0 groups=1 dilation=1",
            counted="transposed convolution",
        ),
    )
    saves = frozenset({"input", "weight"})
    autocast = "low"
    layout = "map"
    shows = _SHOWS
    stride_sign = "×"
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
        name = "conv_transpose2d"
        need_map(name, x)
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
            x.dims[1:], *(pair(v) for v in settings), strict=True
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
        weight = (x.dims[0], self.out_channels // self.groups, *pair(self.kernel_size))
        bias: dict[str, Dims] = {"bias": (self.out_channels,)} if self.bias else {}
        return {"weight": weight} | bias

    def macs(self, x: Shape, y: Shape) -> Dim:
        # every input pixel is spread over one window of the output
        kernel_height, kernel_width = pair(self.kernel_size)
        channels, height, width = x.dims
        per_pixel = self.out_channels // self.groups * kernel_height * kernel_width
        return channels * height * width * per_pixel

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, weight_as_map=True),)

    def reach(self, x: Shape, y: Shape) -> Window:
        kernel, dilation = pair(self.kernel_size), pair(self.dilation)
        spans: list[int] = []
        for k, d, s in zip(kernel, dilation, pair(self.stride), strict=True):
            # an output pixel is reached from this many neighbouring inputs at most
            spans.append(-(-(d * (k - 1) + 1) // s))
        down, right = pair(self.stride)
        return Window((spans[0], spans[1]), (Fraction(1, down), Fraction(1, right)))

    def module(self, x: Shape) -> Call:
        rest = self.given(
            "kernel_size", "stride", "padding", "output_padding", "groups", "bias",
            "dilation",
        )  # fmt: skip
        return self._construct(x.dims[0], self.out_channels, **rest)
