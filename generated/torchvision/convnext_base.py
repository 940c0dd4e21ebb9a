"""ConvNeXt-B.

Source: Liu et al. 2022, section 3, arXiv:2201.03545; torchvision.models.convnext_base.

Compiled by archc from specs/torchvision/convnext_base.toml.
Digest: sha256 d21b3766d95e8c33.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ConvNeXt",
    "Stem",
    "Downsample",
    "CNBlock",
    "Stage",
]


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


class Permute(nn.Module):
    """Puts the axes into another order."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)


class StochasticDepth(nn.Module):
    """Zeroes whole samples ("row") or the whole batch ("batch") during training."""

    def __init__(self, p: float, mode: Literal["batch", "row"] = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        rows = x.shape[0] if self.mode == "row" else 1
        survival = 1.0 - self.p
        mask = x.new_empty([rows] + [1] * (x.ndim - 1)).bernoulli_(survival)
        if survival > 0.0:
            mask = mask / survival
        return x * mask


class Stem(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size=4, stride=4),
            LayerNorm2d(out_channels, eps=1e-6),
        )


class Downsample(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            LayerNorm2d(in_channels, eps=1e-6),
            nn.Conv2d(in_channels, out_channels, kernel_size=2, stride=2),
        )


class CNBlock(nn.Module):
    """A 7x7 depthwise convolution, then a bottleneck turned inside out."""

    def __init__(self, in_channels: int, drop_path: float) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(
                in_channels, in_channels, kernel_size=7, padding=3, groups=in_channels
            ),
            Permute((0, 2, 3, 1)),
            nn.LayerNorm(in_channels, eps=1e-6),
            nn.Linear(in_channels, in_channels * 4),
            nn.GELU(),
            nn.Linear(in_channels * 4, in_channels),
            Permute((0, 3, 1, 2)),
        )
        self.layer_scale = nn.Parameter(torch.full((in_channels, 1, 1), 1e-6))
        self.stochastic_depth = StochasticDepth(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.block(x)
        x = x * self.layer_scale
        x = self.stochastic_depth(x)
        return x + identity


class Stage(nn.Sequential):
    def __init__(
        self, in_channels: int, depth: int, drop_rate: float, blocks_before: int
    ) -> None:
        super().__init__(
            *[
                CNBlock(in_channels, drop_rate * (blocks_before + i))
                for i in range(depth)
            ]
        )


class ConvNeXt(nn.Module):
    """ConvNeXt-B."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 3, 27, 3),
        widths: Sequence[int] = (128, 256, 512, 1024),
        stochastic_depth: float = 0.5,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [Stem(3, widths[0])]  # 128 x 56 x 56
        in_channels = widths[0]
        blocks_before = 0
        for stage, (depth, out_channels) in enumerate(zip(depths, widths, strict=True)):
            if stage > 0:
                layers.append(Downsample(in_channels, out_channels))
                in_channels = out_channels
            layers.append(
                Stage(
                    in_channels,
                    depth,
                    stochastic_depth / (sum(depths) - 1),
                    blocks_before,
                )
            )
            blocks_before += depth
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            LayerNorm2d(in_channels, eps=1e-6),
            nn.Flatten(),  # 1024
            nn.Linear(in_channels, num_classes),  # 1000
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 1024 x 7 x 7
        x = self.avgpool(x)  # 1024 x 1 x 1
        return self.classifier(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.trunc_normal_(module.weight, std=0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
