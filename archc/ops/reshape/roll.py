"""The op `roll`."""

from __future__ import annotations

from typing import Any

from archc.ops.attributes import items, plain
from archc.ops.axes import OneOrSeveral, named_axes, numbers_of
from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.reach import Along, PerAxis, Read
from archc.ops.sizes import Shape, ShapeError
from archc.spec.expressions import Expr


def _settle(settings: dict[Any, Any]) -> None:
    """One number is a list of one."""
    for name in ("shifts", "dims"):
        value = settings[name]
        settings[name] = (value,) if isinstance(value, int) else tuple(value)


class Roll(Op):
    """What stands along axes moved on; what leaves at one end comes in at the other
    (torch.roll)."""

    op = "roll"
    category = "reshape"
    other_names = ("cyclic_shift",)
    other_attributes = (
        ("shift", "shifts"), ("dim", "dims"), ("axis", "dims"), ("axes", "dims"),
    )  # fmt: skip
    module_class = "Roll"
    calls = (
        Function(
            "torch.roll",
            also=("torch.Tensor.roll",),
            signature="input shifts dims",
            settle=_settle,
        ),
    )
    layout = "ordered"
    shows = (("shifts", "by {}"), ("dims", "along {}"))
    symbols = (("dims", 2),)
    helper = '''\
class Roll(nn.Module):
    """Moves what stands along axes; what leaves at one end comes in at the other."""

    def __init__(
        self, shifts: int | tuple[int, ...], dims: int | tuple[int, ...]
    ) -> None:
        super().__init__()
        self.shifts = shifts
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return torch.roll(x, self.shifts, self.dims)
'''

    shifts: OneOrSeveral
    dims: OneOrSeveral

    @property
    def detail(self) -> str:
        return plain(self.shifts)

    def _axes(self, x: Shape) -> list[int]:
        """Those of the sample, one for each shift."""
        shifts, axes = (
            numbers_of(self.shifts),
            named_axes(self.op, self.dims, x, "dims"),
        )
        if len(shifts) != len(axes):
            raise ShapeError(
                f"`roll` has {len(shifts)} shifts for {len(axes)} axes",
                code="bad-axis",
                attribute="shifts",
                help="give a shift for each axis: shifts = [-3, -3], dims = [2, 3]",
            )
        return axes

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        self._axes(x)
        return x

    def reach(self, x: Shape, y: Shape) -> PerAxis:
        # where it comes in again is a border, which cuts nothing; a large shift is a
        # small one the other way round
        moved = dict.fromkeys(range(len(x.dims)), 0)
        for axis, shift in zip(self._axes(x), numbers_of(self.shifts), strict=True):
            size = x.sizes[axis]
            moved[axis] = (shift + size // 2) % size - size // 2
        return tuple(
            None
            if axis == x.channel_axis
            else Along(axis, (Read(first=-shift, last=-shift),))
            for axis, shift in moved.items()
        )

    def module(self, x: Shape) -> Call:
        return self._construct(_written(self.shifts), _written(self.dims))

    def function(self, x: Shape, argument: Expr) -> Call:
        named = {"shifts": _written(self.shifts), "dims": _written(self.dims)}
        return Call("torch.roll", (argument,), named)


def _written(value: Any) -> Any:
    """A list as code writes it, one number as that."""
    parts = items(value)
    return value if parts is None else parts
