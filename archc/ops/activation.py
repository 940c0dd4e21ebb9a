"""Activations: what is computed for each number, or along one axis."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any, ClassVar, Literal

from archc.ops.base import Call, Op, Saved, Shape, ShapeError, known
from archc.ops.functions import Function, same_shape
from archc.ops.reach import EVERYWHERE, Everywhere
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr

_INPUT: frozenset[Saved] = frozenset({"input"})
_OUTPUT: frozenset[Saved] = frozenset({"output"})


def _called(name: str, *also: str) -> tuple[Function, ...]:
    """A function that has one result for each number."""
    return (Function(name, also, shape=same_shape),)


class _Activation(Op):
    """What activations share: their module and function take the same settings."""

    category = "activation"
    saves = _INPUT
    function_name: ClassVar[str]
    """Of the function in generated code."""

    @property
    def short_name(self) -> str:
        return (self.module_class or "").removeprefix("nn.")

    def _settings(self) -> dict[str, Any]:
        return self.given()

    def module(self, x: Shape) -> Call:
        return self._construct(**self._settings())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(self.function_name, (argument,), self._settings())


class _InPlace(_Activation):
    """An activation with an in-place form.

    Each has the field `inplace`, the last one as in PyTorch; None leaves it to the
    compiler, which takes the in-place form where that is safe.
    """

    has_inplace = True
    copies_inplace: ClassVar[bool] = True
    """Whether its in-place form keeps a copy of its input. Otherwise it goes by its
    output."""

    def _settings(self) -> dict[str, Any]:
        return {k: v for k, v in self.given().items() if k != "inplace"}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        if not inplace:
            return (step,)
        if self.copies_inplace:
            return (replace(step, keeps=(), extra=(Extra(y.dims, for_gradient=True),)),)
        return (replace(step, keeps=(1,)),)


class Relu(_InPlace):
    """max(x, 0) (torch.nn.ReLU)."""

    op = "relu"
    other_names = ("rectifier", "rectified_linear")
    saves = _OUTPUT
    copies_inplace = False
    output_range = (0.0, inf)
    module_class = "nn.ReLU"
    function_name = "F.relu"
    calls = _called("torch.nn.functional.relu", "torch.relu", "torch.Tensor.relu")

    inplace: bool | None = None


def _settle_bounds(settings: dict[Any, Any]) -> None:
    """Of ReLU6, as `hardtanh` would be told them."""
    settings.setdefault("min_val", 0.0)
    settings.setdefault("max_val", 6.0)


class Relu6(_InPlace):
    """min(max(x, 0), 6) (torch.nn.ReLU6)."""

    op = "relu6"
    output_range = (0.0, 6.0)
    module_class = "nn.ReLU6"
    function_name = "F.relu6"
    calls = (
        Function(
            "torch.nn.functional.relu6",
            also=("torch.nn.functional.hardtanh",),  # which the module calls
            settle=_settle_bounds,
            shape=same_shape,
        ),
    )

    inplace: bool | None = None


class LeakyRelu(_InPlace):
    """max(x, 0) + negative_slope * min(x, 0) (torch.nn.LeakyReLU)."""

    op = "leaky_relu"
    other_names = ("lrelu",)
    special_names = (("leaky", "negative_slope = 0.1"),)
    other_attributes = (
        ("alpha", "negative_slope"),
        ("slope", "negative_slope"),
    )
    copies_inplace = False
    module_class = "nn.LeakyReLU"
    function_name = "F.leaky_relu"

    negative_slope: float = 0.01
    inplace: bool | None = None


class Elu(_InPlace):
    """x above zero, alpha * (exp(x) - 1) below (torch.nn.ELU)."""

    op = "elu"
    copies_inplace = False
    module_class = "nn.ELU"
    function_name = "F.elu"

    alpha: float = 1.0
    inplace: bool | None = None


class Gelu(_Activation):
    """x times the Gaussian's cumulative distribution (torch.nn.GELU)."""

    op = "gelu"
    module_class = "nn.GELU"
    function_name = "F.gelu"
    calls = (
        Function(
            "torch.nn.functional.gelu",
            signature="input approximate='none'",
            shape=same_shape,
        ),
    )

    approximate: Literal["none", "tanh"] = "none"


class Silu(_InPlace):
    """x * sigmoid(x) (torch.nn.SiLU)."""

    op = "silu"
    other_names = ("swish",)
    module_class = "nn.SiLU"
    function_name = "F.silu"
    calls = _called("torch.nn.functional.silu")

    inplace: bool | None = None


class Sigmoid(_Activation):
    """1 / (1 + exp(-x)) (torch.nn.Sigmoid)."""

    op = "sigmoid"
    other_names = ("logistic",)
    output_range = (0.0, 1.0)
    saves = _OUTPUT
    module_class = "nn.Sigmoid"
    function_name = "torch.sigmoid"
    calls = _called("torch.sigmoid", "torch.Tensor.sigmoid")


class Tanh(_Activation):
    """The hyperbolic tangent (torch.nn.Tanh)."""

    op = "tanh"
    output_range = (-1.0, 1.0)
    saves = _OUTPUT
    module_class = "nn.Tanh"
    function_name = "torch.tanh"
    calls = _called("torch.tanh", "torch.Tensor.tanh")


class Hardswish(_InPlace):
    """x * relu6(x + 3) / 6 (torch.nn.Hardswish)."""

    op = "hardswish"
    other_names = ("hswish",)
    module_class = "nn.Hardswish"
    function_name = "F.hardswish"

    inplace: bool | None = None


class Hardsigmoid(_InPlace):
    """relu6(x + 3) / 6 (torch.nn.Hardsigmoid)."""

    op = "hardsigmoid"
    other_names = ("hsigmoid",)
    output_range = (0.0, 1.0)
    module_class = "nn.Hardsigmoid"
    function_name = "F.hardsigmoid"

    inplace: bool | None = None


class _AlongAxis(_Activation):
    """An activation along one axis, the batch counted as axis 0."""

    saves = _OUTPUT
    autocast = "full"
    autocast_on_cpu = "widest"
    layout = "ordered"
    symbols = (("dim", 1),)

    other_attributes = (("axis", "dim"),)

    dim: int = 1

    def _settings(self) -> dict[str, Any]:
        return {"dim": self.dim}

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        rank = len(x.dims)
        if known(self.dim) and not 1 <= abs(self.dim) <= rank:
            raise ShapeError(
                f"`{self.op}` along dim = {self.dim}, but {x} has the axes 1 to {rank}"
                " (0 is the batch)",
                code="bad-axis",
                attribute="dim",
                help="dim = 1 is the channels",
            )
        return x

    def reach(self, x: Shape, y: Shape) -> Everywhere | None:
        axis = self.dim % (len(x.dims) + 1) - 1
        alone = axis == x.channel_axis or x.dims[axis] == 1
        return None if alone else EVERYWHERE


class Softmax(_AlongAxis):
    """exp(x), made to sum to one along an axis (torch.nn.Softmax)."""

    op = "softmax"
    output_range = (0.0, 1.0)
    module_class = "nn.Softmax"
    function_name = "F.softmax"


class LogSoftmax(_AlongAxis):
    """The logarithm of the softmax along an axis (torch.nn.LogSoftmax)."""

    op = "log_softmax"
    module_class = "nn.LogSoftmax"
    function_name = "F.log_softmax"
