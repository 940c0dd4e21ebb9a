"""The ops `max_pool1d`, `max_pool2d` and `max_pool3d`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from archc.ops.attributes import Padding, Size, SizeOrNone
from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.pooling.family import (
    OTHER_ATTRIBUTES,
    SHOWS,
    check_padding,
    indices,
    pooled,
    settle_stride,
    window_reach,
)
from archc.ops.reach import Reach
from archc.ops.shapes import need_map, window_map
from archc.ops.sizes import Shape, ShapeError, Sides, axis_names, known
from archc.ops.steps import Extra
from archc.spec.expressions import Expr, Name


def _check_windows(op: Op, x: Shape, settings: Sequence[Any]) -> None:
    """Raises ShapeError where a dilated window lies in the padding alone.

    PyTorch takes it: the maximum of nothing is minus infinity, and its gradient is
    written outside of the tensor.
    """
    each = zip(*map(op.each_axis, settings), strict=True)
    for axis, (size, (s, p, d)) in enumerate(zip(x.dims[1:], each, strict=True)):
        if not known(size, s, p, d):
            continue
        # what is left of the map begins again a dilation further on
        if d > size and any(start % d >= size for start in range(-p, 0, s)):
            raise ShapeError(
                f"`{op.op}` has a window that sees nothing but padding: the"
                f" {axis_names(len(x.dims) - 1)[axis]} is {size}, and of a window that"
                f" begins before it the next pixel is {d} further on",
                code="bad-padding",
                attribute="dilation",
                help=f"use a dilation of at most {size}, or no padding",
            )


def _max_pooling(name: str) -> tuple[Function, ...]:
    return (
        Function(
            f"torch.nn.functional.{name}",
            signature="input kernel_size stride=None padding=0 dilation=1"
            " ceil_mode=False return_indices=False",
            settle=settle_stride,
            shape=pooled,
        ),
    )


class _MaxPool(Op):
    """Largest value in a window."""

    category = "pooling"
    other_attributes = OTHER_ATTRIBUTES
    symbols = (("stride", Name("stride")),)
    shows = (*SHOWS, ("dilation", "dilation {}"))
    saves = frozenset({"input", "indices"})
    layout = "map"

    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    padding: Padding = 0
    dilation: Size = 1
    ceil_mode: bool = False

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        return indices(y)

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        check_padding(self, self.kernel_size, self.padding)
        sizes = window_map(
            self, x, self.kernel_size, self._stride, self.padding, self.dilation,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        _check_windows(self, x, (self._stride, self.padding, self.dilation))
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return window_reach(
            self, x, y, self.kernel_size, self._stride, self.padding, self.dilation
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument,), self.module(x).kwargs)


class MaxPool2d(_MaxPool):
    """Largest value in a window, over C x H x W (torch.nn.MaxPool2d)."""

    op = "max_pool2d"
    other_names = ("maxpool", "max_pool", "max_pooling", "max_pooling2d")
    module_class = "nn.MaxPool2d"
    calls = _max_pooling("max_pool2d")


class MaxPool1d(_MaxPool):
    """Largest value in a window, over C x L (torch.nn.MaxPool1d)."""

    op = "max_pool1d"
    axes = 1
    other_names = ("max_pooling1d", "temporal_max_pooling")
    module_class = "nn.MaxPool1d"
    calls = _max_pooling("max_pool1d")


class MaxPool3d(_MaxPool):
    """Largest value in a window, over C x D x H x W (torch.nn.MaxPool3d)."""

    op = "max_pool3d"
    axes = 3
    other_names = ("max_pooling3d", "volumetric_max_pooling")
    module_class = "nn.MaxPool3d"
    calls = _max_pooling("max_pool3d")
    autocast_on_cpu = "full"
