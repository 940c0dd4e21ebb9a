"""The op `concat`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archc.ops import code
from archc.ops.functions import Function, Sizes
from archc.ops.merge.family import Merge, agree, channel_axis, passed_on
from archc.ops.shapes import need_channels
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr


def _joined_shape(
    tensors: Sequence[Sizes], settings: Mapping[str, Any]
) -> Sizes | None:
    if settings.get("dim") != 1 or len({(x[0], x[2:]) for x in tensors}) > 1:
        return None
    first = tensors[0]
    return (first[0], sum(x[1] for x in tensors), *first[2:])


class Concat(Merge):
    """Inputs one after the other along the channels (torch.cat)."""

    op = "concat"
    other_names = ("cat", "concatenate", "concatenation", "depth_concat")
    verb = "concatenate"
    stacks_channels = True
    calls = (
        Function(
            "torch.cat",
            also=("torch.concat", "torch.concatenate"),
            signature="tensors dim=0",
            shape=_joined_shape,
            joins=True,
        ),
    )

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        if len(inputs) == 1:
            return passed_on(inputs[0])
        # each input's gradient is a view of the one that comes
        reads = tuple(range(len(inputs)))
        return (Step(y.dims, reads, fresh_gradient=False, layout="map"),)

    def infer(self, *inputs: Shape) -> Shape:
        first = inputs[0]
        axis = channel_axis(self.op, inputs)
        channel = need_channels(self.op, Shape(first.dims, axis))
        rest = [axis for axis in range(len(first.dims)) if axis != channel]
        channels = first.dims[channel]
        for x in inputs[1:]:
            channels = channels + x.dims[channel]
        dims = agree(self.op, inputs, rest)
        dims.insert(channel, channels)
        return Shape(tuple(dims), channel)

    def combine(self, y: Shape, *arguments: Expr) -> Expr:
        if len(arguments) == 1:
            return arguments[0]
        axis = Const(need_channels(self.op, y) + 1)
        values = code.Sequence(arguments)
        return code.call(code.Global("torch.cat"), values, dim=axis)
