"""DenseNet-121.

Source: Huang et al. 2016, Table 1, arXiv:1608.06993.

Compiled by archc from specs/densenet121.toml.
Digest: sha256 27cf0f4d9b8f22f5.
"""

from collections import OrderedDict
from collections.abc import Sequence

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
    """DenseNet-121."""

    def __init__(
        self,
        num_classes: int = 1000,
        growth_rate: int = 32,
        depths: Sequence[int] = (6, 12, 24, 16),
        bn_size: int = 4,
    ) -> None:
        super().__init__()
        out_channels = growth_rate * 2
        self.features = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(
                    3, out_channels, kernel_size=7, stride=2, padding=3, bias=False
                ),  # 64 x 112 x 112
                norm=nn.BatchNorm2d(out_channels),
                relu=nn.ReLU(inplace=True),
                pool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 56 x 56
            )
        )
        in_channels = out_channels
        for stage, num_layers in enumerate(depths):
            self.features.add_module(
                f"denseblock{stage + 1}",
                DenseBlock(in_channels, num_layers, growth_rate, bn_size),
            )
            in_channels += num_layers * growth_rate
            if stage < len(depths) - 1:
                self.features.add_module(
                    f"transition{stage + 1}", Transition(in_channels)
                )
                in_channels //= 2
        self.features.add_module("final_norm", nn.BatchNorm2d(in_channels))
        self.features.add_module("final_relu", nn.ReLU(inplace=True))
        self.classifier = nn.Linear(in_channels, num_classes)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 1024 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 1024 x 1 x 1
        x = torch.flatten(x, 1)  # 1024
        return self.classifier(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
            elif isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
