"""The op `global_response_norm`."""

from __future__ import annotations

from pydantic import Field

from archc.ops.base import Call, Op
from archc.ops.normalization.family import STATISTICS
from archc.ops.shapes import need_map
from archc.ops.sizes import Dims, Shape
from archc.ops.steps import Device, Step


class GlobalResponseNorm(Op):
    """Channels weighed by their norms against the mean of these, over C x H x W or
    H x W x C, as in ConvNeXt V2 (torch.norm)."""

    # Woo et al. 2023, section 3; parameters and what they start from as in timm
    op = "global_response_norm"
    category = "normalization"
    other_names = ("grn",)
    module_class = "GlobalResponseNorm"
    helper = '''\
class GlobalResponseNorm(nn.Module):
    """Strengthens channels whose norm over the map is above the mean of all."""

    def __init__(
        self, channels: int, eps: float = 1e-6, channels_last: bool = False
    ) -> None:
        super().__init__()
        self.eps = eps
        self.channels_last = channels_last
        self.weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        spatial, channel = ((1, 2), 3) if self.channels_last else ((2, 3), 1)
        norm = torch.norm(x, p=2, dim=spatial, keepdim=True)
        scaled = x * (norm / (norm.mean(dim=channel, keepdim=True) + self.eps))
        shape = (-1,) if self.channels_last else (-1, 1, 1)
        return x + torch.addcmul(self.bias.view(shape), self.weight.view(shape), scaled)
'''
    saves = STATISTICS
    short = "GRN"

    eps: float = Field(default=1e-6, ge=0)

    def infer(self, *inputs: Shape) -> Shape:
        (x,) = inputs
        if x.channel_axis != 2:
            need_map(self, x)
        return x

    def parameters(self, x: Shape) -> dict[str, Dims]:
        return {"weight": (x.channels,), "bias": (x.channels,)}

    def steps(
        self, inputs: tuple[Shape, ...], y: Shape, *, device: Device, inplace: bool
    ) -> tuple[Step, ...]:
        (x,) = inputs
        one = Shape((1, 1, 1), x.channel_axis)
        norm = one.with_channels(x.channels).dims
        return (
            Step(norm, keeps=(0, 1), cast="widest" if device == "cpu" else "widen"),
            Step(one.dims, reads=(1,)),  # the mean
            Step(one.dims, reads=(2,), fresh_gradient=False),
            Step(norm, reads=(1, 3), keeps=(1, 3), spread=True),
            Step(y.dims, reads=(0, 4), keeps=(0, 4), spread=True),
            Step(
                y.dims,
                reads=(5,),
                keeps=(5,),
                trains=True,
                spreads_weight=True,
                cast="promote",
            ),
            Step(y.dims, reads=(0, 6), fresh_gradient=False),
        )

    def module(self, x: Shape) -> Call:
        last = {"channels_last": True} if x.channel_axis else {}
        return self._construct(x.channels, **self.given("eps"), **last)
