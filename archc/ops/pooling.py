"""Pooling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from archc.ops.functions import Function, Sizes
from archc.ops.shapes import need_map, window_map
from archc.ops.steps import Device, Extra, Step
from archc.spec.expressions import Expr, Name


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


_SHOWS = (("kernel_size", "{}x{}"), ("stride", "/{}"))


def _settle_stride(settings: dict[Any, Any]) -> None:
    """A stride that is left out is the kernel's size."""
    if settings.get("stride") is None:
        settings["stride"] = settings["kernel_size"]


def _indices(y: Shape) -> tuple[Extra, ...]:
    """Where each maximum was, as int64."""
    return (Extra(y.dims, 8),)


class MaxPool2d(Op):
    """Largest value in a window, over C x H x W (torch.nn.MaxPool2d)."""

    op = "max_pool2d"
    category = "pooling"
    other_names = ("pool", "maxpool")
    module_class = "nn.MaxPool2d"
    calls = (
        Function(
            "torch.nn.functional.max_pool2d",
            signature="input kernel_size stride=None padding=0 dilation=1"
            " ceil_mode=False return_indices=False",
            settle=_settle_stride,
        ),
    )
    symbols = (("stride", Name("stride")),)
    shows = (*_SHOWS, ("dilation", "dilation {}"))
    saves = frozenset({"input", "indices"})
    layout = "map"

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
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.max_pool2d", (argument,), self.module(x).kwargs)


class AvgPool2d(Op):
    """Mean of a window, over C x H x W (torch.nn.AvgPool2d)."""

    op = "avg_pool2d"
    category = "pooling"
    other_names = ("avgpool",)
    module_class = "nn.AvgPool2d"
    calls = (
        Function(
            "torch.nn.functional.avg_pool2d",
            signature="input kernel_size stride=None padding=0 ceil_mode=False"
            " count_include_pad=True divisor_override=None",
            settle=_settle_stride,
        ),
    )
    symbols = (("stride", Name("stride")),)
    shows = _SHOWS
    saves = frozenset({"input"})
    layout = "map"

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
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.avg_pool2d", (argument,), self.module(x).kwargs)


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


def _resized(tensors: Sequence[Sizes], settings: Mapping[str, Any]) -> Sizes | None:
    size = settings.get("output_size")
    return (*tensors[0][:-2], size, size) if isinstance(size, int) else None


class _AdaptivePool(Op):
    """What the adaptive poolings share."""

    category = "pooling"
    layout = "map"
    shows = (("output_size", "{}x{}"),)

    output_size: Size

    @property
    def short_name(self) -> str:
        kind = "global" if pair(self.output_size) == (1, 1) else "adaptive"
        return super().short_name.replace("adaptive", kind)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self.op, x)
        return Shape((x.dims[0], *pair(self.output_size)))

    def reach(self, x: Shape, y: Shape) -> Window | Everywhere:
        return _adaptive_reach(x, y)

    def module(self, x: Shape) -> Call:
        return self._construct(self.output_size)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Mean pooling of C x H x W to a given size (torch.nn.AdaptiveAvgPool2d)."""

    op = "adaptive_avg_pool2d"
    other_names = ("global_avg_pool", "gap")
    module_class = "nn.AdaptiveAvgPool2d"
    calls = (Function("torch.nn.functional.adaptive_avg_pool2d", shape=_resized),)
    saves = frozenset({"input"})

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        # for a single output torch takes the mean, which keeps nothing
        if y.dims[1:] == (1, 1):
            return (Step(y.dims, layout="ordered"),)
        return (Step(y.dims, keeps=(0,), layout="map"),)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.adaptive_avg_pool2d", (argument, self.output_size))


class AdaptiveMaxPool2d(_AdaptivePool):
    """Max pooling of C x H x W to a given size (torch.nn.AdaptiveMaxPool2d)."""

    op = "adaptive_max_pool2d"
    module_class = "nn.AdaptiveMaxPool2d"
    saves = frozenset({"input", "indices"})

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return _indices(y)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.adaptive_max_pool2d", (argument, self.output_size))
