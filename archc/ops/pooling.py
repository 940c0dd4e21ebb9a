"""Pooling."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from typing import Any

from pydantic import Field

from archc.ops.base import (
    EVERYWHERE,
    Call,
    Everywhere,
    Op,
    Padding,
    Shape,
    ShapeError,
    Sides,
    Size,
    SizeOrNone,
    Window,
    known,
    pair,
)
from archc.ops.shapes import need_map, window_map
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Name


def _check_padding(op: str, kernel_size: Any, padding: Any) -> None:
    """Raises ShapeError where padding is more than half of the kernel."""
    for k, p in zip(pair(kernel_size), pair(padding), strict=True):
        if known(k, p) and p > k // 2:
            raise ShapeError(
                f"`{op}` takes a padding of at most half its kernel_size:"
                f" {p} is more than {k} // 2 = {k // 2}",
                code="bad-padding",
                attribute="padding",
                help=f"use a padding of at most {k // 2}, or a larger kernel_size",
            )


def _window_reach(
    x: Shape, y: Shape, spans: list[int], padding: Any, stride: Any
) -> Window | Everywhere:
    """A window's reach: everywhere, if a single one covers a map of several pixels."""
    covers = all(
        span - p >= size
        for span, p, size in zip(spans, pair(padding), x.dims[1:], strict=True)
    )
    if covers and y.dims[1:] == (1, 1) != x.dims[1:]:
        return EVERYWHERE
    return Window((spans[0], spans[1]), pair(stride))


def _indices(y: Shape) -> tuple[Extra, ...]:
    """Where each maximum was, as int64."""
    return (Extra(y.dims, 8),)


class MaxPool2d(Op):
    """Largest value in a window, over C x H x W (torch.nn.MaxPool2d)."""

    op = "max_pool2d"
    category = "pooling"
    saves = frozenset({"input", "indices"})

    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    padding: Padding = 0
    dilation: Size = 1
    ceil_mode: bool = False

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return _indices(y)

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        _check_padding(self.op, self.kernel_size, self.padding)
        height, width = window_map(
            self.op, x, self.kernel_size, self._stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        return Shape((x.dims[0], height, width))

    def reach(self, x: Shape, y: Shape) -> Window | Everywhere:
        kernel, dilation = pair(self.kernel_size), pair(self.dilation)
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        return _window_reach(x, y, spans, self.padding, self._stride)

    def module(self, x: Shape) -> Call:
        return Call(
            "nn.MaxPool2d", (), {"kernel_size": self.kernel_size} | self.given()
        )

    def function(self, x: Shape, argument: str) -> Call:
        return Call("F.max_pool2d", (Name(argument),), self.module(x).kwargs)


class AvgPool2d(Op):
    """Mean of a window, over C x H x W (torch.nn.AvgPool2d)."""

    op = "avg_pool2d"
    category = "pooling"
    saves = frozenset({"input"})

    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    padding: Padding = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = Field(default=None, ge=1)

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        _check_padding(self.op, self.kernel_size, self.padding)
        height, width = window_map(
            self.op, x, self.kernel_size, self._stride, self.padding,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        return Shape((x.dims[0], height, width))

    def reach(self, x: Shape, y: Shape) -> Window | Everywhere:
        spans = list(pair(self.kernel_size))
        return _window_reach(x, y, spans, self.padding, self._stride)

    def module(self, x: Shape) -> Call:
        return Call(
            "nn.AvgPool2d", (), {"kernel_size": self.kernel_size} | self.given()
        )

    def function(self, x: Shape, argument: str) -> Call:
        return Call("F.avg_pool2d", (Name(argument),), self.module(x).kwargs)


def _adaptive_reach(x: Shape, y: Shape) -> Window | Everywhere:
    """Output i of `out` covers floor(i*n/out) up to ceil((i + 1)*n/out)."""
    if y.dims[1:] == (1, 1) != x.dims[1:]:
        return EVERYWHERE
    spans: list[int] = []
    for n, out in zip(x.sizes[1:], y.sizes[1:], strict=True):
        # i*n mod out takes every multiple of the gcd; the largest reaches furthest
        most = out - gcd(n, out)
        spans.append(-(-(most + n) // out))
    down, right = (
        Fraction(n, o) for n, o in zip(x.sizes[1:], y.sizes[1:], strict=True)
    )
    return Window((spans[0], spans[1]), (down, right))


class AdaptiveAvgPool2d(Op):
    """Mean pooling of C x H x W to a given size (torch.nn.AdaptiveAvgPool2d)."""

    op = "adaptive_avg_pool2d"
    category = "pooling"
    saves = frozenset({"input"})

    output_size: Size

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # for a single output torch takes the mean, which keeps nothing
        keeps = () if y.dims[1:] == (1, 1) else (0,)
        return (Step(y.dims, keeps=keeps),)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        return Shape((x.dims[0], *pair(self.output_size)))

    def reach(self, x: Shape, y: Shape) -> Window | Everywhere:
        return _adaptive_reach(x, y)

    def module(self, x: Shape) -> Call:
        return Call("nn.AdaptiveAvgPool2d", (self.output_size,))

    def function(self, x: Shape, argument: str) -> Call:
        return Call("F.adaptive_avg_pool2d", (Name(argument), self.output_size))


class AdaptiveMaxPool2d(Op):
    """Max pooling of C x H x W to a given size (torch.nn.AdaptiveMaxPool2d)."""

    op = "adaptive_max_pool2d"
    category = "pooling"
    saves = frozenset({"input", "indices"})

    output_size: Size

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return _indices(y)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        return Shape((x.dims[0], *pair(self.output_size)))

    def reach(self, x: Shape, y: Shape) -> Window | Everywhere:
        return _adaptive_reach(x, y)

    def module(self, x: Shape) -> Call:
        return Call("nn.AdaptiveMaxPool2d", (self.output_size,))

    def function(self, x: Shape, argument: str) -> Call:
        return Call("F.adaptive_max_pool2d", (Name(argument), self.output_size))
