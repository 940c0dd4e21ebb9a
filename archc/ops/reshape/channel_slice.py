"""The op `channel_slice`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.code import Attribute, Axes
from archc.ops.functions import Function
from archc.ops.shapes import need_channels
from archc.ops.sizes import Dim, Shape, ShapeError, known
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, Expr, Index, Name, Slice, as_expr


class ChannelSlice(Op):
    """The channels from `start` up to, not including, `stop`, or to the last; a `start`
    below 0 is counted from the end (torch.Tensor.narrow)."""

    op = "channel_slice"
    category = "reshape"
    other_names = ("slice", "narrow")
    module_class = "ChannelSlice"
    calls = (Function("torch.Tensor.narrow", signature="input dim start length"),)
    shows = (("start", "from {}"), ("stop", "to {}"))
    symbols = (("start", Name("start")), ("stop", Name("stop")))
    aliases = True
    helper = '''\
class ChannelSlice(nn.Module):
    """Takes the channels from `start` up to, not including, `stop`."""

    def __init__(self, start: int, stop: int, dim: int = 1) -> None:
        super().__init__()
        self.start = start
        self.stop = stop
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.stop - self.start)
'''

    start: int = 0
    stop: int | None = Field(default=None, ge=1, description="the end")

    @property
    def detail(self) -> str:
        return f"{self.start}:{'' if self.stop is None else self.stop}"

    @property
    def _from_end(self) -> bool:
        return known(self.start) and self.start < 0

    def _ends(self, x: Shape) -> tuple[Dim, Dim]:
        """From where to where, counted from the first channel."""
        start = x.channels + self.start if self._from_end else self.start
        return start, x.channels if self.stop is None else self.stop

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # a view, but its gradient has zeros around it
        return (Step(y.dims, shares="view"),)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_channels(self.op, x)
        start, stop = self._ends(x)
        if known(start) and start < 0:
            raise ShapeError(
                f"`channel_slice` begins {-self.start} before the end, but {x} has"
                f" {x.channels} channels",
                code="bad-slice",
                attribute="start",
                help=f"use a start of at least -{x.channels}",
            )
        if known(start, stop) and stop <= start:
            raise ShapeError(
                f"`channel_slice` from {start} to {stop} is empty",
                code="bad-slice",
                attribute="start" if self.stop is None else "stop",
                help="stop must be above start; the channel at stop is not taken",
            )
        if known(stop, x.channels) and stop > x.channels:
            raise ShapeError(
                f"`channel_slice` goes up to {stop}, but {x} has {x.channels} channels",
                code="bad-slice",
                attribute="stop",
                help=f"use a stop of at most {x.channels}",
            )
        if self._from_end and self.stop is None:
            return x.with_channels(-self.start)
        return x.with_channels(stop - start)

    def takes(self, x: Shape) -> tuple[int, Dim, Dim] | None:
        return need_channels(self.op, x), *self._ends(x)

    def module(self, x: Shape) -> Call:
        axis = need_channels(self.op, x)
        dim = {"dim": axis + 1} if axis else {}
        if self._from_end and self.stop is None:
            return self._construct(self.start, 0, **dim)  # where the end is, from there
        return self._construct(*self._ends(x), **dim)

    def function(self, x: Shape, argument: Expr) -> Expr:
        start = None if self.start == 0 else as_expr(self.start)
        axis = need_channels(self.op, x) + 1
        whole = Index(Attribute(argument, "shape"), Const(axis))
        stop = None if self.stop is None else as_expr(self.stop)
        if start is not None and stop == whole:
            stop = None
        return Axes(argument, axis, Slice(argument, start, stop, None))
