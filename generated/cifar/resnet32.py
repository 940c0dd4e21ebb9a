"""ResNet-32 for CIFAR-10.

Source: He et al. 2015, Section 4.2 and Table 6, arXiv:1512.03385.

Compiled by archc from specs/cifar/resnet32.toml.
Digest: sha256 ac6b98bef5012365.
"""

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
    """ResNet-32 for CIFAR-10."""

    def __init__(self, num_classes: int = 10, n: int = 5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.stage1 = self._make_layer(16, 16, n)
        self.stage2 = self._make_layer(16, 32, n, stride=2)
        self.stage3 = self._make_layer(32, 64, n, stride=2)
        self.fc = nn.Linear(64, num_classes)
        self._initialize_weights()

    def _make_layer(
        self, in_channels: int, planes: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        layers = [BasicBlock(in_channels, planes, stride=stride)]
        layers += [BasicBlock(planes, planes) for _ in range(1, depth)]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 16 x 32 x 32
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.stage1(x)
        x = self.stage2(x)  # 32 x 16 x 16
        x = self.stage3(x)  # 64 x 8 x 8
        x = F.adaptive_avg_pool2d(x, 1)  # 64 x 1 x 1
        x = torch.flatten(x, 1)  # 64
        return self.fc(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
