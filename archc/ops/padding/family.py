"""What the ops of this family share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from archc.ops.attributes import PerAxis, check_numbers, items, plain
from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.reach import Along, Reach, window
from archc.ops.shapes import axis_name, need_map
from archc.ops.sizes import UNKNOWN, Dim, Shape, ShapeError, known, to_int
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


PADS = (Function("torch.nn.functional.pad", settle=_settle_padding),)


Around = tuple[Dim, Dim]
"""What is put before and behind an axis; a negative number crops."""


def along(sides: tuple[Dim, ...]) -> list[Around]:
    """What is put around each axis, the first axis first: PyTorch has the last one
    first."""
    return list(zip(sides[-2::-2], sides[::-2], strict=True))


def padded(
    op: Op, attribute: str, x: Shape, axis: int, around: Around, *, crops_first: bool
) -> Dim:
    """The size of an axis with this around it.

    `crops_first` says whether PyTorch crops before it pads, and so cannot crop more
    than there is.

    Raises:
        ShapeError: `bad-padding`, where nothing of it would be left.
    """
    size, (before, after) = x.dims[axis], around
    out = size + before + after
    if known(size, before, after) and (
        out < 1 or (crops_first and size + min(before, 0) + min(after, 0) < 0)
    ):
        raise ShapeError(
            f"`{op.op}` with {attribute} = {plain(getattr(op, attribute))} cuts away"
            f" the whole {axis_name(axis, x)} of {x}",
            code="bad-padding",
            attribute=attribute,
            help="negative padding crops; crop less",
        )
    return out


def check_mirrored(
    op: Op, attribute: str, x: Shape, axis: int, around: Around, instead: str
) -> None:
    """Raises ShapeError where an axis has too few pixels to be mirrored so far."""
    size, most = x.dims[axis], max(around) if known(*around) else UNKNOWN
    if known(size, most) and most >= size:
        raise ShapeError(
            f"`{op.op}` mirrors {most} pixels, but the {axis_name(axis, x)} of {x} has"
            f" only {size - 1} beside its edge",
            code="bad-padding",
            attribute=attribute,
            help=f"use a padding of at most {size - 1}, or {instead}",
        )


def pad_reach(x: Shape, first: int, sides: tuple[Dim, ...]) -> Reach:
    """The reach of a pad, whose sides are of the axes from `first` on."""
    before = {first + n: to_int(b) for n, (b, _) in enumerate(along(sides))}
    return tuple(
        None
        if axis == x.channel_axis
        else Along(axis, (window(1, 1, before.get(axis, 0)),))
        for axis in range(len(x.dims))
    )


class Pad(Op):
    """What pads around a map share."""

    category = "reshape"
    other_attributes = (("pad", "padding"),)
    layout = "map"
    calls = PADS
    crops_first: ClassVar[bool] = True
    """Whether PyTorch crops before it pads."""

    padding: PadSides

    @property
    def _sides(self) -> tuple[Dim, ...]:
        """As PyTorch has them: before and behind each axis, the last axis first."""
        return items(self.padding) or 2 * self.each_axis(self.padding)

    @property
    def _told(self) -> Any:
        """The same as code says it: a list that is given as it is."""
        return self._sides if items(self.padding) is None else self.padding

    @property
    def detail(self) -> str:
        return plain(self.padding)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        sizes = (
            padded(self, "padding", x, axis, around, crops_first=self.crops_first)
            for axis, around in enumerate(along(self._sides), 1)
        )
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return pad_reach(x, 1, self._sides)

    def module(self, x: Shape) -> Call:
        return self._construct(self.padding)


class EdgePad(Pad):
    """What pads share that repeat pixels of the map."""

    saves = frozenset({"input"})
    autocast_on_cpu = "full"
    crops_first = False
    mode: ClassVar[str]
    """What `torch.nn.functional.pad` calls it."""

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._told), {"mode": self.mode})
