"""ResNet-34.

Source: He et al. 2015, Table 1, arXiv:1512.03385; shortcuts of option A, as in Table 2.

Compiled by archc from specs/resnet34.toml.
Digest: sha256 06cab83a44078eac.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ResNet",
    "BasicBlock",
]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters (He et al. 2015, Fig. 3).
    Where the size changes, the shortcut takes every other pixel and appends channels of
    zeros: option A of Section 3.3.
    """

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.planes = planes
        self.conv1 = nn.Conv2d(
            in_channels, planes, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.needs_shortcut = stride != 1 or in_channels != planes

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn2(x)
        if self.needs_shortcut:
            identity = F.max_pool2d(identity, kernel_size=1, stride=self.stride)
            identity = F.pad(identity, (0, 0, 0, 0, 0, self.planes - identity.shape[1]))
        x = x + identity
        return F.relu(x, inplace=True)


class ResNet(nn.Module):
    """ResNet-34."""

    def __init__(
        self, num_classes: int = 1000, depths: Sequence[int] = (3, 4, 6, 3)
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2_x = self._make_layer(64, 64, depths[0])
        self.conv3_x = self._make_layer(64, 128, depths[1], stride=2)
        self.conv4_x = self._make_layer(128, 256, depths[2], stride=2)
        self.conv5_x = self._make_layer(256, 512, depths[3], stride=2)
        self.fc = nn.Linear(512, num_classes)
        self._initialize_weights()

    def _make_layer(
        self, in_channels: int, planes: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        layers = [BasicBlock(in_channels, planes, stride=stride)]
        layers += [BasicBlock(planes, planes) for _ in range(1, depth)]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)  # 64 x 56 x 56
        x = self.conv2_x(x)
        x = self.conv3_x(x)  # 128 x 28 x 28
        x = self.conv4_x(x)  # 256 x 14 x 14
        x = self.conv5_x(x)  # 512 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 512 x 1 x 1
        x = torch.flatten(x, 1)  # 512
        return self.fc(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
