"""The op `linear`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.functions import Function, Sizes
from archc.ops.reach import EVERYWHERE, Along, Reach, Read
from archc.ops.sizes import Dim, Dims, Shape, ShapeError, known
from archc.ops.steps import Device, Step


def _result(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    x, (outputs, inputs) = tensors[:2]
    return (*x[:-1], outputs) if x[-1] == inputs else None


class Linear(Op):
    """Fully connected layer over the last axis (torch.nn.Linear)."""

    op = "linear"
    category = "linear"
    other_names = (
        "dense", "fc", "inner_product", "fully_connected", "connected",
        "linear_layer", "dense_layer", "fc_layer", "gemm",
    )  # fmt: skip
    other_attributes = (
        ("units", "out_features"),
        ("num_output", "out_features"),
        ("num_classes", "out_features"),
        ("out_channels", "out_features"),
        ("output", "out_features"),
        ("output_size", "out_features"),
        ("output_dim", "out_features"),
        ("bias_term", "bias"),
        ("use_bias", "bias"),
    )
    module_class = "nn.Linear"
    initializable = ("weight", "bias")
    calls = (
        Function(
            "torch.nn.functional.linear",
            signature="input weight bias=None",
            shape=_result,
            counted="linear",
        ),
    )
    saves = frozenset({"input", "weight"})
    autocast = "low"
    layout = "ordered"
    shows = (("out_features", "{}"),)

    in_features: int | None = Field(
        default=None,
        ge=1,
        description="the last axis; to be given where that is not the channels",
    )
    out_features: int = Field(ge=1)
    bias: bool = True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        last, given = x.dims[-1], self.in_features
        if given is None and x.channel_axis not in (len(x.dims) - 1, None):
            raise ShapeError(
                f"`linear` needs a vector but reads a feature map, {x};"
                f" it would mix its last axis ({last}), not its channels",
                code="needs-flatten",
                help='put { op = "flatten" } before it; where its last axis is meant,'
                f" say so: in_features = {last}",
            )
        if given is not None and known(given, last) and given != last:
            raise ShapeError(
                f"`linear` with in_features = {given} reads {x}, whose last axis has"
                f" {last}",
                attribute="in_features",
                help=f"write in_features = {last}, or bring the axis that is meant to"
                " the end with transpose",
            )
        return Shape((*x.dims[:-1], self.out_features), x.channel_axis)

    def reach(self, x: Shape, y: Shape) -> Reach:
        last = len(x.dims) - 1
        if last in (0, x.channel_axis):
            return None
        if all(axis in (last, x.channel_axis) for axis in range(last)):
            return EVERYWHERE
        whole = Read(step=0, last=x.sizes[last] - 1)
        return (*map(Along, range(last)), Along(last, (whole,)))

    def _last(self, x: Shape) -> Dim:
        return x.dims[-1] if self.in_features is None else self.in_features

    def parameters(self, x: Shape) -> dict[str, Dims]:
        weight: dict[str, Dims] = {"weight": (self.out_features, self._last(x))}
        return weight | ({"bias": (self.out_features,)} if self.bias else {})

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (x,) = inputs
        (step,) = super().steps(inputs, y, device=device, inplace=inplace)
        step = replace(step, weight_for_input=True, bias_first=True)
        rank = len(x.dims)
        if rank == 1:
            return (step,)
        # the rows of all samples, as one matrix
        axes = (0, rank - 1)
        rows = Step(x.dims, joins=axes, fresh_gradient=False, cast="low")
        return (rows, replace(step, reads=(1,), keeps=(1,), rows=axes))

    def macs(self, x: Shape, y: Shape) -> Dim:
        return prod(y.dims) * self._last(x)

    def module(self, x: Shape) -> Call:
        return self._construct(self._last(x), self.out_features, **self.given("bias"))
