"""The op `pad`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from archc.ops.attributes import check_numbers, items, plain
from archc.ops.base import Call, Op
from archc.ops.padding.family import PADS, along, check_mirrored, pad_reach, padded
from archc.ops.reach import Reach
from archc.ops.shapes import axis_name
from archc.ops.sizes import MOST_AXES, Dim, Shape, ShapeError, known
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr


def _check_sides(value: Any) -> tuple[int, ...]:
    sides = check_numbers(value)
    if len(sides) % 2:
        raise PydanticCustomError(
            "sides",
            "must have two numbers for each axis, not {value}",
            {"value": plain(value), "help": "the last axis first: before and behind"},
        )
    return sides


Sides = Annotated[
    Any,
    PlainValidator(_check_sides),
    WithJsonSchema({"type": "array", "items": {"type": "integer"}}),
]


class PadAxes(Op):
    """The last axes padded, the last one first, before and behind each; negative
    numbers crop (torch.nn.functional.pad)."""

    op = "pad"
    axes = None
    category = "reshape"
    other_attributes = (
        ("padding", "pad"), ("sides", "pad"), ("paddings", "pad"),
        ("padding_mode", "mode"), ("constant_values", "value"),
    )  # fmt: skip
    special_names = tuple(
        (name, 'mode = "circular"')
        for name in (
            "circular_pad",
            "circular_pad1d",
            "circular_pad2d",
            "circular_pad3d",
        )
    )
    module_class = "Pad"
    by_length = frozenset({"pad"})
    calls = PADS
    saves = frozenset({"input"})
    layout = "map"
    shows = (("mode", "{}"),)
    symbols = (("pad", (1, 1, 1, 1)),)
    helper = '''\
class Pad(nn.Module):
    """Pads the last axes, the last one first, before and behind each."""

    def __init__(
        self, pad: tuple[int, ...], mode: str = "constant", value: float = 0.0
    ) -> None:
        super().__init__()
        self.pad = pad
        self.mode = mode
        self.value = value

    def forward(self, x: Tensor) -> Tensor:
        value = self.value if self.mode == "constant" else None
        return nn.functional.pad(x, self.pad, self.mode, value)
'''

    pad: Sides
    mode: Literal["constant", "reflect", "replicate", "circular"] = "constant"
    value: float = 0.0

    @model_validator(mode="after")
    def _agree(self) -> PadAxes:
        if "value" in self.model_fields_set and self.mode != "constant":
            raise PydanticCustomError(
                "pad_value",
                "value goes with mode constant, not {mode}",
                {"mode": plain(self.mode), "help": "leave one of the two out"},
            )
        return self

    @property
    def _sides(self) -> tuple[Dim, ...]:
        return items(self.pad) or ()

    def _first(self, x: Shape) -> int:
        """The first of the axes that are padded."""
        axes, count = len(x.dims), len(self._sides) // 2
        if count > axes:
            raise ShapeError(
                f"`pad` of {count} axes reads {x}, which has {axes}",
                code="wrong-rank",
                attribute="pad",
                help="give two numbers for each axis, the last axis first; the batch is"
                " not padded",
            )
        if self.mode in ("reflect", "replicate", "circular") and (
            count != axes - 1 or count > MOST_AXES
        ):
            takes = f"takes {2 * (axes - 1)} numbers there"
            if not 1 < axes <= 1 + MOST_AXES:
                takes = f"is for one to {MOST_AXES} axes behind the first"
            raise ShapeError(
                f"`pad` of {count} axes with mode = {plain(self.mode)} reads {x}:"
                f" PyTorch {takes}",
                code="wrong-rank",
                attribute="pad",
                help="pad all axes but the first, those that stay with 0;"
                ' mode = "constant" pads as few as is said',
            )
        return axes - count

    @property
    def detail(self) -> str:
        return plain(self.pad)

    @property
    def keeps_range(self) -> bool:
        return self.mode != "constant" or self.value == 0

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        first, dims = self._first(x), list(x.dims)
        for axis, around in enumerate(along(self._sides), first):
            cuts = self.mode in ("constant", "circular")
            dims[axis] = padded(self, "pad", x, axis, around, crops_first=cuts)
            if self.mode == "reflect":
                check_mirrored(self, "pad", x, axis, around, 'mode = "replicate"')
            if self.mode == "circular":
                self._check_circular(x, axis, around)
        return Shape(tuple(dims), x.channel_axis)

    def _check_circular(self, x: Shape, axis: int, around: tuple[Dim, Dim]) -> None:
        if not known(x.dims[axis], *around):
            return
        # PyTorch goes around what is left of it
        left = x.dims[axis] + sum(min(side, 0) for side in around)
        if max(around) > left:
            raise ShapeError(
                f"`pad` goes around {x} more than once: its {axis_name(axis, x)} has"
                f" {left} to give, less than the {max(around)} of pad",
                code="bad-padding",
                attribute="pad",
                help=f"use at most {left} on a side",
            )

    def reach(self, x: Shape, y: Shape) -> Reach:
        return pad_reach(x, self._first(x), self._sides)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        if self.mode == "circular":
            # zeros, over which the edges are then written
            return (
                Step(y.dims, layout="ordered"),
                Step(y.dims, (1,), shares="same", scratch=1),
            )
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        if self.mode == "constant":
            return (replace(step, keeps=()),)
        # of these functions the CPU's list lacks one (ATen/autocast_mode.cpp)
        listed = device == "cpu" and (self.mode, len(y.dims)) != ("reflect", 4)
        return (replace(step, cast="full" if listed else "widest"),)

    def module(self, x: Shape) -> Call:
        return self._construct(self._sides, **self.given("mode", "value"))

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides), self.given("mode", "value"))
