"""Padding with zeros, around maps and behind channels."""

from __future__ import annotations

from typing import Annotated, Any

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
