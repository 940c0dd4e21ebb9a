"""The op `pixel_unshuffle`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.reach import Reach, over_map, window
from archc.ops.shapes import need_divisible, need_map
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr


class PixelUnshuffle(Op):
    """Pixels laid out as channels of a smaller map, over C x H x W
    (torch.nn.PixelUnshuffle)."""

    op = "pixel_unshuffle"
    category = "reshape"
    other_names = ("space_to_depth", "reorg")
    other_attributes = (
        ("scale_factor", "downscale_factor"),
        ("block_size", "downscale_factor"),
    )
    module_class = "nn.PixelUnshuffle"
    calls = (
        Function(
            "torch.nn.functional.pixel_unshuffle",
            also=("torch.pixel_unshuffle",),
            signature="input downscale_factor",
        ),
    )
    layout = "ordered"
    shows = (("downscale_factor", "by {}"),)

    downscale_factor: int = Field(ge=1)

    @property
    def detail(self) -> str:
        return f"/{self.downscale_factor}"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        channels, height, width = x.dims
        r = self.downscale_factor
        for size in (height, width):
            need_divisible(self.op, "pixels", size, r, "downscale_factor")
        return Shape((channels * r * r, height // r, width // r))

    def reach(self, x: Shape, y: Shape) -> Reach:
        r = self.downscale_factor
        return over_map((window(r, r, 0),), (window(r, r, 0),))

    def module(self, x: Shape) -> Call:
        return self._construct(self.downscale_factor)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pixel_unshuffle", (argument, self.downscale_factor))
