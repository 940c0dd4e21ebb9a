"""The ops `conv1d`, `conv2d` and `conv3d`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from archc.ops.attributes import Size, Sized, plain
from archc.ops.base import Call, Op
from archc.ops.convolution.family import OTHER_ATTRIBUTES, SHOWS, WINDOW
from archc.ops.functions import Function, Sizes
from archc.ops.reach import PerAxis, over_map, window
from archc.ops.shapes import need_divisible, need_map, window_map, windows
from archc.ops.sizes import Dim, Dims, Shape, ShapeError, known
from archc.ops.steps import Device, Step


class _PaddingOrWord(Sized):
    """A padding in numbers, or PyTorch's word for it."""

    def check(self, value: Any) -> Any:
        if isinstance(value, str) and value not in ("same", "valid"):
            raise PydanticCustomError(
                "padding",
                'must be "same", "valid" or a number, not {value}',
                {"value": plain(value), "help": _word(value.lower())},
            )
        return value if isinstance(value, str) else super().check(value)

    def schemas(self) -> list[dict[str, Any]]:
        return [{"enum": ["same", "valid"]}, *super().schemas()]


def _word(value: str) -> str:
    beside = "; beside a stride, write a number, half the window rounded down"
    return f'write "{value}"{beside if value == "same" else ""}'


ConvPadding = Annotated[Any, _PaddingOrWord(0)]


def _convolved(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    """The result's shape where the weight fits the input; else torch says what is
    wrong."""
    x, weight, *bias = tensors
    groups, padding = settings["groups"], settings["padding"]
    if len(x) != len(weight) or isinstance(padding, str) or groups < 1:
        return None
    if (
        x[1] != weight[1] * groups
        or weight[0] % groups
        or bias not in ([], [weight[:1]])
    ):
        return None
    sizes = windows(x, weight[2:], settings["stride"], padding, settings["dilation"])
    return None if sizes is None else (x[0], weight[0], *sizes)


def _convolution(name: str) -> tuple[Function, ...]:
    return (
        Function(
            f"torch.{name}",
            also=(f"torch.nn.functional.{name}",),
            signature=f"{WINDOW} dilation=1 groups=1",
            shape=_convolved,
            counted="convolution",
        ),
    )


class Conv(Op):
    """Convolution of a map."""

    category = "convolution"
    other_attributes = OTHER_ATTRIBUTES
    initializable = ("weight", "bias")
    optional = frozenset({"bias"})
    saves = frozenset({"input", "weight"})
    autocast = "low"
    layout = "map"
    shows = SHOWS

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
        need_map(self, x)
        need_divisible(self.op, "input channels", x.dims[0], self.groups, "groups")
        need_divisible(
            self.op, "output channels", self.out_channels, self.groups, "groups"
        )
        if self.padding == "same":
            if any(known(s) and s != 1 for s in self.each_axis(self.stride)):
                raise ShapeError(
                    'padding = "same" needs a stride of 1, as in PyTorch',
                    code="bad-padding",
                    attribute="padding",
                    help=self._in_numbers(),
                    instead=self._half(),
                )
            self._check_padding_mode(x)
            return Shape((self.out_channels, *x.dims[1:]))
        padding = 0 if self.padding == "valid" else self.padding
        sizes = window_map(
            self, x, self.kernel_size, self.stride, padding, self.dilation
        )
        self._check_padding_mode(x)
        return Shape((self.out_channels, *sizes))

    @property
    def _kin(self) -> str:
        return "; conv2d_same pads as TensorFlow does" if self.axes == 2 else ""

    def _half(self) -> str | None:
        """Half of what the window covers; None of one that is not known."""
        totals = self._covered()
        if not known(*totals):
            return None
        halves = tuple(total // 2 for total in totals)
        return plain(halves[0] if len({*halves}) == 1 else halves)

    def _in_numbers(self) -> str:
        """What to write for "same" beside a stride."""
        number = self._half()
        if number is None:
            return "give the padding as a number, or drop the stride"
        return f"write padding = {number}, half of what the window covers{self._kin}"

    def _covered(self) -> list[Any]:
        """How many more positions than its first the window covers, along each axis."""
        kernel, dilation = map(self.each_axis, (self.kernel_size, self.dilation))
        return [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]

    def _most_padding(self) -> tuple[Any, ...]:
        """The padding in numbers; of two sides that differ, the larger."""
        if self.padding == "same":
            # an odd total puts its last pixel on the right
            return tuple((total + 1) // 2 for total in self._covered())
        return self.each_axis(0 if self.padding == "valid" else self.padding)

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
        kernel = self.each_axis(self.kernel_size)
        weight = (self.out_channels, x.dims[0] // self.groups, *kernel)
        bias: dict[str, Dims] = {"bias": (self.out_channels,)} if self.bias else {}
        return {"weight": weight} | bias

    def macs(self, x: Shape, y: Shape) -> Dim:
        kernel = self.each_axis(self.kernel_size)
        return prod(y.dims) * prod(kernel, start=x.dims[0] // self.groups)

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
        if self.padding_mode == "zeros":
            pad = Step(padded, layout="map")
        else:
            # of these functions the CPU's list lacks one (ATen/autocast_mode.cpp)
            listed = (self.padding_mode, self.axes) != ("reflect", 3)
            cast = "full" if device == "cpu" and listed else "widest"
            pad = Step(padded, keeps=(0,), layout="map", cast=cast)
        return (pad, replace(step, reads=(1,), keeps=(1,)))

    def _padded_before(self, x: Shape) -> Dims | None:
        """The map as padded beforehand; None where the convolution pads by itself."""
        totals = self._covered()
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
        padding = self._most_padding()
        if self.padding == "same":
            # an odd total puts its last pixel on the right
            padding = tuple(total // 2 for total in self._covered())
        settings = (self.kernel_size, self.stride, padding, self.dilation)
        each = zip(*map(self.each_axis, settings), strict=True)
        return over_map(*((window(*setting),) for setting in each))

    def module(self, x: Shape) -> Call:
        rest = self.given(
            "kernel_size", "stride", "padding", "dilation", "groups", "bias",
            "padding_mode",
        )  # fmt: skip
        return self._construct(x.dims[0], self.out_channels, **rest)


class Conv2d(Conv):
    """2-D convolution over C x H x W (torch.nn.Conv2d)."""

    op = "conv2d"
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
    module_class = "nn.Conv2d"
    calls = _convolution("conv2d")


class Conv1d(Conv):
    """1-D convolution over C x L (torch.nn.Conv1d)."""

    op = "conv1d"
    axes = 1
    other_names = ("convolution1d", "temporal_conv", "temporal_convolution")
    special_names = (
        ("depthwise_conv1d", 'groups = "in_channels"'),
        ("pointwise_conv1d", "kernel_size = 1"),
    )
    module_class = "nn.Conv1d"
    calls = _convolution("conv1d")


class Conv3d(Conv):
    """3-D convolution over C x D x H x W (torch.nn.Conv3d)."""

    op = "conv3d"
    axes = 3
    other_names = ("convolution3d", "volumetric_convolution")
    special_names = (
        ("depthwise_conv3d", 'groups = "in_channels"'),
        ("pointwise_conv3d", "kernel_size = 1"),
        ("conv1x1x1", "kernel_size = 1"),
        ("conv3x3x3", "kernel_size = 3, padding = 1"),
    )
    module_class = "nn.Conv3d"
    calls = _convolution("conv3d")
