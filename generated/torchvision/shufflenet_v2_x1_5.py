"""ShuffleNetV2 x1.5.

Source: Ma et al. 2018, Table 5, arXiv:1807.11164;
torchvision.models.shufflenet_v2_x1_5.

Compiled by archc from specs/torchvision/shufflenet_v2_x1_5.toml.
Digest: sha256 fe4be41c95385409.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ShuffleNetV2",
    "ConvNormAct",
    "DownsamplingUnit",
    "BasicUnit",
    "Stage",
]


class ConvNormAct(nn.Sequential):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=kernel_size // 2,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class DownsamplingUnit(nn.Module):
    """Both branches filter all channels at stride 2 (Fig. 3d)."""

    def __init__(self, in_channels: int, branch_channels: int) -> None:
        super().__init__()
        self.branch1 = nn.Sequential(
            nn.Conv2d(
                in_channels,
                in_channels,
                kernel_size=3,
                stride=2,
                padding=1,
                groups=in_channels,
                bias=False,
            ),
            nn.BatchNorm2d(in_channels),
            nn.Conv2d(in_channels, branch_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(branch_channels),
            nn.ReLU(inplace=True),
        )
        self.branch2 = nn.Sequential(
            nn.Conv2d(in_channels, branch_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(branch_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(
                branch_channels,
                branch_channels,
                kernel_size=3,
                stride=2,
                padding=1,
                groups=branch_channels,
                bias=False,
            ),
            nn.BatchNorm2d(branch_channels),
            nn.Conv2d(branch_channels, branch_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(branch_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.branch1(x), self.branch2(x)], dim=1)
        return F.channel_shuffle(x, 2)


class BasicUnit(nn.Module):
    """Half of the channels pass; the other half is filtered (Fig. 3c)."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        inter_channels = in_channels // 2
        self.branch2 = nn.Sequential(
            nn.Conv2d(inter_channels, inter_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(
                inter_channels,
                inter_channels,
                kernel_size=3,
                padding=1,
                groups=inter_channels,
                bias=False,
            ),
            nn.BatchNorm2d(inter_channels),
            nn.Conv2d(inter_channels, inter_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(inter_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = x.chunk(2, dim=1)
        x = self.branch2(x2)
        x = torch.cat([x1, x], dim=1)
        return F.channel_shuffle(x, 2)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, branch_channels: int, depth: int) -> None:
        super().__init__(
            DownsamplingUnit(in_channels, branch_channels),
            *[BasicUnit(branch_channels * 2) for _ in range(depth - 1)],
        )


class ShuffleNetV2(nn.Module):
    """ShuffleNetV2 x1.5."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (4, 8, 4),
        branch_channels: Sequence[int] = (88, 176, 352),
        last_channels: int = 1024,
    ) -> None:
        super().__init__()
        self.conv1 = ConvNormAct(3, 24, kernel_size=3, stride=2)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.stage2 = Stage(24, branch_channels[0], depths[0])
        self.stage3 = Stage(branch_channels[0] * 2, branch_channels[1], depths[1])
        self.stage4 = Stage(branch_channels[1] * 2, branch_channels[2], depths[2])
        self.conv5 = ConvNormAct(branch_channels[2] * 2, last_channels, kernel_size=1)
        self.fc = nn.Linear(last_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 24 x 112 x 112
        x = self.maxpool(x)  # 24 x 56 x 56
        x = self.stage2(x)  # 176 x 28 x 28
        x = self.stage3(x)  # 352 x 14 x 14
        x = self.stage4(x)  # 704 x 7 x 7
        x = self.conv5(x)  # 1024 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 1024 x 1 x 1
        x = torch.flatten(x, 1)  # 1024
        return self.fc(x)  # 1000
