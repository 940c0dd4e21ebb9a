"""What the ops of this family share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from archc.ops.base import Call, Op, Saved
from archc.ops.functions import Function, same_shape
from archc.ops.reach import EVERYWHERE, Everywhere
from archc.ops.shapes import axis_of
from archc.ops.sizes import Shape, known
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr

_INPUT: frozenset[Saved] = frozenset({"input"})
OUTPUT: frozenset[Saved] = frozenset({"output"})


def called(name: str, *also: str) -> tuple[Function, ...]:
    """A function that has one result for each number."""
    return (Function(name, also, shape=same_shape),)


class Activation(Op):
    """What activations share: their module and function take the same settings."""

    category = "activation"
    projected = "rectified"
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


class InPlace(Activation):
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


class AlongAxis(Activation):
    """An activation along one axis, the batch counted as axis 0."""

    projected = "transposed"
    saves = OUTPUT
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
