"""GoogLeNet (Dive into Deep Learning).

Source: Szegedy et al. 2014; Zhang et al., Dive into Deep Learning, Section 8.4.

Compiled by archc from specs/d2l/googlenet.toml.
Digest: sha256 2125bc93cc56c5f7.
"""

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "GoogleNet",
    "Inception",
]


class Inception(nn.Module):
    """Four parallel paths at one resolution, concatenated along channels."""

    def __init__(
        self,
        in_channels: int,
        c1: int,
        c2: tuple[int, int],
        c3: tuple[int, int],
        c4: int,
    ) -> None:
        super().__init__()
        self.b1_1 = nn.Conv2d(in_channels, c1, kernel_size=1)
        self.b2_1 = nn.Conv2d(in_channels, c2[0], kernel_size=1)
        self.b2_2 = nn.Conv2d(c2[0], c2[1], kernel_size=3, padding=1)
        self.b3_1 = nn.Conv2d(in_channels, c3[0], kernel_size=1)
        self.b3_2 = nn.Conv2d(c3[0], c3[1], kernel_size=5, padding=2)
        self.b4_1 = nn.MaxPool2d(kernel_size=3, stride=1, padding=1)
        self.b4_2 = nn.Conv2d(in_channels, c4, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        b1 = self.b1_1(x)
        b1 = F.relu(b1, inplace=True)
        b2 = self.b2_1(x)
        b2 = F.relu(b2, inplace=True)
        b2 = self.b2_2(b2)
        b2 = F.relu(b2, inplace=True)
        b3 = self.b3_1(x)
        b3 = F.relu(b3, inplace=True)
        b3 = self.b3_2(b3)
        b3 = F.relu(b3, inplace=True)
        b4 = self.b4_1(x)
        b4 = self.b4_2(b4)
        b4 = F.relu(b4, inplace=True)
        return torch.cat([b1, b2, b3, b4], dim=1)


class GoogleNet(nn.Module):
    """GoogLeNet (Dive into Deep Learning)."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.net = nn.Sequential(
            OrderedDict(
                b1=nn.Sequential(
                    nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3),
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 24 x 24
                ),
                b2=nn.Sequential(
                    nn.Conv2d(64, 64, kernel_size=1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(64, 192, kernel_size=3, padding=1),  # 192 x 24 x 24
                    nn.ReLU(inplace=True),
                    nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 192 x 12 x 12
                ),
                b3=nn.Sequential(
                    Inception(192, 64, (96, 128), (16, 32), 32),  # 256 x 12 x 12
                    Inception(256, 128, (128, 192), (32, 96), 64),  # 480 x 12 x 12
                    nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 480 x 6 x 6
                ),
                b4=nn.Sequential(
                    Inception(480, 192, (96, 208), (16, 48), 64),  # 512 x 6 x 6
                    Inception(512, 160, (112, 224), (24, 64), 64),
                    Inception(512, 128, (128, 256), (24, 64), 64),
                    Inception(512, 112, (144, 288), (32, 64), 64),  # 528 x 6 x 6
                    Inception(528, 256, (160, 320), (32, 128), 128),  # 832 x 6 x 6
                    nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 832 x 3 x 3
                ),
                b5=nn.Sequential(
                    Inception(832, 256, (160, 320), (32, 128), 128),
                    Inception(832, 384, (192, 384), (48, 128), 128),  # 1024 x 3 x 3
                    nn.AdaptiveAvgPool2d(1),  # 1024 x 1 x 1
                    nn.Flatten(),  # 1024
                ),
                last=nn.Linear(1024, num_classes),  # 10
            )
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
