"""What the ops of this family share."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from archc.ops.base import (
    Call,
    Dim,
    Op,
    PerAxis,
    Shape,
    ShapeError,
    axis_names,
    check_numbers,
    items,
    known,
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


PADS = (Function("torch.nn.functional.pad", settle=_settle_padding),)


class Pad(Op):
    """What pads around a map share."""

    category = "reshape"
    other_attributes = (("pad", "padding"),)
    layout = "map"
    calls = PADS
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


class EdgePad(Pad):
    """What pads share that repeat pixels of the map."""

    saves = frozenset({"input"})
    autocast_on_cpu = "full"
    crops_first = False
    mode: ClassVar[str]
    """What `torch.nn.functional.pad` calls it."""

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides), {"mode": self.mode})
