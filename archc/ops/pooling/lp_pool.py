"""The ops `lp_pool1d`, `lp_pool2d` and `lp_pool3d`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.attributes import Size, SizeOrNone
from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.pooling.family import (
    OTHER_ATTRIBUTES,
    SHOWS,
    need_whole_windows,
    settle_stride,
    window_reach,
)
from archc.ops.reach import Reach
from archc.ops.shapes import window_map
from archc.ops.sizes import Shape, Sides
from archc.ops.steps import Device, Step
from archc.spec.expressions import Expr, Name


def _lp_pooling(name: str) -> tuple[Function, ...]:
    return (Function(f"torch.nn.functional.{name}", settle=settle_stride),)


class _LpPool(Op):
    """The p-norm of a window."""

    category = "pooling"
    other_attributes = (*OTHER_ATTRIBUTES[:-1], ("p", "norm_type"))
    symbols = (("stride", Name("stride")),)
    shows = (*SHOWS, ("norm_type", "p {}"))
    saves = frozenset({"input", "steps between"})

    norm_type: float = Field(gt=0)
    kernel_size: Size
    stride: SizeOrNone = Field(default=None, description="as kernel_size")
    ceil_mode: bool = False

    @property
    def keeps_range(self) -> bool:
        return False

    @property
    def _stride(self) -> Sides:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        sizes = window_map(
            self, x, self.kernel_size, self._stride, 0, ceil_mode=self.ceil_mode
        )
        return Shape((x.dims[0], *sizes))

    def reach(self, x: Shape, y: Shape) -> Reach:
        return window_reach(self, x, y, self.kernel_size, self._stride, 0, 1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        """(sign(m) * relu(abs(m)) * n) ** (1 / p) of the mean m of n numbers ** p, as
        torch's Python writes it."""
        (x,) = inputs
        powers = "full" if device == "cuda" else "widest"
        # of the means, that of volumes is on the CPU's list (ATen/autocast_mode.cpp)
        mean = "full" if device == "cpu" and self.axes == 3 else "widest"
        return (
            Step(x.dims, keeps=(0,), scratch=2, cast=powers),
            Step(y.dims, reads=(1,), keeps=(1,), layout="map", cast=mean),
            Step(y.dims, reads=(2,)),
            Step(y.dims, reads=(2,), keeps=(2,), scratch=1),
            Step(y.dims, reads=(4,), keeps=(5,)),
            Step(y.dims, reads=(3, 5), keeps=(3, 5)),
            Step(y.dims, reads=(6,)),
            # a variable has the mean to the end
            Step(y.dims, reads=(7,), keeps=(7,), holds=(2,), scratch=2, cast=powers),
        )

    def module(self, x: Shape) -> Call:
        needed = {"norm_type": self.norm_type, "kernel_size": self.kernel_size}
        return self._construct(**needed | self.given())

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call(f"F.{self.op}", (argument,), self.module(x).kwargs)


class LpPool2d(_LpPool):
    """The p-norm of a window, over C x H x W (torch.nn.LPPool2d)."""

    op = "lp_pool2d"
    other_names = ("lp_pool", "lppool", "power_average_pool", "l2_pool")
    module_class = "nn.LPPool2d"
    calls = _lp_pooling("lp_pool2d")


class LpPool1d(_LpPool):
    """The p-norm of a window, over C x L (torch.nn.LPPool1d)."""

    op = "lp_pool1d"
    axes = 1
    module_class = "nn.LPPool1d"
    by_length = frozenset({"kernel_size"})
    calls = _lp_pooling("lp_pool1d")

    def module(self, x: Shape) -> Call:
        made = super().module(x)
        # torch multiplies by it, which a list of one number cannot be
        (kernel,) = self.each_axis(self.kernel_size)
        return Call(made.function, made.args, made.kwargs | {"kernel_size": kernel})


class LpPool3d(_LpPool):
    """The p-norm of a window, over C x D x H x W (torch.nn.LPPool3d)."""

    op = "lp_pool3d"
    axes = 3
    module_class = "nn.LPPool3d"
    calls = _lp_pooling("lp_pool3d")

    def infer(self, *inputs: Shape) -> Shape:
        y = super().infer(*inputs)
        need_whole_windows(self, inputs[0], self.kernel_size)
        return y
