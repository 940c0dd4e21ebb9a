"""ResNet-18 (Dive into Deep Learning).

Source: He et al. 2015; Zhang et al., Dive into Deep Learning, Section 8.6.

Compiled by archc from specs/d2l/resnet18.toml.
Digest: sha256 31efff435d67690a.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "ResNet",
    "Residual",
]


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut, with a 1x1 convolution where the size
    changes.
    """

    def __init__(
        self,
        in_channels: int,
        num_channels: int,
        use_1x1conv: bool = False,
        strides: int = 1,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, num_channels, kernel_size=3, stride=strides, padding=1
        )
        self.bn1 = nn.BatchNorm2d(num_channels)
        self.conv2 = nn.Conv2d(num_channels, num_channels, kernel_size=3, padding=1)
        self.bn2 = nn.BatchNorm2d(num_channels)
        if use_1x1conv:
            self.conv3 = nn.Conv2d(
                in_channels, num_channels, kernel_size=1, stride=strides
            )
        else:
            self.conv3 = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn2(x)
        x = x + self.conv3(identity)
        return F.relu(x, inplace=True)


class ResNet(nn.Module):
    """ResNet-18 (Dive into Deep Learning)."""

    def __init__(
        self, num_classes: int = 10, depths: Sequence[int] = (2, 2, 2, 2)
    ) -> None:
        super().__init__()
        b2 = self._make_layer(64, 64, depths[0])
        b3 = self._make_layer(64, 128, depths[1], use_1x1conv=True, strides=2)
        b4 = self._make_layer(128, 256, depths[2], use_1x1conv=True, strides=2)
        b5 = self._make_layer(256, 512, depths[3], use_1x1conv=True, strides=2)
        self.net = nn.Sequential(
            OrderedDict(
                b1=nn.Sequential(
                    nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3),
                    nn.BatchNorm2d(64),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 24 x 24
                ),
                b2=b2,
                b3=b3,
                b4=b4,
                b5=b5,
                last=nn.Sequential(
                    nn.AdaptiveAvgPool2d(1),  # 512 x 1 x 1
                    nn.Flatten(),  # 512
                    nn.Linear(512, num_classes),  # 10
                ),
            )
        )
        self._initialize_weights()

    def _make_layer(
        self,
        in_channels: int,
        num_channels: int,
        depth: int,
        use_1x1conv: bool = False,
        strides: int = 1,
    ) -> nn.Sequential:
        layers = [
            Residual(
                in_channels, num_channels, use_1x1conv=use_1x1conv, strides=strides
            )
        ]
        layers += [Residual(num_channels, num_channels) for _ in range(1, depth)]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
