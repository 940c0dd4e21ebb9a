"""The op `pixel_shuffle`."""

from __future__ import annotations

from fractions import Fraction

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.functions import Function
from archc.ops.reach import Reach, nearest, over_map
from archc.ops.shapes import need_map
from archc.ops.sizes import Shape, ShapeError, known
from archc.spec.expressions import Expr


class PixelShuffle(Op):
    """Channels laid out as a larger map, over C x H x W (torch.nn.PixelShuffle)."""

    op = "pixel_shuffle"
    category = "reshape"
    other_names = ("depth_to_space", "subpixel")
    other_attributes = (
        ("scale_factor", "upscale_factor"),
        ("block_size", "upscale_factor"),
    )
    module_class = "nn.PixelShuffle"
    calls = (
        Function(
            "torch.nn.functional.pixel_shuffle",
            also=("torch.pixel_shuffle",),
            signature="input upscale_factor",
        ),
    )
    layout = "ordered"
    shows = (("upscale_factor", "{} times"),)

    upscale_factor: int = Field(ge=1)

    @property
    def detail(self) -> str:
        return f"↑{self.upscale_factor}"

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        need_map(self, x)
        channels, height, width = x.dims
        r = self.upscale_factor
        if known(channels, r) and channels % (r * r):
            fits = [n for n in range(1, r) if channels % (n * n) == 0]
            raise ShapeError(
                f"`pixel_shuffle` cannot lay out {channels} channels as {r} x {r}"
                f" pixels: {channels} / {r * r} leaves {channels % (r * r)}",
                code="not-divisible",
                attribute="upscale_factor",
                help=f"give it a multiple of {r * r} channels, or use"
                f" upscale_factor = {' or '.join(map(str, fits[-3:]))}",
            )
        return Shape((channels // (r * r), height * r, width * r))

    def reach(self, x: Shape, y: Shape) -> Reach:
        read = (nearest(Fraction(1, self.upscale_factor), Fraction(0)),)
        return over_map(read, read)

    def module(self, x: Shape) -> Call:
        return self._construct(self.upscale_factor)

    def function(self, x: Shape, argument: Expr) -> Call:
        return Call("F.pixel_shuffle", (argument, self.upscale_factor))
