"""The op `normalize`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.reach import EVERYWHERE, Everywhere
from archc.ops.shapes import axis_of, need_channels
from archc.ops.sizes import Shape, known
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr


class Normalize(Op):
    """x divided by its norm along an axis, by default that of the channels
    (torch.nn.functional.normalize)."""

    op = "normalize"
    category = "normalization"
    other_names = ("l2_norm", "l2_normalize", "unit_norm")
    other_attributes = (("axis", "dim"), ("epsilon", "eps"))
    module_class = "Normalize"
    helper = '''\
class Normalize(nn.Module):
    """Divides by the norm along an axis."""

    def __init__(self, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> None:
        super().__init__()
        self.p = p
        self.dim = dim
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x, p=self.p, dim=self.dim, eps=self.eps)
'''
    saves = frozenset({"input", "steps between"})
    shows = (("p", "p {}"), ("dim", "dim {}"))

    p: float = Field(default=2.0, gt=0)
    dim: int | None = Field(default=None, description="the channels")
    eps: float = Field(default=1e-12, ge=0)

    def _axis(self, x: Shape) -> int:
        if self.dim is None:
            return need_channels(self.op, x)
        return axis_of(self.op, self.dim, x)

    def _settings(self, x: Shape) -> dict[str, Any]:
        settings = self.given()
        if self.dim is None and x.channel_axis:
            settings["dim"] = x.channel_axis + 1
        return settings

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if known(self.dim):
            self._axis(x)
        return x

    def reach(self, x: Shape, y: Shape) -> Everywhere | None:
        axis = self._axis(x)
        alone = axis == x.channel_axis or x.dims[axis] == 1
        return None if alone else EVERYWHERE

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        axis = self._axis(y)
        norm = (*y.dims[:axis], 1, *y.dims[axis + 1 :])
        return (
            Step(norm, keeps=(0, 1), cast="widest" if device == "cpu" else "widen"),
            # no less than eps
            Step(norm, reads=(1,), keeps=(1,), temporary=(Extra(norm, 1),)),
            Step(y.dims, reads=(0, 2), keeps=(0, 2), spread=True, scratch=3),
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**self._settings(x))

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.normalize", (argument,), self._settings(x))
