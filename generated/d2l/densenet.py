"""DenseNet (Dive into Deep Learning).

Source: Huang et al. 2016; Zhang et al., Dive into Deep Learning, Section 8.7.

Compiled by archc from specs/d2l/densenet.toml.
Digest: sha256 c916a80fcd47bc65.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "DenseNet",
    "ConvBlock",
    "DenseBlock",
    "TransitionBlock",
]


class ConvBlock(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1),
        )


class DenseBlock(nn.Module):
    """Each convolution reads what all before it have given."""

    def __init__(self, in_channels: int, num_convs: int, growth_rate: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            [
                ConvBlock(in_channels + i * growth_rate, growth_rate)
                for i in range(num_convs)
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.net:
            x = torch.cat([x, layer(x)], dim=1)
        return x


class TransitionBlock(nn.Sequential):
    """Halves the channels and the resolution."""

    def __init__(self, in_channels: int) -> None:
        super().__init__(
            nn.BatchNorm2d(in_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(in_channels, in_channels // 2, kernel_size=1),
            nn.AvgPool2d(kernel_size=2, stride=2),
        )


class DenseNet(nn.Module):
    """DenseNet (Dive into Deep Learning)."""

    def __init__(
        self,
        num_classes: int = 10,
        num_channels: int = 64,
        growth_rate: int = 32,
        depths: Sequence[int] = (4, 4, 4, 4),
    ) -> None:
        super().__init__()
        self.net = nn.Sequential(
            OrderedDict(
                b1=nn.Sequential(
                    nn.Conv2d(1, num_channels, kernel_size=7, stride=2, padding=3),
                    nn.BatchNorm2d(num_channels),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 24 x 24
                ),
            )
        )
        in_channels = num_channels
        for stage, num_convs in enumerate(depths):
            self.net.add_module(
                f"dense_blk{stage + 1}", DenseBlock(in_channels, num_convs, growth_rate)
            )
            in_channels += num_convs * growth_rate
            if stage < len(depths) - 1:
                self.net.add_module(
                    f"tran_blk{stage + 1}", TransitionBlock(in_channels)
                )
                in_channels //= 2
        self.net.add_module(
            "last",
            nn.Sequential(
                nn.BatchNorm2d(in_channels),
                nn.ReLU(inplace=True),
                nn.AdaptiveAvgPool2d(1),  # 248 x 1 x 1
                nn.Flatten(),  # 248
                nn.Linear(in_channels, num_classes),  # 10
            ),
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
