"""The op `unflatten`."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from archc.ops.attributes import plain
from archc.ops.base import Call
from archc.ops.code import Global, Sequence, call
from archc.ops.functions import Function
from archc.ops.reach import Along, PerAxis
from archc.ops.reshape.family import (
    REST,
    Laid,
    Sizes,
    innermost,
    is_one,
    rest_of,
)
from archc.ops.shapes import axis_of
from archc.ops.sizes import Dim, Dims, Shape, ShapeError, known, need_known
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr, as_expr


class Unflatten(Laid):
    """One axis made several, the batch counted as axis 0; one size may be -1
    (torch.nn.Unflatten)."""

    op = "unflatten"
    category = "reshape"
    other_attributes = (
        ("sizes", "unflattened_size"), ("shape", "unflattened_size"), ("axis", "dim"),
    )  # fmt: skip
    module_class = "nn.Unflatten"
    calls = (
        Function(
            "torch.unflatten",
            also=("torch.Tensor.unflatten",),
            signature="input dim sizes",
        ),
    )
    shows = (("unflattened_size", "to {}"),)
    symbols = (("dim", 1), ("unflattened_size", (2, REST)))
    aliases = True
    sizes_key: ClassVar[str] = "unflattened_size"
    ones_matter: ClassVar[bool] = True

    dim: int
    unflattened_size: Sizes

    def _axis(self, x: Shape) -> int:
        need_known("dim", self.dim)
        return axis_of(self.op, self.dim, x)

    def _sizes(self, whole: Dim) -> Dims:
        """What the axis becomes."""
        sizes = self.given_sizes
        rest = rest_of(sizes)
        others = [s for n, s in enumerate(sizes) if n != rest and not is_one(s)]
        if known(whole, *others):
            part = prod(others)
            if whole % part if rest is not None else whole != part:
                raise ShapeError(
                    f"`unflatten` cannot lay out {whole} as {plain(sizes)}",
                    code="not-divisible",
                    attribute="unflattened_size",
                    help="the sizes multiply to what the axis has; one of them may be"
                    " -1, which is what the others leave",
                )
        if rest is None:
            return sizes
        left = whole // prod(others[1:], start=others[0]) if others else whole
        return (*sizes[:rest], left, *sizes[rest + 1 :])

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        axis = self._axis(x)
        sizes = self._sizes(x.dims[axis])
        channels = x.channel_axis
        if channels is not None and channels >= axis:
            behind = len(sizes) - 1
            if channels == axis:
                behind = innermost(self.given_sizes)
            channels += behind
        return Shape((*x.dims[:axis], *sizes, *x.dims[axis + 1 :]), channels)

    def reach(self, x: Shape, y: Shape) -> PerAxis:
        axis = self._axis(x)
        sizes = y.sizes[axis : axis + 1 + len(y.dims) - len(x.dims)]
        alone = [n for n, size in enumerate(sizes) if size == x.sizes[axis]]
        made: list[Along | None] = [None] * len(sizes)
        if alone:
            made[alone[-1]] = Along(axis)
        behind = (Along(n) for n in range(axis + 1, len(x.dims)))
        return (*map(Along, range(axis)), *made, *behind)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        return (Step(y.dims, reshapes=True, shares="view", fresh_gradient=False),)

    def module(self, x: Shape) -> Call:
        return self._construct(self.dim, self.unflattened_size)

    def function(self, x: Shape, argument: Expr) -> Expr:
        sizes = Sequence(tuple(map(as_expr, self.given_sizes)), "()")
        # torch says what this gives; of the method's arguments it leaves types out
        return call(Global("torch.unflatten"), argument, as_expr(self.dim), sizes)
