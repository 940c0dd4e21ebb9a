"""SENet-154.

Source: Hu et al. 2018, Appendix, arXiv:1709.01507; timm's senet154.

Compiled by archc from specs/timm/senet154.toml.
Digest: sha256 721b6e9bb7efcd1d.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ResNet",
    "SeModule",
    "Bottleneck",
]


class SeModule(nn.Module):
    """Weighs each channel by what the means of all say."""

    def __init__(self, in_channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(in_channels, in_channels // reduction, kernel_size=1)
        self.fc2 = nn.Conv2d(in_channels // reduction, in_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        scale = x.mean((2, 3), keepdim=True)
        scale = self.fc1(scale)
        scale = F.relu(scale, inplace=True)
        scale = self.fc2(scale)
        scale = torch.sigmoid(scale)
        return x * scale


class Bottleneck(nn.Module):
    """Half as wide in the first convolution as in the second; the shortcut that halves
    a map sees 3x3 pixels.
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        groups: int,
        base_width: int,
        stride: int = 1,
    ) -> None:
        super().__init__()
        width = planes * base_width // 64 * groups
        inter_channels = width // 2
        self.conv1 = nn.Conv2d(in_channels, inter_channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(inter_channels)
        self.conv2 = nn.Conv2d(
            inter_channels,
            width,
            kernel_size=3,
            stride=stride,
            padding=1,
            groups=groups,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(width)
        out_channels = planes * 4
        self.conv3 = nn.Conv2d(width, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.se = SeModule(out_channels)
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(
                    in_channels,
                    out_channels,
                    kernel_size=3 if stride != 1 else 1,
                    stride=stride,
                    padding=1 if stride != 1 else 0,
                    bias=False,
                ),
                nn.BatchNorm2d(out_channels),
            )
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = self.conv3(x)
        x = self.bn3(x)
        x = self.se(x)
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class ResNet(nn.Module):
    """SENet-154."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 8, 36, 3),
        groups: int = 64,
        base_width: int = 4,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 64, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.Conv2d(64, 128, kernel_size=3, padding=1, bias=False),  # 128 x 112 x 112
        )
        self.bn1 = nn.BatchNorm2d(128)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(
            128, 64, depths[0], groups=groups, base_width=base_width
        )
        self.layer2 = self._make_layer(
            256, 128, depths[1], groups=groups, base_width=base_width, stride=2
        )
        self.layer3 = self._make_layer(
            512, 256, depths[2], groups=groups, base_width=base_width, stride=2
        )
        self.layer4 = self._make_layer(
            1024, 512, depths[3], groups=groups, base_width=base_width, stride=2
        )
        self.fc = nn.Linear(2048, num_classes)

    def _make_layer(
        self,
        in_channels: int,
        planes: int,
        depth: int,
        groups: int,
        base_width: int,
        stride: int = 1,
    ) -> nn.Sequential:
        layers = [
            Bottleneck(
                in_channels, planes, groups=groups, base_width=base_width, stride=stride
            )
        ]
        layers += [
            Bottleneck(in_channels * 2, planes, groups=groups, base_width=base_width)
            for _ in range(1, depth)
        ]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 128 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.maxpool(x)  # 128 x 56 x 56
        x = self.layer1(x)  # 256 x 56 x 56
        x = self.layer2(x)  # 512 x 28 x 28
        x = self.layer3(x)  # 1024 x 14 x 14
        x = self.layer4(x)  # 2048 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000
