"""The ops `dropout`, `dropout1d`, `dropout2d` and `dropout3d`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from archc.ops.base import Call
from archc.ops.code import Attribute, Local
from archc.ops.dropout.family import Dropping, masked, unchanged
from archc.ops.functions import Function, same_shape
from archc.ops.shapes import need_map
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr

_TRAINING = Attribute(Local("self"), "training")


def _is_off(settings: Mapping[str, Any]) -> bool:
    return not settings["training"] or settings["p"] == 0


class Dropout(Dropping):
    """Zeroes numbers at random (torch.nn.Dropout)."""

    op = "dropout"
    module_class = "nn.Dropout"
    calls = (Function("torch.nn.functional.dropout", shape=same_shape, passes=_is_off),)
    has_inplace = True

    p: float = Field(default=0.5, ge=0, le=1)
    inplace: bool = False  # PyTorch users do not expect it unless they say so

    def module(self, x: Shape) -> Call:
        return self._construct(p=self.p)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        if self.p == 0:
            return unchanged(y)
        if self.p == 1:
            return masked(y, Extra((), per_sample=False), inplace=inplace)
        # a GPU keeps where, everything else by how much
        fused = device == "cuda" and not inplace
        return masked(y, Extra(y.dims, 1 if fused else None), inplace=inplace)

    def function(self, x: Shape, argument: Expr) -> Call:
        settings = {"p": self.p, "training": _TRAINING}
        return Call("F.dropout", (argument,), settings)


def _of_channels(name: str) -> tuple[Function, ...]:
    name = f"torch.nn.functional.{name}"
    return (Function(name, shape=same_shape, passes=_is_off),)


class _ChannelDropout(Dropping):
    """Zeroes whole channels of a map at random."""

    has_inplace = True

    p: float = Field(default=0.5, ge=0, le=1)
    inplace: bool = False  # PyTorch users do not expect it unless they say so

    def infer(self, *inputs: Shape) -> Shape:
        need_map(self, inputs[0])
        return inputs[0]

    def module(self, x: Shape) -> Call:
        return self._construct(p=self.p)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        if self.p == 0:
            return unchanged(y)
        mask = Extra((y.dims[0], *(1 for _ in y.dims[1:])))
        return masked(y, mask, inplace=inplace)

    def function(self, x: Shape, argument: Expr) -> Call:
        settings = {"p": self.p, "training": _TRAINING}
        return Call(f"F.{self.op}", (argument,), settings)


class Dropout2d(_ChannelDropout):
    """Zeroes whole channels of C x H x W at random (torch.nn.Dropout2d)."""

    op = "dropout2d"
    other_names = ("spatial_dropout", "spatial_dropout2d")
    module_class = "nn.Dropout2d"
    calls = _of_channels("dropout2d")


class Dropout1d(_ChannelDropout):
    """Zeroes whole channels of C x L at random (torch.nn.Dropout1d)."""

    op = "dropout1d"
    axes = 1
    other_names = ("spatial_dropout1d",)
    module_class = "nn.Dropout1d"
    calls = _of_channels("dropout1d")


class Dropout3d(_ChannelDropout):
    """Zeroes whole channels of C x D x H x W at random (torch.nn.Dropout3d)."""

    op = "dropout3d"
    axes = 3
    other_names = ("spatial_dropout3d",)
    module_class = "nn.Dropout3d"
    calls = _of_channels("dropout3d")
