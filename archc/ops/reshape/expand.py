"""The op `expand`."""

from __future__ import annotations

from archc.ops.attributes import plain
from archc.ops.base import Call
from archc.ops.code import Attribute, call
from archc.ops.functions import Function
from archc.ops.reach import Along, PerAxis, Read
from archc.ops.reshape.family import REST, Laid, SizesOrKept
from archc.ops.sizes import Dim, Shape, ShapeError, known
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr, as_expr


class Expand(Laid):
    """Axes of one as wide as is said, without a copy; -1 keeps an axis
    (torch.Tensor.expand)."""

    op = "expand"
    category = "reshape"
    other_names = ("broadcast_to", "expand_as")
    other_attributes = (("size", "sizes"), ("shape", "sizes"))
    module_class = "Expand"
    calls = (Function("torch.Tensor.expand", signature="input *sizes"),)
    shows = (("sizes", "to {}"),)
    symbols = (("sizes", (REST, 7, 7)),)
    aliases = True
    locked = True
    helper = '''\
class Expand(nn.Module):
    """Makes axes of one as wide as `sizes` says, without a copy; -1 keeps an axis."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.sizes = sizes

    def forward(self, x: Tensor) -> Tensor:
        return x.expand(-1, *self.sizes)
'''

    sizes: SizesOrKept

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if len(self.given_sizes) != len(x.dims):
            raise ShapeError(
                f"`expand` with sizes = {plain(self.sizes)} reads {x}",
                code="wrong-rank",
                attribute="sizes",
                help=f"give a size for each of its {len(x.dims)} axes, -1 where one"
                " stays as it is",
            )
        pairs = enumerate(zip(x.dims, self.given_sizes, strict=True))
        return Shape(
            tuple(self._size(x, axis, size, new) for axis, (size, new) in pairs),
            x.channel_axis,
        )

    def _size(self, x: Shape, axis: int, size: Dim, new: Dim) -> Dim:
        if not known(new):
            return size if known(size) and size != 1 else new
        if new == REST:
            return size
        if known(size) and size not in (1, new):
            raise ShapeError(
                f"`expand` cannot make axis {axis + 1} of {x} {new} wide: only an axis"
                " of one is spread",
                attribute="sizes",
                help=f"write -1 there, which keeps the {size}",
            )
        return new

    def reach(self, x: Shape, y: Shape) -> PerAxis:
        return tuple(
            None
            if axis == x.channel_axis
            else Along(axis, () if size == out else (Read(step=0),))
            for axis, (size, out) in enumerate(zip(x.dims, y.dims, strict=True))
        )

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        return (
            Step(
                y.dims, shares="view", expands=True, spread=True, fresh_gradient=False
            ),
        )

    def module(self, x: Shape) -> Call:
        return self._construct(self.given_sizes)

    def function(self, x: Shape, argument: Expr) -> Expr:
        sizes = (Const(REST), *map(as_expr, self.given_sizes))
        return call(Attribute(argument, "expand"), *sizes)
