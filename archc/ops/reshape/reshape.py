"""The op `reshape`."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pydantic import Field

from archc.ops.attributes import plain
from archc.ops.base import Call, Op
from archc.ops.code import Attribute, call
from archc.ops.functions import Function
from archc.ops.reach import Along, PerAxis
from archc.ops.reshape.family import (
    Laid,
    Sizes,
    innermost,
    is_one,
    parted,
    rest_of,
    single,
)
from archc.ops.sizes import (
    Dim,
    Dims,
    Shape,
    ShapeError,
    known,
    need_known,
    sizes_of,
    value,
)
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr, Index, as_expr


class Reshape(Laid):
    """The numbers of a sample, in their order, on other axes; one size may be -1
    (torch.reshape)."""

    op = "reshape"
    category = "reshape"
    other_names = ("view", "rearrange")
    other_attributes = (
        ("size", "sizes"),
        ("target_shape", "sizes"),
        ("shape", "sizes"),
    )
    module_class = "Reshape"
    calls = (
        Function(
            "torch.Tensor.reshape",
            also=("torch.reshape", "torch.Tensor.view"),
            signature="input *shape",
        ),
    )
    shows = (("sizes", "to {}"),)
    symbols = (("sizes", (2, -1)), ("channel_dim", 1))
    aliases = True
    helper = '''\
class Reshape(nn.Module):
    """Lays the numbers of each sample out on other axes."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes = sizes

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.sizes)
'''

    sizes: Sizes
    channel_dim: int | None = Field(default=None, description="where they went")

    def as_met(self, met: Sequence[Op], y: Shape | None) -> Op:
        op = super().as_met(met, y)
        if self.channel_dim is not None or y is None or y.channel_axis is None:
            return op
        return op.model_copy(update={"channel_dim": y.channel_axis + 1})

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        dims = self._dims(x)
        if self.channel_dim is not None:
            return value(dims, self._given(dims))
        return value(dims, self._followed(x, dims))

    def _dims(self, x: Shape) -> Dims:
        sizes = self.given_sizes
        rest = rest_of(sizes)
        others = [s for n, s in enumerate(sizes) if n != rest and not is_one(s)]
        whole = [size for size in x.dims if not is_one(size)]
        if known(*others, *whole):
            total, part = prod(whole), prod(others)
            if total % part if rest is not None else total != part:
                raise ShapeError(
                    f"`reshape` cannot lay out {x} as {plain(sizes)}: these are"
                    f" {total} numbers, for {part}",
                    attribute="sizes",
                    help="one of the sizes may be -1, which is what the others leave",
                )
        if rest is None:
            return sizes
        left: Dim = prod(whole[1:], start=whole[0]) if whole else 1
        if others:
            left = left // prod(others[1:], start=others[0])
        return (*sizes[:rest], left, *sizes[rest + 1 :])

    def _given(self, dims: Dims) -> int:
        """The axis that the spec says holds the channels."""
        need_known("channel_dim", self.channel_dim)
        rank, dim = len(dims), self.channel_dim or 0
        if not 1 <= abs(dim) <= rank:
            raise ShapeError(
                f"`reshape` with channel_dim = {dim} makes {Shape(dims)}, which has the"
                f" axes 1 to {rank} (0 is the batch)",
                code="bad-axis",
                attribute="channel_dim",
                help="left out, it is the axis to which the channels went",
            )
        return dim % (rank + 1) - 1

    def _followed(self, x: Shape, dims: Dims) -> int | None:
        """The axis to which the channels went whole, alone or with others; of several
        that they were split into, the last, as groups come first."""
        axis = x.channel_axis
        if axis is None or len(dims) == 1:
            return axis
        alone = all(is_one(size) for n, size in enumerate(x.dims) if n != axis)
        if alone and not is_one(x.dims[axis]):
            return innermost(self.given_sizes)
        need_known("sizes", *x.dims, *dims)
        old, new = x.sizes, sizes_of(dims)
        if old[axis] == 1:
            return single(old, axis, new)
        for before, behind in parted(old, new):
            if axis in before and 1 in (len(before), len(behind)):
                return behind[-1]
        return None

    def reach(self, x: Shape, y: Shape) -> PerAxis:
        old, new = x.sizes, y.sizes
        made: dict[int, int] = {}
        for axis, size in enumerate(old):
            at = single(old, axis, new) if size == 1 else None
            if at is not None:
                made.setdefault(at, axis)
        for before, behind in parted(old, new):
            if len(before) == len(behind) == 1:
                made[behind[0]] = before[0]
        return tuple(Along(made[n]) if n in made else None for n in range(len(new)))

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        return (Step(y.dims, reshapes=True, shares="view", fresh_gradient=False),)

    def module(self, x: Shape) -> Call:
        return self._construct(self.sizes)

    def function(self, x: Shape, argument: Expr) -> Expr:
        batch = Index(Attribute(argument, "shape"), Const(0))
        sizes = map(as_expr, self.given_sizes)
        return call(Attribute(argument, "reshape"), batch, *sizes)
