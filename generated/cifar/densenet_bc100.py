"""DenseNet-BC-100 (k = 12) for CIFAR-10.

Source: Huang et al. 2016, Section 3 and Table 2, arXiv:1608.06993.

Compiled by archc from specs/cifar/densenet_bc100.toml.
Digest: sha256 805cbc5a5a86db69.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "DenseNet",
    "DenseLayer",
    "DenseBlock",
    "Transition",
]


class DenseLayer(nn.Module):
    def __init__(self, in_channels: int, growth_rate: int, bn_size: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU(inplace=True)
        inter_channels = bn_size * growth_rate
        self.conv1 = nn.Conv2d(in_channels, inter_channels, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(inter_channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(
            inter_channels, growth_rate, kernel_size=3, padding=1, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(x)
        x = self.relu1(x)
        x = self.conv1(x)
        x = self.norm2(x)
        x = self.relu2(x)
        return self.conv2(x)


class DenseBlock(nn.ModuleDict):
    """Every layer reads the concatenation of all feature maps before it."""

    def __init__(
        self, in_channels: int, num_layers: int, growth_rate: int, bn_size: int
    ) -> None:
        super().__init__()
        for i in range(num_layers):
            self.add_module(
                f"denselayer{i + 1}",
                DenseLayer(in_channels + i * growth_rate, growth_rate, bn_size),
            )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.values():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class Transition(nn.Module):
    """Halves the channels and the resolution between dense blocks."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(in_channels, in_channels // 2, kernel_size=1, bias=False)
        self.pool = nn.AvgPool2d(kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        x = self.relu(x)
        x = self.conv(x)
        return self.pool(x)


class DenseNet(nn.Module):
    """DenseNet-BC-100 (k = 12) for CIFAR-10."""

    def __init__(
        self,
        num_classes: int = 10,
        depth: int = 100,
        growth_rate: int = 12,
        bn_size: int = 4,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(
                    3, growth_rate * 2, kernel_size=3, padding=1, bias=False
                ),  # 24 x 32 x 32
            )
        )
        in_channels = growth_rate * 2
        for stage in range(3):
            self.features.add_module(
                f"denseblock{stage + 1}",
                DenseBlock(in_channels, (depth - 4) // 6, growth_rate, bn_size),
            )
            in_channels += (depth - 4) // 6 * growth_rate
            if stage < 2:
                self.features.add_module(
                    f"transition{stage + 1}", Transition(in_channels)
                )
                in_channels //= 2
        self.features.add_module("final_norm", nn.BatchNorm2d(in_channels))
        self.features.add_module("final_relu", nn.ReLU(inplace=True))
        self.classifier = nn.Linear(in_channels, num_classes)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 342 x 8 x 8
        x = F.adaptive_avg_pool2d(x, 1)  # 342 x 1 x 1
        x = torch.flatten(x, 1)  # 342
        return self.classifier(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
