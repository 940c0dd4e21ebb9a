"""ResNeXt-101 (64×4d).

Source: Xie et al. 2016, Table 4, arXiv:1611.05431; torchvision.models.resnet.

Compiled by archc from specs/torchvision/resnext101_64x4d.toml.
Digest: sha256 f26a4178fee120e8.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ResNet",
    "Bottleneck",
]


class Bottleneck(nn.Module):
    """1x1 reduce, 3x3, 1x1 expand, added to a shortcut (He et al. 2015, Fig. 5
    right).
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        stride: int = 1,
        groups: int = 1,
        base_width: int = 64,
    ) -> None:
        super().__init__()
        width = planes * base_width // 64 * groups
        self.conv1 = nn.Conv2d(in_channels, width, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(
            width,
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
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(
                    in_channels, out_channels, kernel_size=1, stride=stride, bias=False
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
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class ResNet(nn.Module):
    """ResNeXt-101 (64×4d)."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 4, 23, 3),
        groups: int = 64,
        width_per_group: int = 4,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(
            64, 64, depths[0], groups=groups, base_width=width_per_group
        )
        self.layer2 = self._make_layer(
            256, 128, depths[1], groups=groups, base_width=width_per_group, stride=2
        )
        self.layer3 = self._make_layer(
            512, 256, depths[2], groups=groups, base_width=width_per_group, stride=2
        )
        self.layer4 = self._make_layer(
            1024, 512, depths[3], groups=groups, base_width=width_per_group, stride=2
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, num_classes)
        self._initialize_weights()

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
                in_channels, planes, stride=stride, groups=groups, base_width=base_width
            )
        ]
        layers += [
            Bottleneck(planes * 4, planes, groups=groups, base_width=base_width)
            for _ in range(1, depth)
        ]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.maxpool(x)  # 64 x 56 x 56
        x = self.layer1(x)  # 256 x 56 x 56
        x = self.layer2(x)  # 512 x 28 x 28
        x = self.layer3(x)  # 1024 x 14 x 14
        x = self.layer4(x)  # 2048 x 7 x 7
        x = self.avgpool(x)  # 2048 x 1 x 1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
