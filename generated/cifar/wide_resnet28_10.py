"""WRN-28-10 for CIFAR-10.

Source: Zagoruyko and Komodakis 2016, Table 1 and Table 4, arXiv:1605.07146.

Compiled by archc from specs/cifar/wide_resnet28_10.toml.
Digest: sha256 78c53bd89e8566ea.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "WideResNet",
    "PreActBlock",
]


class PreActBlock(nn.Module):
    """Two 3x3 convolutions, normalised and activated before; a projection sees its
    input so, an identity does not.
    """

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(
            in_channels, planes, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.needs_shortcut = stride != 1 or in_channels != planes
        if self.needs_shortcut:
            self.shortcut = nn.Conv2d(
                in_channels, planes, kernel_size=1, stride=stride, bias=False
            )

    def forward(self, x: Tensor) -> Tensor:
        x_in = x
        x = self.bn1(x_in)
        x = F.relu(x, inplace=True)
        identity = x
        x = self.conv1(x)
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        identity = self.shortcut(identity) if self.needs_shortcut else x_in
        return x + identity


class WideResNet(nn.Module):
    """WRN-28-10 for CIFAR-10."""

    def __init__(self, num_classes: int = 10, n: int = 4, width: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.stage1 = self._make_layer(16, width * 16, n)
        self.stage2 = self._make_layer(width * 16, width * 32, n, stride=2)
        self.stage3 = self._make_layer(width * 32, width * 64, n, stride=2)
        self.bn = nn.BatchNorm2d(width * 64)
        self.fc = nn.Linear(width * 64, num_classes)
        self._initialize_weights()

    def _make_layer(
        self, in_channels: int, planes: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        layers = [PreActBlock(in_channels, planes, stride=stride)]
        layers += [PreActBlock(planes, planes) for _ in range(1, depth)]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 16 x 32 x 32
        x = self.stage1(x)  # 160 x 32 x 32
        x = self.stage2(x)  # 320 x 16 x 16
        x = self.stage3(x)  # 640 x 8 x 8
        x = self.bn(x)
        x = F.relu(x, inplace=True)
        x = F.adaptive_avg_pool2d(x, 1)  # 640 x 1 x 1
        x = torch.flatten(x, 1)  # 640
        return self.fc(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_in", nonlinearity="relu"
                )
