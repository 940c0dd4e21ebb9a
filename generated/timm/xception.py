"""Xception.

Source: Chollet 2017, Fig. 5, arXiv:1610.02357; timm's legacy_xception.

Compiled by archc from specs/timm/xception.toml.
Digest: sha256 d489daffe39893ce.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "Xception",
    "SeparableConv",
    "StridedBlock",
    "Block",
]


class SeparableConv(nn.Module):
    """A 3x3 convolution of each channel, then one of 1x1 across them."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels,
            in_channels,
            kernel_size=3,
            padding=1,
            groups=in_channels,
            bias=False,
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        return self.pointwise(x)


class StridedBlock(nn.Module):
    """Two separable convolutions and a pooling that halves the map, beside a strided
    1x1 convolution.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        mid_channels: int | None = None,
        start_with_relu: bool = True,
    ) -> None:
        super().__init__()
        if mid_channels is None:
            mid_channels = out_channels
        layers: list[nn.Module] = []
        if start_with_relu:
            layers.append(nn.ReLU())
        layers += [
            SeparableConv(in_channels, mid_channels),
            nn.BatchNorm2d(mid_channels),
            nn.ReLU(inplace=True),
            SeparableConv(mid_channels, out_channels),
            nn.BatchNorm2d(out_channels),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        ]
        self.rep = nn.Sequential(*layers)
        self.skip = nn.Conv2d(
            in_channels, out_channels, kernel_size=1, stride=2, bias=False
        )
        self.skipbn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.rep(x)
        identity = self.skip(identity)
        identity = self.skipbn(identity)
        return x + identity


class Block(nn.Module):
    """Three separable convolutions, added to what they read."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(3):
            layers += [
                nn.ReLU(),
                SeparableConv(in_channels, in_channels),
                nn.BatchNorm2d(in_channels),
            ]
        self.rep = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.rep(x)


class Xception(nn.Module):
    """Xception."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, kernel_size=3, stride=2, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=3, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.block1 = StridedBlock(64, 128, start_with_relu=False)
        self.block2 = StridedBlock(128, 256)
        self.block3 = StridedBlock(256, 728)
        for i in range(4, 12):
            self.add_module(f"block{i}", Block(728))
        self.block12 = StridedBlock(728, 1024, mid_channels=728)
        self.conv3 = SeparableConv(1024, 1536)
        self.bn3 = nn.BatchNorm2d(1536)
        self.conv4 = SeparableConv(1536, 2048)
        self.bn4 = nn.BatchNorm2d(2048)
        self.fc = nn.Linear(2048, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 32 x 149 x 149
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)  # 64 x 147 x 147
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = self.block1(x)  # 128 x 74 x 74
        x = self.block2(x)  # 256 x 37 x 37
        x = self.block3(x)  # 728 x 19 x 19
        for i in range(4, 12):
            x = getattr(self, f"block{i}")(x)
        x = self.block12(x)  # 1024 x 10 x 10
        x = self.conv3(x)  # 1536 x 10 x 10
        x = self.bn3(x)
        x = F.relu(x, inplace=True)
        x = self.conv4(x)  # 2048 x 10 x 10
        x = self.bn4(x)
        x = F.relu(x, inplace=True)
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000
