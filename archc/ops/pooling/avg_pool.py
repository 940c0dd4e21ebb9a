"""The ops `avg_pool1d`, `avg_pool2d` and `avg_pool3d`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.attributes import Padding, Size, SizeOrNone
from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.pooling.family import (
    OTHER_ATTRIBUTES,
    SHOWS,
    check_padding,
    need_whole_windows,
    pooled,
    settle_stride,
    window_reach,
)
from archc.ops.reach import Reach
from archc.ops.shapes import need_map, window_map
from archc.ops.sizes import Shape, Sides
from archc.spec.expressions import Expr, Name


def _avg_pooling(name: str, signature: str) -> tuple[Function, ...]:
    return (
        Function(
            f"torch.nn.functional.{name}",
            signature=f"input kernel_size stride=None padding=0 ceil_mode=False"
            f" count_include_pad=True{signature}",
            settle=settle_stride,
            shape=pooled,
        ),
    )


class _AvgPool(Op):
    """Mean of a window."""

    category = "pooling"
    other_attributes = OTHER_ATTRIBUTES
    symbols = (("stride", Name("stride")),)
    shows = SHOWS
    saves = frozenset({"input"})
    layout = "map"

    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    padding: Padding = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        check_padding(self, self.kernel_size, self.padding)
        sizes = window_map(
            self, x, self.kernel_size, self._stride, self.padding,
            ceil_mode=self.ceil_mode,
        )  # fmt: skip
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return window_reach(self, x, y, self.kernel_size, self._stride, self.padding, 1)

    def module(self, x: Shape) -> Call:
        return self._construct(**{"kernel_size": self.kernel_size} | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument,), self.module(x).kwargs)


class _DividedAvgPool(_AvgPool):
    """One whose divisor can be given, which PyTorch's of sequences lacks."""

    divisor_override: int | None = Field(default=None, ge=1)

    @property
    def keeps_range(self) -> bool:
        return self.divisor_override is None


class AvgPool2d(_DividedAvgPool):
    """Mean of a window, over C x H x W (torch.nn.AvgPool2d)."""

    op = "avg_pool2d"
    other_names = (
        "avgpool", "avg_pool", "average_pool", "average_pooling", "average_pooling2d",
        "avg_pooling", "mean_pool",
    )  # fmt: skip
    module_class = "nn.AvgPool2d"
    calls = _avg_pooling("avg_pool2d", " divisor_override=None")


class AvgPool1d(_AvgPool):
    """Mean of a window, over C x L (torch.nn.AvgPool1d)."""

    op = "avg_pool1d"
    axes = 1
    other_names = ("average_pooling1d", "temporal_avg_pooling")
    module_class = "nn.AvgPool1d"
    calls = _avg_pooling("avg_pool1d", "")


class AvgPool3d(_DividedAvgPool):
    """Mean of a window, over C x D x H x W (torch.nn.AvgPool3d)."""

    op = "avg_pool3d"
    axes = 3
    other_names = ("average_pooling3d", "volumetric_avg_pooling")
    module_class = "nn.AvgPool3d"
    calls = _avg_pooling("avg_pool3d", " divisor_override=None")
    autocast_on_cpu = "full"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        y = super().infer(x)
        need_whole_windows(self, x, self.kernel_size)
        return y
