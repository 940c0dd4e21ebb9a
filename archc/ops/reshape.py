"""Ops that move numbers without computing on them."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from archc.ops.base import (
    UNKNOWN,
    Call,
    Dim,
    Op,
    Padding,
    Shape,
    ShapeError,
    SizeOrNone,
    check_numbers,
    items,
    known,
    need_known,
    pair,
    plain,
    to_int,
)
from archc.ops.code import Attribute, Axes, call
from archc.ops.functions import Function
from archc.ops.reach import (
    EVERYWHERE,
    Along,
    Everywhere,
    PerAxis,
    Read,
    between,
    nearest,
    over_map,
    window,
)
from archc.ops.shapes import AXES, need_divisible, need_map
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr, Index, Name, Slice, as_expr


class Flatten(Op):
    """Axes made one, the batch counted as axis 0 (torch.nn.Flatten)."""

    op = "flatten"
    category = "reshape"
    other_names = ("flat",)
    module_class = "nn.Flatten"
    joins_axes = True
    calls = (
        Function(
            "torch.flatten",
            also=("torch.Tensor.flatten",),
            signature="input start_dim=0 end_dim=-1",
        ),
    )
    symbols = (("start_dim", 1), ("end_dim", -1))
    drawn_ahead = True
    aliases = True

    start_dim: int = 1
    end_dim: int = -1

    def _range(self, x: Shape) -> tuple[int, int]:
        """The first and last axis to join, the batch not counted."""
        need_known("start_dim and end_dim", self.start_dim, self.end_dim)
        rank = len(x.dims)
        start, end = (
            (dim + rank if dim < 0 else dim - 1)
            for dim in (self.start_dim, self.end_dim)
        )
        for attribute, axis in (("start_dim", start), ("end_dim", end)):
            if not 0 <= axis < rank:
                raise ShapeError(
                    f"`flatten` with {attribute} = {getattr(self, attribute)}, but {x}"
                    f" has the axes 1 to {rank} (0 is the batch)",
                    code="bad-axis",
                    attribute=attribute,
                    help="start_dim = 1, end_dim = -1 joins all axes but the batch",
                )
        if start > end:
            raise ShapeError(
                f"`flatten` of {x} would start at axis {start + 1}, behind its end,"
                f" axis {end + 1}",
                code="bad-axis",
                attribute="start_dim",
                help="start_dim = 1, end_dim = -1 joins all axes but the batch",
            )
        return start, end

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        start, end = self._range(x)
        joined = x.dims[start]
        for size in x.dims[start + 1 : end + 1]:
            joined = joined * size
        axis = x.channel_axis
        axis = max(start, axis - (end - start)) if axis >= start else axis
        return Shape((*x.dims[:start], joined, *x.dims[end + 1 :]), axis)

    def reach(self, x: Shape, y: Shape) -> Everywhere | None:
        return EVERYWHERE if len(y.dims) < len(x.dims) else None

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        first, last = self._range(inputs[0])
        joins = (first + 1, last + 1)
        return (Step(y.dims, joins=joins, shares="view", fresh_gradient=False),)

    def module(self, x: Shape) -> Call:
        return self._construct(**self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        rest = self.given("end_dim")
        return Call("torch.flatten", (argument, self.start_dim), rest)


class Identity(Op):
    """The input, unchanged (torch.nn.Identity)."""

    op = "identity"
    category = "reshape"
    other_names = ("noop", "passthrough")
    module_class = "nn.Identity"
    calls = (
        Function(
            "torch.Tensor.contiguous",
            also=(
                "torch.Tensor.clone", "torch.clone", "torch.Tensor.to",
                "torch.Tensor.type", "torch.Tensor.type_as", "torch.Tensor.float",
                "torch.Tensor.double", "torch.Tensor.half", "torch.Tensor.bfloat16",
                "torch.Tensor.requires_grad_",
            ),
            passes=lambda settings: True,
        ),
    )  # fmt: skip
    unchanged = True
    aliases = True

    def module(self, x: Shape) -> Call:
        return self._construct()

    def function(self, x: Shape, argument: Expr) -> Expr:
        return argument


def _factor(value: Any) -> Any:
    parts = items(value)
    numbers = (value,) if parts is None else parts
    if not all(map(_is_number, numbers)) or len(numbers) != (1 if parts is None else 2):
        raise PydanticCustomError(
            "scale_factor",
            "must be a number or a pair of them, not {value}",
            {"value": plain(value)},
        )
    if not all(0 < n < inf for n in numbers):
        raise PydanticCustomError(
            "scale_factor",
            "must be a finite number above 0, not {value}",
            {"value": plain(value)},
        )
    return parts or value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FACTOR = {"type": "number", "exclusiveMinimum": 0}
ScaleFactor = Annotated[
    Any,
    PlainValidator(_factor),
    WithJsonSchema(
        {
            "anyOf": [
                _FACTOR,
                {"type": "array", "items": _FACTOR, "minItems": 2, "maxItems": 2},
            ]
        }
    ),
]


class Upsample(Op):
    """C x H x W resized to a size or by a factor (torch.nn.Upsample)."""

    op = "upsample"
    category = "reshape"
    other_names = (
        "upsampling", "upsampling2d", "interpolate", "interpolation", "resize",
        "resize_bilinear", "upsampling_nearest2d", "upsampling_bilinear2d", "interp",
    )  # fmt: skip
    other_attributes = (
        ("scale", "scale_factor"),
        ("stride", "scale_factor"),
        ("factor", "scale_factor"),
        ("interpolation", "mode"),
    )
    module_class = "nn.Upsample"
    shows = (("size", "{}x{}"), ("scale_factor", "{} times"))
    symbols = (("size", Name("size")),)
    autocast = "full"
    layout = "map"

    size: SizeOrNone = None
    scale_factor: ScaleFactor = None
    mode: Literal["nearest", "nearest-exact", "bilinear", "bicubic"] = "nearest"
    align_corners: bool | None = None

    @model_validator(mode="after")
    def _agree(self) -> Upsample:
        if (self.size is None) == (self.scale_factor is None):
            raise PydanticCustomError(
                "size_or_scale_factor",
                "needs either size or scale_factor",
                {"help": "add scale_factor = 2, or size = [height, width]"}
                if self.size is None
                else {"help": "leave one of the two out"},
            )
        if self.align_corners is not None and self.mode.startswith("nearest"):
            raise PydanticCustomError(
                "align_corners",
                "align_corners goes with mode bilinear or bicubic, not {mode}",
                {"mode": plain(self.mode)},
            )
        return self

    @property
    def keeps_range(self) -> bool:
        return self.mode != "bicubic"

    @property
    def detail(self) -> str:
        if self.size is not None:
            height, width = pair(self.size)
            return f"to {height}×{width}"
        down, right = pair(self.scale_factor)
        return f"×{down}" if down == right else f"×{down},{right}"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        if self.size is not None:
            return Shape((x.dims[0], *pair(self.size)))
        sizes: list[Dim] = []
        for axis, factor in enumerate(pair(self.scale_factor)):
            size = x.dims[1 + axis]
            # a symbolic product would not round down, as sizes here do
            out: Dim = int(size * factor) if known(size, factor) else UNKNOWN
            if known(out) and out < 1:
                raise ShapeError(
                    f"`upsample` of {x} by {factor} leaves no {AXES[axis]}",
                    code="window-too-large",
                    attribute="scale_factor",
                    help="use a larger scale_factor",
                )
            sizes.append(out)
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        factors = (None, None) if self.size is not None else pair(self.scale_factor)
        sizes = zip(x.sizes[1:], y.sizes[1:], factors, strict=True)
        down, right = ((self._read(*axis),) for axis in sizes)
        return over_map(down, right)

    def _read(self, size: int, out: int, factor: float | None) -> Read:
        """What a position reads along an axis.

        As in torch's UpSample.h: by the factor that is given, and by the sizes that it
        led to only where the code for these sizes takes no scale. Places are exact
        here; torch's are rounded to float32, which moves a few of nearest.
        """
        half = Fraction(1, 2)
        simple = {"nearest": (size, 2 * size), "bilinear": (size,)}
        if self.align_corners:
            scale = Fraction(size - 1, out - 1) if out > 1 else Fraction(0)
        elif factor is None or out in simple.get(self.mode, ()):
            scale = Fraction(size, out)
        else:
            scale = 1 / Fraction(str(factor))
        match self.mode:
            case "nearest":
                return nearest(scale, Fraction(0))
            case "nearest-exact":
                return nearest(scale, half * scale)
            case "bilinear" | "bicubic":
                offset = Fraction(0) if self.align_corners else half * scale - half
                return between(scale, offset, beside=int(self.mode == "bicubic"))

    def module(self, x: Shape) -> Call:
        return self._construct(**self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.interpolate", (argument,), self.given())


def _pad(value: Any) -> int | tuple[int, ...]:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return check_numbers(value, length=4)


PadSides = Annotated[
    Any,
    PlainValidator(_pad),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer"},
                {
                    "type": "array",
                    "items": {"type": "integer"},
                    "minItems": 4,
                    "maxItems": 4,
                },
            ]
        }
    ),
]


def _settle_padding(settings: dict[Any, Any]) -> None:
    """Zeros are what is padded with, and axes that are not padded can be left out."""
    if settings.get("value") is None:
        settings["value"] = 0.0
    sides = list(settings["pad"])
    while sides[-2:] == [0, 0] and len(sides) > 2:
        del sides[-2:]
    settings["pad"] = tuple(sides)


_PADS = (Function("torch.nn.functional.pad", settle=_settle_padding),)


class ZeroPad2d(Op):
    """Zeros around C x H x W: left, right, top, bottom (torch.nn.ZeroPad2d)."""

    op = "zero_pad2d"
    category = "reshape"
    other_names = ("zero_padding", "zero_padding2d", "pad", "pad2d", "padding")
    special_names = tuple(
        (name, "padding = [-1, -1, -1, -1]")
        for name in ("crop", "center_crop", "cropping2d")
    )
    other_attributes = (("pad", "padding"),)
    module_class = "nn.ZeroPad2d"
    layout = "map"
    calls = _PADS
    short = "zero pad"

    padding: PadSides

    @property
    def _sides(self) -> tuple[Dim, Dim, Dim, Dim]:
        left, right, top, bottom = items(self.padding) or (self.padding,) * 4
        return left, right, top, bottom

    @property
    def detail(self) -> str:
        return plain(self.padding)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        sides = self._sides
        sizes: list[Dim] = []
        for axis, (before, after) in enumerate((sides[2:], sides[:2])):
            size = x.dims[1 + axis]
            out = size + before + after
            # PyTorch crops before it pads, and cannot crop more than there is
            if known(size, before, after) and (
                out < 1 or size + min(before, 0) + min(after, 0) < 0
            ):
                raise ShapeError(
                    f"`zero_pad2d` with padding = {plain(self.padding)} cuts away the"
                    f" whole {AXES[axis]} of {x}",
                    code="bad-padding",
                    attribute="padding",
                    help="negative padding crops; crop less",
                )
            sizes.append(out)
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        left, _, top, _ = map(to_int, self._sides)
        return over_map((window(1, 1, top),), (window(1, 1, left),))

    def module(self, x: Shape) -> Call:
        return self._construct(self.padding)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides))


AxisOrder = Annotated[
    Any,
    PlainValidator(check_numbers),
    WithJsonSchema({"type": "array", "items": {"type": "integer"}}),
]


class Permute(Op):
    """Axes in another order, the batch first and counted (torch.permute)."""

    op = "permute"
    category = "reshape"
    other_names = ("transpose", "swapaxes", "moveaxis", "movedim")
    other_attributes = (("order", "dims"), ("perm", "dims"), ("axes", "dims"))
    module_class = "Permute"
    calls = (
        Function(
            "torch.permute", also=("torch.Tensor.permute",), signature="input *dims"
        ),
    )
    shows = (("dims", "{}"),)
    symbols = (("dims", (0, 2, 3, 1)),)
    aliases = True
    helper = '''\
class Permute(nn.Module):
    """Puts the axes into another order."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)
'''

    dims: AxisOrder

    @property
    def detail(self) -> str:
        return plain(self.dims)

    def _order(self, x: Shape) -> list[int]:
        """The axes of `x` in their new order, the batch first."""
        need_known("dims", *self.dims)
        rank = len(x.dims)
        order: list[int] = [d + rank + 1 if d < 0 else d for d in self.dims]
        if sorted(order) != list(range(rank + 1)) or order[0] != 0:
            raise ShapeError(
                f"`permute` with dims = {plain(self.dims)} is no order of the axes of"
                f" {x}: it must name 0, the batch, first, and then each of 1 to {rank}"
                " once",
                code="bad-axis",
                attribute="dims",
                help="dims = [0, 2, 3, 1] moves the channels of a map last",
            )
        return order

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        order = self._order(x)
        dims = tuple(x.dims[axis - 1] for axis in order[1:])
        return Shape(dims, order.index(x.channel_axis + 1) - 1)

    def reach(self, x: Shape, y: Shape) -> PerAxis:
        return tuple(Along(axis - 1) for axis in self._order(x)[1:])

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        rank = len(y.dims) + 1
        order = tuple(int(axis) % rank for axis in self.dims)
        return (Step(y.dims, shares="view", order=order, fresh_gradient=False),)

    def module(self, x: Shape) -> Call:
        return self._construct(self.dims)

    def function(self, x: Shape, argument: Expr) -> Expr:
        return call(Attribute(argument, "permute"), *map(as_expr, self.dims))


class ChannelShuffle(Op):
    """Channels of several groups interleaved (torch.nn.ChannelShuffle)."""

    op = "channel_shuffle"
    category = "reshape"
    other_names = ("shuffle", "shuffle_channels")
    module_class = "nn.ChannelShuffle"
    calls = (
        Function(
            "torch.nn.functional.channel_shuffle",
            also=("torch.channel_shuffle",),
            signature="input groups",
        ),
    )
    shows = (("groups", "groups {}"),)

    groups: int = Field(ge=1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # a GPU copies nothing where nothing changes places
        if device == "cuda" and self.groups in (1, y.dims[0]):
            return (Step(y.dims, shares="same", fresh_gradient=False),)
        return (Step(y.dims, layout="map"),)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        need_divisible(self.op, "channels", x.dims[0], self.groups, "groups")
        return x

    def module(self, x: Shape) -> Call:
        return self._construct(self.groups)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.channel_shuffle", (argument, self.groups))


class PixelShuffle(Op):
    """Channels laid out as a larger map, over C x H x W (torch.nn.PixelShuffle)."""

    op = "pixel_shuffle"
    category = "reshape"
    other_names = ("depth_to_space", "subpixel")
    other_attributes = (
        ("scale_factor", "upscale_factor"),
        ("block_size", "upscale_factor"),
    )
    module_class = "nn.PixelShuffle"
    calls = (
        Function(
            "torch.nn.functional.pixel_shuffle",
            also=("torch.pixel_shuffle",),
            signature="input upscale_factor",
        ),
    )
    layout = "ordered"
    shows = (("upscale_factor", "{} times"),)

    upscale_factor: int = Field(ge=1)

    @property
    def detail(self) -> str:
        return f"×{self.upscale_factor}"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        channels, height, width = x.dims
        r = self.upscale_factor
        if known(channels, r) and channels % (r * r):
            fits = [n for n in range(1, r) if channels % (n * n) == 0]
            raise ShapeError(
                f"`pixel_shuffle` cannot lay out {channels} channels as {r} x {r}"
                f" pixels: {channels} / {r * r} leaves {channels % (r * r)}",
                code="not-divisible",
                attribute="upscale_factor",
                help=f"give it a multiple of {r * r} channels, or use"
                f" upscale_factor = {' or '.join(map(str, fits[-3:]))}",
            )
        return Shape((channels // (r * r), height * r, width * r))

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        read = (nearest(Fraction(1, self.upscale_factor), Fraction(0)),)
        return over_map(read, read)

    def module(self, x: Shape) -> Call:
        return self._construct(self.upscale_factor)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pixel_shuffle", (argument, self.upscale_factor))


class ChannelSlice(Op):
    """The channels from `start` up to, not including, `stop` (torch.Tensor.narrow)."""

    op = "channel_slice"
    category = "reshape"
    other_names = ("slice", "narrow")
    module_class = "ChannelSlice"
    calls = (Function("torch.Tensor.narrow", signature="input dim start length"),)
    shows = (("start", "from {}"), ("stop", "to {}"))
    aliases = True
    helper = '''\
class ChannelSlice(nn.Module):
    """Takes the channels from `start` up to, not including, `stop`."""

    def __init__(self, start: int, stop: int, dim: int = 1) -> None:
        super().__init__()
        self.start = start
        self.stop = stop
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.stop - self.start)
'''

    start: int = Field(default=0, ge=0)
    stop: int = Field(ge=1)

    @property
    def detail(self) -> str:
        return f"{self.start}:{self.stop}"

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # a view, but its gradient has zeros around it
        return (Step(y.dims, shares="view"),)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        start, stop = self.start, self.stop
        if known(start, stop) and stop <= start:
            raise ShapeError(
                f"`channel_slice` from {start} to {stop} is empty",
                code="bad-slice",
                attribute="stop",
                help="stop must be above start; the channel at stop is not taken",
            )
        if known(stop, x.channels) and stop > x.channels:
            raise ShapeError(
                f"`channel_slice` goes up to {stop}, but {x} has {x.channels} channels",
                code="bad-slice",
                attribute="stop",
                help=f"use a stop of at most {x.channels}",
            )
        return x.with_channels(stop - start)

    def module(self, x: Shape) -> Call:
        dim = {"dim": x.channel_axis + 1} if x.channel_axis else {}
        return self._construct(self.start, self.stop, **dim)

    def function(self, x: Shape, argument: Expr) -> Expr:
        start = None if self.start == 0 else as_expr(self.start)
        whole = Index(Attribute(argument, "shape"), Const(x.channel_axis + 1))
        stop = None if start is not None and self.stop == whole else as_expr(self.stop)
        return Axes(argument, x.channel_axis + 1, Slice(argument, start, stop, None))


class ChannelPad(Op):
    """Zeros as more channels: so many on each side, or (before, after) as a pair
    (torch.nn.functional.pad)."""

    op = "channel_pad"
    category = "reshape"
    calls = _PADS
    layout = "map"

    padding: Padding

    def _sides(self, x: Shape) -> tuple[Dim, ...]:
        """As PyTorch has them: from the last axis back to the channels."""
        behind = len(x.dims) - 1 - x.channel_axis
        return (0, 0) * behind + pair(self.padding)

    @property
    def detail(self) -> str:
        return "+".join(str(n) for n in pair(self.padding) if n)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        before, after = pair(self.padding)
        return x.with_channels(x.channels + before + after)

    def module(self, x: Shape) -> Call:
        # PyTorch takes the batch for the first of the padded axes, which is the same
        sides = self._sides(x) + (0, 0) * x.channel_axis
        return Call(f"nn.ZeroPad{len(x.dims)}d", (sides,))

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides(x)))
