"""Padding around maps and behind channels."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator, WithJsonSchema

from archc.ops.base import (
    Call,
    Dim,
    Op,
    Padding,
    Shape,
    ShapeError,
    check_numbers,
    items,
    known,
    pair,
    plain,
    to_int,
)
from archc.ops.functions import Function
from archc.ops.reach import (
    PerAxis,
    over_map,
    window,
)
from archc.ops.shapes import AXES, need_map
from archc.spec.expressions import Expr


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


class _Pad2d(Op):
    """What pads around a map share: left, right, top, bottom."""

    category = "reshape"
    other_attributes = (("pad", "padding"),)
    layout = "map"
    calls = _PADS

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
                    f"`{self.op}` with padding = {plain(self.padding)} cuts away the"
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


class ZeroPad2d(_Pad2d):
    """Zeros around C x H x W: left, right, top, bottom (torch.nn.ZeroPad2d)."""

    op = "zero_pad2d"
    other_names = ("zero_padding", "zero_padding2d", "pad", "pad2d", "padding")
    special_names = tuple(
        (name, "padding = [-1, -1, -1, -1]")
        for name in ("crop", "center_crop", "cropping2d")
    )
    module_class = "nn.ZeroPad2d"
    short = "zero pad"

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides))


class ConstantPad2d(_Pad2d):
    """A number around C x H x W: left, right, top, bottom (torch.nn.ConstantPad2d)."""

    op = "constant_pad2d"
    other_names = ("constant_pad",)
    module_class = "nn.ConstantPad2d"

    padding: PadSides
    value: float

    @property
    def keeps_range(self) -> bool:
        return self.value == 0

    def module(self, x: Shape) -> Call:
        return self._construct(self.padding, self.value)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides), {"value": self.value})


class _EdgePad2d(_Pad2d):
    """What pads share that repeat pixels of the map."""

    saves = frozenset({"input"})
    autocast_on_cpu = "full"
    mode: ClassVar[str]
    """What `torch.nn.functional.pad` calls it."""

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides), {"mode": self.mode})


class ReflectionPad2d(_EdgePad2d):
    """The map mirrored at its edges around C x H x W: left, right, top, bottom
    (torch.nn.ReflectionPad2d)."""

    op = "reflection_pad2d"
    other_names = ("reflection_pad", "reflect_pad", "mirror_pad")
    module_class = "nn.ReflectionPad2d"
    mode = "reflect"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        y = super().infer(x)
        sides = self._sides
        for axis, around in enumerate((sides[2:], sides[:2])):
            size = x.dims[1 + axis]
            if known(size, *around) and max(around) >= size:
                raise ShapeError(
                    f"`reflection_pad2d` mirrors {max(around)} pixels, but the"
                    f" {AXES[axis]} of {x} has only {size - 1} beside its edge",
                    code="bad-padding",
                    attribute="padding",
                    help=f"use a padding of at most {size - 1}, or replication_pad2d",
                )
        return y


class ReplicationPad2d(_EdgePad2d):
    """The pixels of its edges around C x H x W: left, right, top, bottom
    (torch.nn.ReplicationPad2d)."""

    op = "replication_pad2d"
    other_names = ("replication_pad", "replicate_pad", "edge_pad")
    module_class = "nn.ReplicationPad2d"
    mode = "replicate"


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
