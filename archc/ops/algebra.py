"""Algebra: functions of each number, in `forward` as an expression."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from archc.ops.base import Call, Op, Shape, plain
from archc.ops.code import Attribute, call
from archc.ops.functions import Function, same_shape
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Binary, Expr, Name, as_expr


class _Elementwise(Op):
    """What functions of each number share."""

    category = "activation"
    scratch: ClassVar[int] = 0
    """How many tensors there are beside the gradient while torch works it out."""

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, scratch=self.scratch),)

    def module(self, x: Shape) -> Call:
        return self._construct(**self._settings())

    def _settings(self) -> dict[str, Any]:
        return self.given()


class Scale(_Elementwise):
    """x * factor, for a factor that is not learned (torch.mul)."""

    op = "scale"
    special_names = (("neg", "factor = -1"), ("negative", "factor = -1"))
    other_attributes = (("scale", "factor"), ("value", "factor"))
    module_class = "Scale"
    helper = '''\
class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor
'''
    shows = (("factor", "times {}"),)

    factor: float

    @property
    def detail(self) -> str:
        return f"×{self.factor}"

    def module(self, x: Shape) -> Call:
        return self._construct(self.factor)

    def function(self, x: Shape, argument: Expr) -> Expr:
        return Binary("*", argument, as_expr(self.factor))


class Clamp(_Elementwise):
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


class Pow(_Elementwise):
    """x ** exponent (torch.pow)."""

    op = "pow"
    other_names = ("power",)
    special_names = (("square", "exponent = 2"), ("reciprocal", "exponent = -1"))
    other_attributes = (("power", "exponent"), ("p", "exponent"))
    module_class = "Pow"
    helper = '''\
class Pow(nn.Module):
    """Raises to a power."""

    def __init__(self, exponent: float) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, x: Tensor) -> Tensor:
        return x**self.exponent
'''
    calls = (
        Function(
            "torch.Tensor.pow",
            also=("torch.pow", "torch.Tensor.__pow__"),
            signature="input exponent",
            shape=same_shape,
        ),
    )
    saves = frozenset({"input"})
    scratch = 2
    autocast = "full"
    autocast_on_cpu = "widest"
    shows = (("exponent", "to the {}"),)

    exponent: float

    @property
    def detail(self) -> str:
        return f"{self.exponent}"

    def module(self, x: Shape) -> Call:
        return self._construct(self.exponent)

    def function(self, x: Shape, argument: Expr) -> Expr:
        return Binary("**", argument, as_expr(self.exponent))


class Exp(_Elementwise):
    """The exponential function (torch.exp)."""

    op = "exp"
    other_names = ("exponential",)
    module_class = "Exp"
    helper = '''\
class Exp(nn.Module):
    """The exponential function."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.exp(x)
'''
    calls = (Function("torch.exp", also=("torch.Tensor.exp",), shape=same_shape),)
    saves = frozenset({"output"})
    autocast = "full"
    autocast_on_cpu = "widest"

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("torch.exp", (argument,))


class Sqrt(_Elementwise):
    """The square root (torch.sqrt)."""

    op = "sqrt"
    other_names = ("square_root",)
    module_class = "Sqrt"
    helper = '''\
class Sqrt(nn.Module):
    """The square root."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sqrt(x)
'''
    calls = (Function("torch.sqrt", also=("torch.Tensor.sqrt",), shape=same_shape),)
    saves = frozenset({"output"})
    scratch = 1

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("torch.sqrt", (argument,))
