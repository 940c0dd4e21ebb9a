"""The ops `layer_norm` and `layer_norm2d`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.normalization.family import (
    STATISTICS,
    NormalizedShape,
    OverLastAxes,
    statistic,
)
from archc.ops.shapes import need_map
from archc.ops.sizes import Dims, Shape
from archc.ops.steps import Device, Extra, Step


class LayerNorm(OverLastAxes):
    """Normalisation over the last axes, by default one (torch.nn.LayerNorm)."""

    op = "layer_norm"
    other_names = ("ln", "layer_normalization")
    module_class = "nn.LayerNorm"
    initializable = ("weight", "bias")
    short = "LN"

    normalized_shape: NormalizedShape = Field(default=None, description="the last axis")
    eps: float = Field(default=1e-5, ge=0)
    elementwise_affine: bool = True
    bias: bool = True

    def extra(self, x: Shape, y: Shape) -> tuple[Extra, ...]:
        rest = x.dims[: len(x.dims) - len(self._shape(x))]
        return (statistic(rest, self.elementwise_affine),) * 2

    def parameters(self, x: Shape) -> dict[str, Dims]:
        if not self.elementwise_affine:
            return {}
        over = self._shape(x)
        return {"weight": over} | ({"bias": over} if self.bias else {})


class LayerNorm2d(Op):
    """Layer normalisation over the channels of C x H x W, pixel by pixel, as in
    ConvNeXt (torch.nn.LayerNorm)."""

    # Liu et al. 2022; its parameters are called as in torchvision and timm. It is no
    # subclass of nn.LayerNorm, which `[init]` takes for `layer_norm`.
    op = "layer_norm2d"
    category = "normalization"
    other_names = ("ln2d", "layer_norm_channels_first")
    other_attributes = (("epsilon", "eps"),)
    module_class = "LayerNorm2d"
    helper = '''\
class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of a map, which come first."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        shape = self.weight.shape
        x = nn.functional.layer_norm(x, shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)
'''
    initializable = ("weight", "bias")
    saves = STATISTICS
    short = "LN"

    eps: float = Field(default=1e-5, ge=0)

    def infer(self, *inputs: Shape) -> Shape:
        need_map(self, inputs[0])
        return inputs[0]

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (x.dims[0],), "bias": (x.dims[0],)}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        channels, height, width = y.dims
        last = (height, width, channels)
        return (
            Step(last, shares="view", order=(0, 2, 3, 1), fresh_gradient=False),
            Step(
                last,
                reads=(1,),
                keeps=(1,),
                extra=(statistic((height, width), affine=True),) * 2,
                trains=True,
                keeps_weight=True,
                layout="ordered",
                cast="widest" if device == "cpu" else "full",
            ),
            Step(
                y.dims,
                reads=(2,),
                shares="view",
                order=(0, 3, 1, 2),
                fresh_gradient=False,
            ),
        )

    def module(self, x: Shape) -> Call:
        return self._construct(x.dims[0], **self.given())
