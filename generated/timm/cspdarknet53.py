"""CSPDarknet-53.

Source: Wang et al. 2020, Fig. 2, arXiv:1911.11929; timm's cspdarknet53.

Compiled by archc from specs/timm/cspdarknet53.toml.
Digest: sha256 3da2951ddba190e5.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "CspNet",
    "StageConfig",
    "ConvNormAct",
    "DarkBlock",
    "CrossStage",
]


class StageConfig(NamedTuple):
    depth: int
    width: int
    expanded: int
    block_width: int
    bottle_width: int


class ConvNormAct(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)
        self.act = nn.LeakyReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return self.act(x)


class DarkBlock(nn.Module):
    def __init__(self, in_channels: int, width: int, bottle_width: int) -> None:
        super().__init__()
        self.conv1 = ConvNormAct(in_channels, bottle_width, kernel_size=1)
        self.conv2 = ConvNormAct(bottle_width, width, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.conv2(x)
        return x + identity


class CrossStage(nn.Module):
    """Half of the channels go around the blocks."""

    def __init__(self, in_channels: int, config: StageConfig) -> None:
        super().__init__()
        part = config.expanded // 2
        self.conv_down = ConvNormAct(in_channels, config.width, kernel_size=3, stride=2)
        self.conv_exp = ConvNormAct(config.width, part * 2, kernel_size=1)
        layers: list[nn.Module] = []
        in_channels = part
        for _ in range(config.depth):
            layers.append(
                DarkBlock(in_channels, config.block_width, config.bottle_width)
            )
            in_channels = config.block_width
        self.blocks = nn.Sequential(*layers)
        self.conv_transition_b = ConvNormAct(in_channels, part, kernel_size=1)
        self.conv_transition = ConvNormAct(part * 2, config.width, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_down(x)
        x = self.conv_exp(x)
        x1, x2 = x.chunk(2, dim=1)
        x = self.blocks(x2)
        x = self.conv_transition_b(x)
        x = torch.cat([x1, x], dim=1)
        return self.conv_transition(x)


class CspNet(nn.Module):
    """CSPDarknet-53."""

    def __init__(
        self, num_classes: int = 1000, stages: Sequence[StageConfig] | None = None
    ) -> None:
        super().__init__()
        if stages is None:
            stages = (
                StageConfig(1, 64, 128, 64, 32),
                StageConfig(2, 128, 128, 64, 64),
                StageConfig(8, 256, 256, 128, 128),
                StageConfig(8, 512, 512, 256, 256),
                StageConfig(4, 1024, 1024, 512, 512),
            )
        in_channels = 32
        self.stem = nn.Sequential(
            OrderedDict(
                conv1=ConvNormAct(3, in_channels, kernel_size=3),  # 32 x 256 x 256
            )
        )
        layers: list[nn.Module] = []
        for config in stages:
            layers.append(CrossStage(in_channels, config))
            in_channels = config.width
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            OrderedDict(
                global_pool=nn.AdaptiveAvgPool2d(1),  # 1024 x 1 x 1
                flatten=nn.Flatten(),  # 1024
                fc=nn.Linear(in_channels, num_classes),  # 1000
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32 x 256 x 256
        x = self.stages(x)  # 1024 x 8 x 8
        return self.head(x)  # 1000
