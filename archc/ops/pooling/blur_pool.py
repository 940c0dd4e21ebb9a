"""The op `blur_pool2d`."""

from __future__ import annotations

from math import prod

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.pooling.family import window_reach
from archc.ops.reach import Reach
from archc.ops.shapes import need_map, window_map
from archc.ops.sizes import Dim, Shape, ShapeError, axis_names, known, to_int
from archc.ops.steps import Device, Extra, Step


class BlurPool2d(Op):
    """Every so many pixels of a map that was blurred, over C x H x W
    (torch.nn.functional.conv2d)."""

    # Zhang 2019, "Making convolutional networks shift-invariant again"; padding as in
    # timm, whose filter is not in the state_dict either
    op = "blur_pool2d"
    category = "pooling"
    other_names = ("blur_pool", "aa_pool", "anti_alias_pool")
    other_attributes = (
        ("filt_size", "kernel_size"),
        ("filter_size", "kernel_size"),
        ("strides", "stride"),
    )
    module_class = "BlurPool2d"
    helper = '''\
class BlurPool2d(nn.Module):
    """Blurs with binomial weights, and takes every `stride`-th pixel."""

    def __init__(self, kernel_size: int = 3, stride: int = 2) -> None:
        super().__init__()
        self.stride = stride
        self.padding = (stride + kernel_size - 2) // 2
        row = [1.0]
        for _ in range(kernel_size - 1):
            row = [(a + b) / 2 for a, b in zip([0.0, *row], [*row, 0.0], strict=True)]
        self.weights = row

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        row = x.new_tensor(self.weights)
        kernel = torch.outer(row, row).repeat(channels, 1, 1, 1)
        x = nn.functional.pad(x, (self.padding,) * 4, mode="reflect")
        return nn.functional.conv2d(x, kernel, stride=self.stride, groups=channels)
'''
    shows = (("kernel_size", "{}x{}"), ("stride", "/{}"))
    saves = frozenset({"input", "steps between"})

    kernel_size: int = Field(default=3, ge=2)
    stride: int = Field(default=2, ge=1)

    @property
    def _padding(self) -> Dim:
        return (self.stride + self.kernel_size - 2) // 2

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        pad = self._padding
        for name, size in zip(axis_names(2), x.dims[1:], strict=True):
            if known(size, pad) and pad >= size:
                raise ShapeError(
                    f"`blur_pool2d` mirrors {pad} pixels, but the {name} of {x}"
                    f" has only {size - 1} beside its edge",
                    code="bad-padding",
                    attribute="kernel_size",
                    help="use a smaller kernel_size or stride",
                )
        kernel, stride = self.kernel_size, self.stride
        return Shape((x.dims[0], *window_map(self, x, kernel, stride, pad)))

    def macs(self, x: Shape, y: Shape) -> Dim:
        return prod(y.dims) * self.kernel_size * self.kernel_size

    def reach(self, x: Shape, y: Shape) -> Reach:
        pad = to_int(self._padding)
        return window_reach(self, x, y, self.kernel_size, self.stride, pad, 1)

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (x,) = inputs
        pad = to_int(self._padding)
        channels, height, width = x.dims
        padded = (channels, height + 2 * pad, width + 2 * pad)
        kernel = (channels, 1, self.kernel_size, self.kernel_size)
        return (
            Step(
                padded,
                keeps=(0,),
                layout="map",
                cast="full" if device == "cpu" else "widest",
            ),
            Step(
                y.dims,
                reads=(1,),
                keeps=(1,),
                extra=(Extra(kernel, per_sample=False),),
                layout="map",
                cast="low",
            ),
        )

    def module(self, x: Shape) -> Call:
        return self._construct(**self.given())
