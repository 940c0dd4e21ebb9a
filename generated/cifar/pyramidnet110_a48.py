"""PyramidNet-110 (alpha = 48) for CIFAR-10.

Source: Han et al. 2017, Table 1, Fig. 6d and Table 4, arXiv:1610.02915.

Compiled by archc from specs/cifar/pyramidnet110_a48.toml.
Digest: sha256 2baa44e286ad723a.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "PyramidNet",
    "PyramidBlock",
]


class PyramidBlock(nn.Module):
    """No ReLU before the first convolution, a normalisation behind the last; the
    shortcut averages and appends channels of zeros.
    """

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.planes = planes
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(
            in_channels, planes, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.bn1(x)
        x = self.conv1(x)
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn3(x)
        if self.stride > 1:
            identity = F.avg_pool2d(identity, kernel_size=self.stride)
        identity = F.pad(identity, (0, 0, 0, 0, 0, self.planes - identity.shape[1]))
        return x + identity


class PyramidNet(nn.Module):
    """PyramidNet-110 (alpha = 48) for CIFAR-10."""

    def __init__(self, num_classes: int = 10, n: int = 18, alpha: int = 48) -> None:
        super().__init__()
        in_channels = 16
        self.conv1 = nn.Conv2d(3, in_channels, kernel_size=3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(in_channels)
        layers: list[nn.Module] = []
        for i in range(1, n + 1):
            layers.append(PyramidBlock(in_channels, round(16 + alpha * i / (n * 3))))
            in_channels = round(16 + alpha * i / (n * 3))
        self.stage1 = nn.Sequential(*layers)
        layers = []
        for i in range(n):
            layers.append(
                PyramidBlock(
                    in_channels,
                    round(16 + alpha * (n + i + 1) / (n * 3)),
                    stride=2 if i == 0 else 1,
                )
            )
            in_channels = round(16 + alpha * (n + i + 1) / (n * 3))
        self.stage2 = nn.Sequential(*layers)
        layers = []
        for i in range(n):
            layers.append(
                PyramidBlock(
                    in_channels,
                    round(16 + alpha * (n * 2 + i + 1) / (n * 3)),
                    stride=2 if i == 0 else 1,
                )
            )
            in_channels = round(16 + alpha * (n * 2 + i + 1) / (n * 3))
        self.stage3 = nn.Sequential(*layers)
        self.bn2 = nn.BatchNorm2d(in_channels)
        self.fc = nn.Linear(in_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 16 x 32 x 32
        x = self.bn1(x)
        x = self.stage1(x)  # 32 x 32 x 32
        x = self.stage2(x)  # 48 x 16 x 16
        x = self.stage3(x)  # 64 x 8 x 8
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = F.adaptive_avg_pool2d(x, 1)  # 64 x 1 x 1
        x = torch.flatten(x, 1)  # 64
        return self.fc(x)  # 10
