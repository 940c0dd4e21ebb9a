"""Convolutions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    check_size,
    known,
    pair,
    plain,
    size_schemas,
)
from archc.ops.functions import Function, Sizes
from archc.ops.reach import PerAxis, over_map, spread, window
from archc.ops.shapes import need_divisible, need_map, window_map, windows
from archc.ops.steps import Device, Step


def _padding(value: Any) -> Any:
    if isinstance(value, str) and value not in ("same", "valid"):
        raise PydanticCustomError(
            "padding",
            'must be "same", "valid" or a number, not {value}',
            {"value": plain(value), "help": _word(value.lower())},
        )
    return value if isinstance(value, str) else check_size(value, 0)


_SHOWS = (
    ("kernel_size", "{}x{}"),
    ("stride", "/{}"),
    ("out_channels", "{}"),
    ("dilation", "dilation {}"),
    ("groups", "groups {}"),
)


def _word(value: str) -> str:
    beside = "; beside a stride, write a number, half the window rounded down"
    return f'write "{value}"{beside if value == "same" else ""}'


_OTHER_ATTRIBUTES = (
    ("filters", "out_channels"),
    ("num_filters", "out_channels"),
    ("num_output", "out_channels"),
    ("out_features", "out_channels"),
    ("out_planes", "out_channels"),
    ("units", "out_channels"),
    ("size", "kernel_size"),
    ("ksize", "kernel_size"),
    ("strides", "stride"),
    ("subsample", "stride"),
    ("pad", "padding"),
    ("dilation_rate", "dilation"),
    ("group", "groups"),
    ("bias_term", "bias"),
    ("use_bias", "bias"),
)
_WINDOW = "input weight bias stride=1 padding=0"
ConvPadding = Annotated[
    Any,
    PlainValidator(_padding),
    WithJsonSchema({"anyOf": [{"enum": ["same", "valid"]}, *size_schemas(0)]}),
]


def _convolved(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    """The result's shape where the weight fits the input; else torch says what is
    wrong."""
    x, weight, *bias = tensors
    groups, padding = settings["groups"], settings["padding"]
    if len(x) != 4 or len(weight) != 4 or isinstance(padding, str) or groups < 1:
        return None
    if (
        x[1] != weight[1] * groups
        or weight[0] % groups
        or bias not in ([], [weight[:1]])
    ):
        return None
    sizes = windows(x, weight[2:], settings["stride"], padding, settings["dilation"])
    return None if sizes is None else (x[0], weight[0], *sizes)


class Conv2d(Op):
    """2-D convolution over C x H x W (torch.nn.Conv2d)."""

    op = "conv2d"
    category = "convolution"
    other_names = (
        "conv", "convolution", "convolution2d", "convolutional", "conv_layer",
        "convolutional_layer",
    )  # fmt: skip
    special_names = (
        ("depthwise_conv", 'groups = "in_channels"'),
        ("depthwise_conv2d", 'groups = "in_channels"'),
        ("convolution_depthwise", 'groups = "in_channels"'),
        ("pointwise_conv", "kernel_size = 1"),
        ("pointwise_conv2d", "kernel_size = 1"),
        ("conv1x1", "kernel_size = 1"),
        ("conv3x3", "kernel_size = 3, padding = 1"),
        ("group_conv", "groups = ..."),
        ("dilated_conv", "dilation = 2"),
        ("atrous_conv", "dilation = 2"),
    )
    other_attributes = _OTHER_ATTRIBUTES
    module_class = "nn.Conv2d"
    initializable = ("weight", "bias")
    optional = frozenset({"bias"})
    calls = (
        Function(
            "torch.conv2d",
            also=("torch.nn.functional.conv2d",),
            signature=f"{_WINDOW} dilation=1 groups=1",
            shape=_convolved,
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

    @classmethod
    def takes_word(cls, attribute: str, value: str) -> bool:
        return attribute == "padding" and value.lower() in ("same", "valid")

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
                    help=self._in_numbers(),
                )
            self._check_padding_mode(x)
            return Shape((self.out_channels, *x.dims[1:]))
        padding = 0 if self.padding == "valid" else self.padding
        height, width = window_map(
            "conv2d", x, self.kernel_size, self.stride, padding, self.dilation
        )
        self._check_padding_mode(x)
        return Shape((self.out_channels, height, width))

    def _in_numbers(self) -> str:
        """What to write for "same" beside a stride."""
        kernel, dilation = pair(self.kernel_size), pair(self.dilation)
        if not known(*kernel, *dilation):
            return "give the padding as a number, or drop the stride"
        down, right = (d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
        number = f"{down}" if down == right else f"[{down}, {right}]"
        return f"write padding = {number}, half of what the window covers"

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

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        kernel, dilation = pair(self.kernel_size), pair(self.dilation)
        if self.padding == "same":
            # an odd total puts its last pixel on the right
            padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
        else:
            padding = self._most_padding()
        settings = zip(kernel, pair(self.stride), padding, dilation, strict=True)
        down, right = ((window(*setting),) for setting in settings)
        return over_map(down, right)

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
    other_names = (
        "deconv", "deconv2d", "deconvolution", "deconvolutional", "conv2d_transpose",
        "transposed_conv", "transposed_conv2d",
        "conv_transpose", "convolution2d_transpose", "up_conv", "transpose_conv",
    )  # fmt: skip
    other_attributes = _OTHER_ATTRIBUTES
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

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        settings = (self.kernel_size, self.stride, self.padding, self.dilation)
        down, right = (
            spread(*setting) for setting in zip(*map(pair, settings), strict=True)
        )
        return over_map(down, right)

    def module(self, x: Shape) -> Call:
        rest = self.given(
            "kernel_size", "stride", "padding", "output_padding", "groups", "bias",
            "dilation",
        )  # fmt: skip
        return self._construct(x.dims[0], self.out_channels, **rest)
