"""Maps of another size."""

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
    Shape,
    ShapeError,
    SizeOrNone,
    items,
    known,
    pair,
    plain,
)
from archc.ops.functions import Function
from archc.ops.reach import (
    PerAxis,
    Read,
    between,
    nearest,
    over_map,
    window,
)
from archc.ops.shapes import AXES, need_divisible, need_map
from archc.spec.expressions import Expr, Name


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


class PixelUnshuffle(Op):
    """Pixels laid out as channels of a smaller map, over C x H x W
    (torch.nn.PixelUnshuffle)."""

    op = "pixel_unshuffle"
    category = "reshape"
    other_names = ("space_to_depth", "reorg")
    other_attributes = (
        ("scale_factor", "downscale_factor"),
        ("block_size", "downscale_factor"),
    )
    module_class = "nn.PixelUnshuffle"
    calls = (
        Function(
            "torch.nn.functional.pixel_unshuffle",
            also=("torch.pixel_unshuffle",),
            signature="input downscale_factor",
        ),
    )
    layout = "ordered"
    shows = (("downscale_factor", "by {}"),)

    downscale_factor: int = Field(ge=1)

    @property
    def detail(self) -> str:
        return f"/{self.downscale_factor}"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        channels, height, width = x.dims
        r = self.downscale_factor
        for size in (height, width):
            need_divisible(self.op, "pixels", size, r, "downscale_factor")
        return Shape((channels * r * r, height // r, width // r))

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        r = self.downscale_factor
        return over_map((window(r, r, 0),), (window(r, r, 0),))

    def module(self, x: Shape) -> Call:
        return self._construct(self.downscale_factor)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pixel_unshuffle", (argument, self.downscale_factor))
