"""Padding around maps and behind channels."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from archc.ops.base import (
    MOST_AXES,
    Call,
    Dim,
    Op,
    Padding,
    PerAxis,
    Shape,
    ShapeError,
    axis_names,
    check_numbers,
    items,
    known,
    pair,
    plain,
    to_int,
)
from archc.ops.functions import Function
from archc.ops.reach import Reach, over_map, window
from archc.ops.shapes import need_map
from archc.spec.expressions import Expr


class _Around(PerAxis):
    """One number, or two for each axis, as PyTorch has them: those of the last axis
    first. Negative ones crop."""

    def check(self, value: Any) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        return check_numbers(value, length=2 * (self.axes or 1))

    def schemas(self) -> list[dict[str, Any]]:
        number: dict[str, Any] = {"type": "integer"}
        return [number, self.each(number, times=2)]


PadSides = Annotated[Any, _Around()]


def _settle_padding(settings: dict[Any, Any]) -> None:
    """Zeros are what is padded with, and axes that are not padded can be left out."""
    if settings.get("value") is None:
        settings["value"] = 0.0
    sides = list(settings["pad"])
    while sides[-2:] == [0, 0] and len(sides) > 2:
        del sides[-2:]
    settings["pad"] = tuple(sides)


_PADS = (Function("torch.nn.functional.pad", settle=_settle_padding),)


class _Pad(Op):
    """What pads around a map share."""

    category = "reshape"
    other_attributes = (("pad", "padding"),)
    layout = "map"
    calls = _PADS
    crops_first: ClassVar[bool] = True
    """Whether PyTorch crops before it pads, and so cannot crop more than there is."""

    padding: PadSides

    @property
    def _sides(self) -> tuple[Dim, ...]:
        """As PyTorch has them: before and behind each axis, the last axis first."""
        return items(self.padding) or 2 * self.each_axis(self.padding)

    def _along(self) -> list[tuple[Dim, Dim]]:
        """Before and behind each axis, the first axis first."""
        around = self._sides
        return list(zip(around[-2::-2], around[::-2], strict=True))

    @property
    def detail(self) -> str:
        return plain(self.padding)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        sizes: list[Dim] = []
        for axis, (before, after) in enumerate(self._along()):
            size = x.dims[1 + axis]
            out = size + before + after
            if known(size, before, after) and (
                out < 1
                or (self.crops_first and size + min(before, 0) + min(after, 0) < 0)
            ):
                raise ShapeError(
                    f"`{self.op}` with padding = {plain(self.padding)} cuts away the"
                    f" whole {axis_names(len(x.dims) - 1)[axis]} of {x}",
                    code="bad-padding",
                    attribute="padding",
                    help="negative padding crops; crop less",
                )
            sizes.append(out)
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        before = (to_int(before) for before, _ in self._along())
        return over_map(*((window(1, 1, pad),) for pad in before))

    def module(self, x: Shape) -> Call:
        return self._construct(self.padding)


class _ZeroPad(_Pad):
    """Zeros around a map."""

    short = "zero pad"

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides))


class ZeroPad2d(_ZeroPad):
    """Zeros around C x H x W: left, right, top, bottom (torch.nn.ZeroPad2d)."""

    op = "zero_pad2d"
    other_names = ("zero_padding", "zero_padding2d", "pad", "pad2d", "padding")
    special_names = tuple(
        (name, "padding = [-1, -1, -1, -1]")
        for name in ("crop", "center_crop", "cropping2d")
    )
    module_class = "nn.ZeroPad2d"


class ZeroPad1d(_ZeroPad):
    """Zeros around C x L: before and behind (torch.nn.ZeroPad1d)."""

    op = "zero_pad1d"
    axes = 1
    other_names = ("zero_padding1d", "pad1d")
    special_names = (("cropping1d", "padding = [-1, -1]"),)
    module_class = "nn.ZeroPad1d"


class ZeroPad3d(_ZeroPad):
    """Zeros around C x D x H x W: left, right, top, bottom, front, back
    (torch.nn.ZeroPad3d)."""

    op = "zero_pad3d"
    axes = 3
    other_names = ("zero_padding3d", "pad3d")
    special_names = (("cropping3d", "padding = [-1, -1, -1, -1, -1, -1]"),)
    module_class = "nn.ZeroPad3d"


class ConstantPad2d(_Pad):
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


class _EdgePad(_Pad):
    """What pads share that repeat pixels of the map."""

    saves = frozenset({"input"})
    autocast_on_cpu = "full"
    crops_first = False
    mode: ClassVar[str]
    """What `torch.nn.functional.pad` calls it."""

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides), {"mode": self.mode})


class ReflectionPad2d(_EdgePad):
    """The map mirrored at its edges around C x H x W: left, right, top, bottom
    (torch.nn.ReflectionPad2d)."""

    op = "reflection_pad2d"
    other_names = ("reflection_pad", "reflect_pad", "mirror_pad")
    module_class = "nn.ReflectionPad2d"
    mode = "reflect"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        y = super().infer(x)
        for axis, around in enumerate(self._along()):
            size = x.dims[1 + axis]
            if known(size, *around) and max(around) >= size:
                raise ShapeError(
                    f"`{self.op}` mirrors {max(around)} pixels, but the"
                    f" {axis_names(len(x.dims) - 1)[axis]} of {x} has only {size - 1}"
                    " beside its edge",
                    code="bad-padding",
                    attribute="padding",
                    help=f"use a padding of at most {size - 1}, or replication_pad2d",
                )
        return y


class ReplicationPad2d(_EdgePad):
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
    # PyTorch's modules pad three axes at most
    helper = '''\
class ChannelPad(nn.Module):
    """Puts zeros around the last axes, as many of each as `padding` has numbers for."""

    def __init__(self, padding: tuple[int, ...]) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, self.padding)
'''

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
        sides = self._sides(x)
        if len(x.dims) > MOST_AXES:
            return Call("ChannelPad", (sides,))
        # PyTorch takes the batch for the first of the padded axes, which is the same
        return Call(f"nn.ZeroPad{len(x.dims)}d", (sides + (0, 0) * x.channel_axis,))

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides(x)))
