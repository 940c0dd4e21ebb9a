"""What the ops of this family share."""

from __future__ import annotations

from archc.ops import code
from archc.ops.attributes import items, plain
from archc.ops.axes import OneOrSeveral, named_axes
from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.reach import EVERYWHERE, Along, Reach, parts
from archc.ops.sizes import Shape, ShapeError, need_known, value
from archc.spec.expressions import Expr, as_expr


def helper_class(name: str, method: str, what: str) -> str:
    return f'''\
class {name}(nn.Module):
    """{what} over axes."""

    def __init__(self, dim: int | tuple[int, ...], keepdim: bool = False) -> None:
        super().__init__()
        self.dim = dim
        self.keepdim = keepdim

    def forward(self, x: Tensor) -> Tensor:
        return x.{method}(self.dim, keepdim=self.keepdim)
'''


def called(method: str) -> tuple[Function, ...]:
    return (
        Function(
            f"torch.Tensor.{method}",
            also=(f"torch.{method}",),
            signature="input dim keepdim=False",
        ),
    )


class Reduction(Op):
    """What reductions share. An axis that is reduced goes, or is one wide."""

    category = "pooling"
    layout = "ordered"
    shows = (("dim", "over {}"),)
    symbols = (("dim", (2, 3)),)
    other_attributes = (
        ("axis", "dim"), ("axes", "dim"), ("dims", "dim"), ("keepdims", "keepdim"),
        ("keep_dims", "keepdim"),
    )  # fmt: skip

    dim: OneOrSeveral
    keepdim: bool = False

    @property
    def detail(self) -> str:
        return plain(self.dim)

    def _axes(self, x: Shape) -> list[int]:
        """Those of the sample that are reduced."""
        return named_axes(self.op, self.dim, x, "dim")

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_known("keepdim", self.keepdim)
        axes, channel = self._axes(x), x.channel_axis
        if self.keepdim:
            sizes = (1 if axis in axes else n for axis, n in enumerate(x.dims))
            return Shape(tuple(sizes), channel)
        if len(axes) == len(x.dims):
            raise ShapeError(
                f"`{self.op}` with dim = {plain(self.dim)} leaves a single number of"
                f" {x}, which has no axis for what comes next",
                code="bad-axis",
                attribute="dim",
                help="with keepdim = true all axes stay, each one wide",
            )
        left = tuple(n for axis, n in enumerate(x.dims) if axis not in axes)
        if channel is None or channel in axes:
            return value(left, None)
        return value(left, channel - sum(axis < channel for axis in axes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        reduced = {*self._axes(x)}
        if len(y.dims) < len(x.dims):
            return tuple(
                Along(axis) for axis in range(len(x.dims)) if axis not in reduced
            )
        axes = reduced - {x.channel_axis}
        wide = any(x.dims[axis] != 1 for axis in axes)
        if wide and len(axes) == len(x.dims) - (x.channel_axis is not None):
            return EVERYWHERE
        if not wide:
            return None
        return tuple(
            None
            if axis == x.channel_axis
            else Along(axis, (parts(x.sizes[axis], 1),) if axis in axes else ())
            for axis in range(len(x.dims))
        )

    def module(self, x: Shape) -> Call:
        return self._construct(self.dim, **self.given("keepdim"))

    def function(self, x: Shape, argument: Expr) -> Expr:
        dim = items(self.dim)
        over = as_expr(self.dim)
        if dim is not None:
            over = code.Sequence(tuple(map(as_expr, dim)), "()")
        rest = {name: as_expr(value) for name, value in self.given("keepdim").items()}
        return code.call(code.Attribute(argument, self.op), over, **rest)
