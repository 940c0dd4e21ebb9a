"""ResNet-101.

Source: He et al. 2015, Table 1, arXiv:1512.03385.

Compiled by archc from specs/resnet101.toml.
Digest: sha256 d23c44a979b82e66.
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
    """1x1 reduce, 3x3, 1x1 expand, added to a shortcut (He et al. 2015, Fig. 5 right).
    The first 1x1 has the stride; where the size changes, the shortcut is a projection:
    option B of Section 3.3.
    """

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, planes, kernel_size=1, stride=stride, bias=False
        )
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        out_channels = planes * 4
        self.conv3 = nn.Conv2d(planes, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        if stride != 1 or in_channels != out_channels:
            self.projection = nn.Sequential(
                nn.Conv2d(
                    in_channels, out_channels, kernel_size=1, stride=stride, bias=False
                ),
                nn.BatchNorm2d(out_channels),
            )
        else:
            self.projection = nn.Identity()

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
        x = x + self.projection(identity)
        return F.relu(x, inplace=True)


class ResNet(nn.Module):
    """ResNet-101."""

    def __init__(
        self, num_classes: int = 1000, depths: Sequence[int] = (3, 4, 23, 3)
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2_x = self._make_layer(64, 64, depths[0])
        self.conv3_x = self._make_layer(256, 128, depths[1], stride=2)
        self.conv4_x = self._make_layer(512, 256, depths[2], stride=2)
        self.conv5_x = self._make_layer(1024, 512, depths[3], stride=2)
        self.fc = nn.Linear(2048, num_classes)
        self._initialize_weights()

    def _make_layer(
        self, in_channels: int, planes: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        layers = [Bottleneck(in_channels, planes, stride=stride)]
        layers += [Bottleneck(planes * 4, planes) for _ in range(1, depth)]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)  # 64 x 56 x 56
        x = self.conv2_x(x)  # 256 x 56 x 56
        x = self.conv3_x(x)  # 512 x 28 x 28
        x = self.conv4_x(x)  # 1024 x 14 x 14
        x = self.conv5_x(x)  # 2048 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
