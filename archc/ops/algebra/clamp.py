"""The op `clamp`."""

from __future__ import annotations

from dataclasses import replace

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from archc.ops.algebra.family import Elementwise
from archc.ops.attributes import plain
from archc.ops.code import Attribute, call
from archc.ops.functions import Function, same_shape
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr, Name, as_expr


class Clamp(Elementwise):
    """x, no less than `min` and no more than `max`; one of them may be left out
    (torch.clamp)."""

    op = "clamp"
    other_names = ("clip",)
    other_attributes = (("min_val", "min"), ("max_val", "max"))
    module_class = "Clamp"
    helper = '''\
class Clamp(nn.Module):
    """Replaces what is below `min` or above `max` by that bound."""

    def __init__(self, min: float | None = None, max: float | None = None) -> None:
        super().__init__()
        self.min = min
        self.max = max

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=self.min, max=self.max)
'''
    calls = (
        Function(
            "torch.Tensor.clamp",
            also=("torch.clamp", "torch.clip", "torch.Tensor.clip"),
            signature="input min=None max=None",
            shape=same_shape,
        ),
    )
    saves = frozenset({"input"})
    gradient_as_read = True
    shows = (("min", "from {}"), ("max", "to {}"))
    symbols = (("min", Name("min")), ("max", Name("max")))

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Clamp:
        if self.min is None and self.max is None:
            raise PydanticCustomError(
                "clamp",
                "needs min, max, or both",
                {"help": "add min = 0, or max = 1"},
            )
        if self.min is not None and self.max is not None and self.max < self.min:
            raise PydanticCustomError(
                "clamp",
                "has max = {high}, which is below min = {low}",
                {"high": plain(self.max), "low": plain(self.min)},
            )
        return self

    @property
    def detail(self) -> str:
        low, high = (
            "" if bound is None else f"{bound}" for bound in (self.min, self.max)
        )
        return f"{low}..{high}"

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        bounds = [bound for bound in (self.min, self.max) if bound is not None]
        return (replace(step, temporary=(Extra(y.dims, 1),) * len(bounds)),)

    def function(self, x: Shape, argument: Expr) -> Expr:
        bounds = {name: as_expr(bound) for name, bound in self._settings().items()}
        return call(Attribute(argument, "clamp"), **bounds)
