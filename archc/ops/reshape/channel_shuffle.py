"""The op `channel_shuffle`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.shapes import need_divisible, need_map
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr


class ChannelShuffle(Op):
    """Channels of several groups interleaved (torch.nn.ChannelShuffle)."""

    op = "channel_shuffle"
    category = "reshape"
    axes = None
    other_names = ("shuffle", "shuffle_channels")
    module_class = "nn.ChannelShuffle"
    calls = (
        Function(
            "torch.nn.functional.channel_shuffle",
            also=("torch.channel_shuffle",),
            signature="input groups",
        ),
    )
    shows = (("groups", "groups {}"),)

    groups: int = Field(ge=1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # a GPU copies nothing where nothing changes places
        if device == "cuda" and self.groups in (1, y.dims[0]):
            return (Step(y.dims, shares="same", fresh_gradient=False),)
        return (Step(y.dims, layout="map"),)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        need_divisible(self.op, "channels", x.dims[0], self.groups, "groups")
        return x

    def module(self, x: Shape) -> Call:
        return self._construct(self.groups)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.channel_shuffle", (argument, self.groups))
