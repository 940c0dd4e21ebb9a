"""Activations: what is computed for each number, or along one axis."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from archc.ops.base import Call, Dims, Op, Saved, Shape, ShapeError, known, plain
from archc.ops.functions import Function, same_shape
from archc.ops.reach import EVERYWHERE, Everywhere
from archc.ops.shapes import axis_of, need_channels_first
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

    def function(self, x: Shape, argument: Expr) -> Call | None:
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


class Hardtanh(_InPlace):
    """min(max(x, min_val), max_val) (torch.nn.Hardtanh)."""

    op = "hardtanh"
    module_class = "nn.Hardtanh"
    function_name = "F.hardtanh"  # which verify knows by relu6

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Hardtanh:
        if self.max_val <= self.min_val:
            raise PydanticCustomError(
                "hardtanh",
                "has max_val = {high}, which is not above min_val = {low}",
                {"high": plain(self.max_val), "low": plain(self.min_val)},
            )
        return self


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


class Selu(_InPlace):
    """1.0507 * x above zero, 1.7581 * (exp(x) - 1) below (torch.nn.SELU)."""

    # Klambauer et al. 2017
    op = "selu"
    copies_inplace = False
    module_class = "nn.SELU"
    function_name = "F.selu"
    calls = _called("torch.nn.functional.selu")

    inplace: bool | None = None


class Prelu(_Activation):
    """max(x, 0) + weight * min(x, 0), the weight one for all or one for each channel
    (torch.nn.PReLU)."""

    # He et al. 2015
    op = "prelu"
    other_names = ("parametric_relu",)
    module_class = "nn.PReLU"
    initializable = ("weight",)
    saves = frozenset({"input", "weight"})
    autocast = "low"

    num_parameters: int = Field(default=1, ge=1)
    init: float = 0.25

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        count = self.num_parameters
        if not known(count) or count == 1:
            return x
        need_channels_first(self.op, x)
        if known(x.channels) and count != x.channels:
            raise ShapeError(
                f"`prelu` with num_parameters = {count} needs so many channels, but"
                f" reads {x}",
                attribute="num_parameters",
                help='write num_parameters = "in_channels", or leave it out for one'
                " that all channels share",
            )
        return x

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (self.num_parameters,)}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        return (replace(step, spreads_weight=True),)

    def function(self, x: Shape, argument: Expr) -> None:
        return None


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


class Mish(_InPlace):
    """x * tanh(log(1 + exp(x))) (torch.nn.Mish)."""

    op = "mish"
    module_class = "nn.Mish"
    function_name = "F.mish"
    calls = _called("torch.nn.functional.mish")

    inplace: bool | None = None


class Softplus(_Activation):
    """log(1 + exp(beta * x)) / beta, and x where beta * x is above the threshold
    (torch.nn.Softplus)."""

    op = "softplus"
    output_range = (0.0, inf)
    autocast = "full"
    autocast_on_cpu = "widest"
    module_class = "nn.Softplus"
    function_name = "F.softplus"
    calls = (
        Function(
            "torch.nn.functional.softplus",
            signature="input beta=1.0 threshold=20.0",
            shape=same_shape,
        ),
    )

    beta: float = Field(default=1.0, gt=0)
    threshold: float = 20.0


class Sigmoid(_Activation):
    """1 / (1 + exp(-x)) (torch.nn.Sigmoid)."""

    op = "sigmoid"
    other_names = ("logistic",)
    output_range = (0.0, 1.0)
    saves = _OUTPUT
    module_class = "nn.Sigmoid"
    function_name = "torch.sigmoid"
    calls = _called("torch.sigmoid", "torch.Tensor.sigmoid")


class LogSigmoid(_Activation):
    """log(1 / (1 + exp(-x))) (torch.nn.LogSigmoid)."""

    op = "log_sigmoid"
    saves = frozenset({"input", "steps between"})
    module_class = "nn.LogSigmoid"
    function_name = "F.logsigmoid"
    calls = _called("torch.nn.functional.logsigmoid")

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # the CPU keeps the exponentials as well, a GPU computes them anew
        extra = (Extra(y.dims),) if device == "cpu" else ()
        return (Step(y.dims, keeps=(0,), extra=extra),)


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
        if known(self.dim):
            axis_of(self.op, self.dim, x)
        return x

    def reach(self, x: Shape, y: Shape) -> Everywhere | None:
        axis = axis_of(self.op, self.dim, x)
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
