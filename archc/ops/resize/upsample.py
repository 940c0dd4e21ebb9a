"""The op `upsample`."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from archc.ops.attributes import PerAxis, SizeOrNone, fits_axes, items, plain, sides
from archc.ops.base import Call, Op
from archc.ops.code import Attribute, Global, call
from archc.ops.merge.family import Merge
from archc.ops.reach import Reach, Read, between, nearest, over_map
from archc.ops.shapes import MAPS, need_map
from archc.ops.sizes import UNKNOWN, Dim, Shape, ShapeError, axis_names, known
from archc.ops.source import as_code
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr, Name, Slice


class _Factors(PerAxis):
    """A finite number above 0, or one for each axis."""

    def check(self, value: Any) -> Any:
        parts = items(value)
        numbers = (value,) if parts is None else parts
        if not all(map(_is_number, numbers)) or not (
            parts is None or fits_axes(parts, self.axes)
        ):
            raise PydanticCustomError(
                "scale_factor",
                "must be a number or one for each axis, not {value}",
                {"value": plain(value)},
            )
        if not all(isinstance(n, Expr) or 0 < n < inf for n in numbers):
            raise PydanticCustomError(
                "scale_factor",
                "must be a finite number above 0, not {value}",
                {"value": plain(value)},
            )
        return parts or value

    def schemas(self) -> list[dict[str, Any]]:
        number: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0}
        return [number, self.each(number)]


def _is_number(value: Any) -> bool:
    """Whether it is a number, or an expression, which may give one."""
    return isinstance(value, int | float | Expr) and not isinstance(value, bool)


ScaleFactor = Annotated[Any, _Factors()]
_MODES = {1: ("linear",), 2: ("bilinear", "bicubic"), 3: ("trilinear",)}
"""The modes that are for maps with so many axes; the others are for all."""


class Upsample(Op):
    """A map resized to a size or by a factor (torch.nn.Upsample)."""

    op = "upsample"
    axes = None
    category = "reshape"
    other_names = (
        "upsampling", "upsampling1d", "upsampling2d", "upsampling3d", "interpolate",
        "interpolation", "resize", "resize_bilinear", "upsampling_nearest2d",
        "upsampling_bilinear2d", "interp",
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
    gradient_as_read = False

    size: SizeOrNone = None
    scale_factor: ScaleFactor = None
    mode: Literal[
        "nearest", "nearest-exact", "linear", "bilinear", "bicubic", "trilinear"
    ] = "nearest"
    align_corners: bool | None = None
    size_of: str | None = None

    @classmethod
    def reading(cls, attribute: str) -> type[Op] | None:
        return UpsampleTo if attribute == "size_of" else None

    @model_validator(mode="after")
    def _agree(self) -> Self:
        ways = (self.size, self.scale_factor, self.size_of)
        given = sum(way is not None for way in ways)
        if given != 1:
            add = 'add scale_factor = 2, size = [height, width] or size_of = "NODE"'
            raise PydanticCustomError(
                "size_or_scale_factor",
                "needs one of size, scale_factor and size_of",
                {"help": "leave the others out" if given else add},
            )
        self._agree_on_corners()
        return self

    def _agree_on_corners(self) -> None:
        if self.align_corners is not None and self.mode.startswith("nearest"):
            raise PydanticCustomError(
                "align_corners",
                "align_corners goes with mode linear, bilinear, bicubic or trilinear,"
                " not {mode}",
                {"mode": plain(self.mode)},
            )

    @property
    def keeps_range(self) -> bool:
        return self.mode != "bicubic"

    def detail_on(self, x: Shape) -> str:
        axes = self.axes_of(x)
        if self.size is not None:
            return f"to {'×'.join(map(str, sides(self.size, axes)))}"
        factors = sides(self.scale_factor, axes)
        alike = len({*factors}) == 1
        return f"↑{','.join(map(str, factors[:1] if alike else factors))}"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        self._check_axes(x)
        names = axis_names(self.axes_of(x))
        if self.size is not None:
            return Shape((x.dims[0], *sides(self.size, len(names))))
        sizes: list[Dim] = []
        for name, size, factor in zip(
            names, x.dims[1:], sides(self.scale_factor, len(names)), strict=True
        ):
            # a symbolic product would not round down, as sizes here do
            out: Dim = int(size * factor) if known(size, factor) else UNKNOWN
            if known(out) and out < 1:
                raise ShapeError(
                    f"`upsample` of {x} by {factor} leaves no {name}",
                    code="window-too-large",
                    attribute="scale_factor",
                    help="use a larger scale_factor",
                )
            sizes.append(out)
        return Shape((x.dims[0], *sizes))

    def _check_axes(self, x: Shape) -> None:
        """Raises ShapeError where sizes, factors or the mode are for maps with another
        number of axes."""
        count = self.axes_of(x)
        for attribute in ("size", "scale_factor"):
            given = getattr(self, attribute)
            if given is not None and len(sides(given, count)) != count:
                raise ShapeError(
                    f"`upsample` with {attribute} = {plain(given)} reads {x},"
                    f" {MAPS[count]}",
                    code="wrong-rank",
                    attribute=attribute,
                    help=f"{attribute} takes a number, or {count} of them in a list",
                )
        if any(self.mode in modes for n, modes in _MODES.items() if n != count):
            raise ShapeError(
                f"`upsample` with mode = {plain(self.mode)} reads {x}, {MAPS[count]}",
                code="wrong-rank",
                attribute="mode",
                help=f"use mode = {' or '.join(map(plain, _MODES[count]))}",
                instead=plain(_MODES[count][0]) if len(_MODES[count]) == 1 else None,
            )

    def reach(self, x: Shape, y: Shape) -> Reach:
        axes = self.axes_of(x)
        factors = (None,) * axes
        if self.size is None:
            factors = sides(self.scale_factor, axes)
        each = zip(x.sizes[1:], y.sizes[1:], factors, strict=True)
        return over_map(*((self._read(*axis, axes),) for axis in each))

    def _read(self, size: int, out: int, factor: float | None, axes: int) -> Read:
        """What a position reads along one of the axes.

        As in torch's UpSample.h: by the factor that is given, and by the sizes that it
        led to only where the code for these sizes takes no scale. Places are exact
        here; torch's are rounded to float32, which moves a few of nearest.
        """
        half = Fraction(1, 2)
        simple: dict[str, tuple[int, ...]] = dict.fromkeys(
            ("linear", "bilinear", "trilinear"), (size,)
        )
        if axes == 2:
            simple["nearest"] = (size, 2 * size)
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
            case "linear" | "bilinear" | "bicubic" | "trilinear":
                offset = Fraction(0) if self.align_corners else half * scale - half
                return between(scale, offset, beside=int(self.mode == "bicubic"))

    def module(self, x: Shape) -> Call:
        return self._construct(**self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.interpolate", (argument,), self.given())


class UpsampleTo(Merge, Upsample):
    """A map resized to the size of another one, which is read for that alone: an
    `upsample` with `size_of`."""

    category = "reshape"
    computes_with = 1

    @model_validator(mode="after")
    def _agree(self) -> Self:
        self._agree_on_corners()
        return self

    def detail_on(self, x: Shape) -> str:
        return ""

    def infer(self, *inputs: Shape) -> Shape:
        x, other = inputs
        need_map(self, x)
        self._check_axes(x)
        if len(other.dims) != len(x.dims) or other.channel_axis != 0:
            raise ShapeError(
                f"`upsample` of {x} is to be as large as {other}, which is not"
                f" {MAPS[self.axes_of(x)]}",
                code="wrong-rank",
                attribute="size_of",
                help="name a map with as many axes, its channels first",
            )
        return Shape((x.dims[0], *other.dims[1:]))

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        return super().steps(inputs[:1], y, device=device, inplace=inplace)

    def combine(self, y: Shape, *arguments: Expr) -> Expr:
        value, other = arguments
        size = Slice(Attribute(other, "shape"), Const(2), None, None)
        named = {name: as_code(given) for name, given in self.given().items()}
        return call(Global("F.interpolate"), value, size=size, **named)
