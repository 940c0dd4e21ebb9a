"""The op `flatten`."""

from __future__ import annotations

from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.reach import EVERYWHERE, Everywhere
from archc.ops.sizes import Shape, ShapeError, need_known, value
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr


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
        if axis is not None and axis >= start:
            axis = max(start, axis - (end - start))
        return value((*x.dims[:start], joined, *x.dims[end + 1 :]), axis)

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
