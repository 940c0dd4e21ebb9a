"""Network in Network for CIFAR-10.

Source: Lin et al. 2013, arXiv:1312.4400, Section 4.2; the authors' CIFAR-10 model in
the Caffe Model Zoo.

Compiled by archc from specs/cifar/nin.toml.
Digest: sha256 fc5196d8a4bb14d8.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "NiN",
    "MlpConv",
]


class MlpConv(nn.Module):
    """A convolution and the small perceptron slid over its output (Section 3.1)."""

    def __init__(
        self,
        in_channels: int,
        channels: Sequence[int],
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            channels[0],
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
        )
        self.cccp1 = nn.Conv2d(channels[0], channels[1], kernel_size=1)
        self.cccp2 = nn.Conv2d(channels[1], channels[2], kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = F.relu(x, inplace=True)
        x = self.cccp1(x)
        x = F.relu(x, inplace=True)
        x = self.cccp2(x)
        return F.relu(x, inplace=True)


class NiN(nn.Module):
    """Network in Network for CIFAR-10."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.mlpconv1 = MlpConv(3, (192, 160, 96), kernel_size=5, padding=2)
        self.mlpconv2 = MlpConv(96, (192, 192, 192), kernel_size=5, padding=2)
        self.mlpconv3 = MlpConv(192, (192, 192, num_classes), kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mlpconv1(x)  # 96 x 32 x 32
        x = F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)  # 96 x 16 x 16
        x = F.dropout(x, p=0.5, training=self.training)
        x = self.mlpconv2(x)  # 192 x 16 x 16
        x = F.avg_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)  # 192 x 8 x 8
        x = F.dropout(x, p=0.5, training=self.training)
        x = self.mlpconv3(x)  # 10 x 8 x 8
        x = F.adaptive_avg_pool2d(x, 1)  # 10 x 1 x 1
        return torch.flatten(x, 1)  # 10
