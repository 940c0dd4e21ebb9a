"""Network in Network.

Source: Lin et al. 2013, arXiv:1312.4400, Fig. 2; the authors' ImageNet model in the
Caffe Model Zoo.

Compiled by archc from specs/nin.toml.
Digest: sha256 385f138b025a4862.
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
    """Network in Network."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.mlpconv1 = MlpConv(3, (96, 96, 96), kernel_size=11, stride=4)
        self.mlpconv2 = MlpConv(96, (256, 256, 256), kernel_size=5, padding=2)
        self.mlpconv3 = MlpConv(256, (384, 384, 384), kernel_size=3, padding=1)
        self.mlpconv4 = MlpConv(
            384, (1024, 1024, num_classes), kernel_size=3, padding=1
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.mlpconv1(x)  # 96 x 54 x 54
        x = F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)  # 96 x 27 x 27
        x = self.mlpconv2(x)  # 256 x 27 x 27
        x = F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)  # 256 x 13 x 13
        x = self.mlpconv3(x)  # 384 x 13 x 13
        x = F.max_pool2d(x, kernel_size=3, stride=2, ceil_mode=True)  # 384 x 6 x 6
        x = F.dropout(x, p=0.5, training=self.training)
        x = self.mlpconv4(x)  # 1000 x 6 x 6
        x = F.adaptive_avg_pool2d(x, 1)  # 1000 x 1 x 1
        return torch.flatten(x, 1)  # 1000
