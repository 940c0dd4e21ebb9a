"""The op `max_pool2d_same`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.pooling.family import SHOWS, indices, window_reach
from archc.ops.reach import Reach
from archc.ops.shapes import need_map, same_pads, same_sizes
from archc.ops.sizes import Shape
from archc.ops.steps import Device, Step
from archc.spec.expressions import Name


class MaxPool2dSame(Op):
    """Largest value in a window, over C x H x W, padded as TensorFlow does to give
    size / stride, rounded up (torch.nn.MaxPool2d)."""

    op = "max_pool2d_same"
    category = "pooling"
    module_class = "MaxPool2dSame"
    helper = '''\
class MaxPool2dSame(nn.Module):
    """The largest value in a window, padded as TensorFlow does,
    to give size / stride, rounded up."""

    def __init__(self, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        pad: list[int] = []
        for size in (x.shape[3], x.shape[2]):
            last = (-(-size // self.stride) - 1) * self.stride
            total = max(last + self.kernel_size - size, 0)
            pad += [total // 2, total - total // 2]
        x = nn.functional.pad(x, pad, value=float("-inf"))
        return nn.functional.max_pool2d(x, self.kernel_size, self.stride)
'''
    saves = frozenset({"steps between", "indices"})
    shows = SHOWS
    symbols = (("stride", Name("stride")),)

    kernel_size: int = Field(ge=1)
    stride: int | None = Field(default=None, ge=1, description="as kernel_size")

    @property
    def _stride(self) -> int:
        return self.kernel_size if self.stride is None else self.stride

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        return Shape((x.dims[0], *same_sizes(self, x, self._stride)))

    def _pads(self, x: Shape) -> list[int]:
        return same_pads(self, x, self.kernel_size, self._stride, 1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (x,) = inputs
        sizes = zip(x.sizes[1:], self._pads(x), strict=True)
        padded = (x.dims[0], *(size + pad for size, pad in sizes))
        return (
            Step(padded, layout="map"),
            Step(y.dims, reads=(1,), keeps=(1,), extra=indices(y), layout="map"),
        )

    def reach(self, x: Shape, y: Shape) -> Reach:
        before = tuple(pad // 2 for pad in self._pads(x))
        return window_reach(self, x, y, self.kernel_size, self._stride, before, 1)

    def module(self, x: Shape) -> Call:
        return self._construct(self.kernel_size, self._stride)
