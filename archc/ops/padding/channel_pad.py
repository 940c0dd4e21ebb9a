"""The op `channel_pad`."""

from __future__ import annotations

from archc.ops.attributes import Padding, pair
from archc.ops.base import Call, Op
from archc.ops.padding.family import PADS
from archc.ops.shapes import need_channels
from archc.ops.sizes import MOST_AXES, Dim, Shape
from archc.spec.expressions import Expr


class ChannelPad(Op):
    """Zeros as more channels: so many on each side, or (before, after) as a pair
    (torch.nn.functional.pad)."""

    op = "channel_pad"
    category = "reshape"
    calls = PADS
    layout = "map"
    by_length = frozenset({"padding"})
    # PyTorch's modules pad three axes at most
    helper = '''\
class ChannelPad(nn.Module):
    """Puts zeros around the last axes, as many of each as `padding` has numbers for."""

    def __init__(self, padding: tuple[int, ...]) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, self.padding)
'''

    padding: Padding

    def _sides(self, x: Shape) -> tuple[Dim, ...]:
        """As PyTorch has them: from the last axis back to the channels."""
        behind = len(x.dims) - 1 - need_channels(self.op, x)
        return (0, 0) * behind + pair(self.padding)

    @property
    def detail(self) -> str:
        return "+".join(str(n) for n in pair(self.padding) if n)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_channels(self.op, x)
        before, after = pair(self.padding)
        return x.with_channels(x.channels + before + after)

    def module(self, x: Shape) -> Call:
        sides = self._sides(x)
        if len(x.dims) > MOST_AXES:
            return Call("ChannelPad", (sides,))
        # PyTorch takes the batch for the first of the padded axes, which is the same
        sides += (0, 0) * (len(x.dims) - len(sides) // 2)
        return Call(f"nn.ZeroPad{len(x.dims)}d", (sides,))

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pad", (argument, self._sides(x)))
