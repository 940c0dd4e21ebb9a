"""The op `layer_scale`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.shapes import need_channels
from archc.ops.sizes import Dims, Shape, known
from archc.ops.steps import Device, Step
from archc.spec.expressions import Const, IfExp, ListOf, as_expr


class LayerScale(Op):
    """A learned factor for each channel, as in ConvNeXt, or one for all
    (torch.nn.Parameter)."""

    op = "layer_scale"
    category = "normalization"
    saves = frozenset({"input", "weight"})
    bare_parameter = True
    autocast = "promote"

    init: float = 1e-6
    per_channel: bool = True
    has_axis: bool = Field(default=False, description="of a factor for all")

    def infer(self, *inputs: Shape) -> Shape:
        if known(self.per_channel) and self.per_channel:
            need_channels(self.op, inputs[0])
        return inputs[0]

    def parameters(self, x: Shape) -> dict[str, Dims]:
        whole: Dims = (1,) if self.has_axis else ()
        return {"": self._each(x) if self.per_channel else whole}

    def _each(self, x: Shape) -> Dims:
        """The shape of a factor for each channel."""
        behind = len(x.dims) - 1 - need_channels(self.op, x)
        return (x.channels, *(1,) * behind)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        # a number without axes makes no output of half precision a wider one
        cast = step.cast if self.per_channel or self.has_axis else "widest"
        return (replace(step, spreads_weight=True, cast=cast),)

    def module(self, x: Shape) -> Call:
        # torch.full makes integers of an integer, and these have no gradients
        init = float(self.init) if isinstance(self.init, int) else self.init
        if known(self.per_channel, self.has_axis):
            shape: object = self.parameters(x)[""]
        else:
            each: tuple[Any, ...] = self._each(x)
            whole = IfExp(as_expr(self.has_axis), ListOf((Const(1),)), ListOf(()))
            shape = IfExp(as_expr(self.per_channel), ListOf(each), whole)
        values = Call("torch.full", (shape, init))
        return Call("nn.Parameter", (values,))
