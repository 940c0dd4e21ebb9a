"""Fully connected layers."""

from __future__ import annotations

from math import prod

from pydantic import Field

from archc.ops.base import Call, Dim, Dims, Op, Shape, ShapeError


class Linear(Op):
    """Fully connected layer over the last axis (torch.nn.Linear)."""

    op = "linear"
    category = "linear"
    saves = frozenset({"input", "weight"})
    autocast = "low"

    out_features: int = Field(ge=1)
    bias: bool = True

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if x.channel_axis != len(x.dims) - 1:
            raise ShapeError(
                f"`linear` needs a vector but reads a feature map, {x};"
                f" it would mix its last axis ({x.dims[-1]}), not its channels",
                code="needs-flatten",
                help='put { op = "flatten" } before it',
            )
        return Shape((*x.dims[:-1], self.out_features), x.channel_axis)

    def parameters(self, x: Shape) -> dict[str, Dims]:
        weight: dict[str, Dims] = {"weight": (self.out_features, x.dims[-1])}
        return weight | ({"bias": (self.out_features,)} if self.bias else {})

    def macs(self, x: Shape, y: Shape) -> Dim:
        return prod(y.dims) * x.dims[-1]

    def module(self, x: Shape) -> Call:
        return Call("nn.Linear", (x.dims[-1], self.out_features), self.given("bias"))
