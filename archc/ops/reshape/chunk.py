"""The op `chunk`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Op
from archc.ops.code import Attribute, call
from archc.ops.functions import Function
from archc.ops.merge.family import Merge
from archc.ops.reach import Along, PerAxis, Read
from archc.ops.shapes import axis_of, need_divisible
from archc.ops.sizes import Dim, Shape, need_known, to_int
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr, Index, as_expr

MOST_PARTS = 64


class Chunk(Merge):
    """An axis in equal parts, the batch counted as axis 0: `NAME.0`, `NAME.1` and so on
    (torch.chunk)."""

    op = "chunk"
    category = "reshape"
    parts = "chunks"
    other_names = ("split", "tensor_split", "split_channels")
    other_attributes = (
        ("axis", "dim"), ("num_or_size_splits", "chunks"), ("sections", "chunks"),
    )  # fmt: skip
    calls = (
        Function(
            "torch.Tensor.chunk", also=("torch.chunk",), signature="input chunks dim=0"
        ),
    )
    shows = (("chunks", "{} parts"),)
    symbols = (("chunks", 2), ("dim", 1))

    chunks: int = Field(ge=2, le=MOST_PARTS)
    dim: int = 1

    @classmethod
    def of_parts(cls) -> type[Op]:
        return ChunkPart

    @property
    def number(self) -> int:
        """Which of the parts it is."""
        return 0

    @property
    def detail(self) -> str:
        return f"{self.number + 1} of {self.chunks}"

    def _axis(self, x: Shape) -> int:
        need_known("dim", self.dim)
        return axis_of(self.op, self.dim, x)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        axis = self._axis(x)
        whole: Dim = x.dims[axis]
        what = "channels" if axis == x.channel_axis else "positions"
        need_divisible(self.op, what, whole, self.chunks, "chunks")
        return Shape(
            (*x.dims[:axis], whole // self.chunks, *x.dims[axis + 1 :]), x.channel_axis
        )

    def takes(self, x: Shape) -> tuple[int, Dim, Dim] | None:
        axis = self._axis(x)
        size = x.dims[axis] // self.chunks
        return axis, self.number * size, (self.number + 1) * size

    def reach(self, x: Shape, y: Shape) -> PerAxis | None:
        cut = self._axis(x)
        if cut == x.channel_axis:
            return None
        first = self.number * to_int(y.dims[cut])
        part = Along(cut, (Read(first=first, last=first),))
        return tuple(
            None if axis == x.channel_axis else part if axis == cut else Along(axis)
            for axis in range(len(x.dims))
        )

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        return (Step(y.dims, shares="view", siblings=self.chunks - 1),)

    def combine(self, y: Shape, *arguments: Expr) -> Expr:
        (value,) = arguments
        made = call(
            Attribute(value, "chunk"), as_expr(self.chunks), dim=as_expr(self.dim)
        )
        return Index(made, Const(self.number))


class ChunkPart(Chunk):
    """One of the parts of a `chunk`."""

    aliases = True
    locked = True

    part: int

    @property
    def number(self) -> int:
        return self.part
