"""MNASNet 1.0.

Source: Tan et al. 2018, Fig. 7, arXiv:1807.11626; torchvision.models.mnasnet1_0.

Compiled by archc from specs/torchvision/mnasnet1_0.toml.
Digest: sha256 7f5d314fdf7c4160.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "MNASNet",
    "InvertedResidual",
    "Stack",
]


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, project without an activation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int,
        expansion: int,
        bn_momentum: float,
    ) -> None:
        super().__init__()
        inter_channels = in_channels * expansion
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, inter_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(inter_channels, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(
                inter_channels,
                inter_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=kernel_size // 2,
                groups=inter_channels,
                bias=False,
            ),
            nn.BatchNorm2d(inter_channels, momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(inter_channels, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels, momentum=bn_momentum),
        )
        self.use_skip = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.layers(x)
        if self.use_skip:
            x = x + identity
        return x


class Stack(nn.Sequential):
    """Inverted residuals of one width; the first may reduce the resolution."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int,
        expansion: int,
        depth: int,
        bn_momentum: float,
    ) -> None:
        super().__init__(
            InvertedResidual(
                in_channels,
                out_channels,
                kernel_size=kernel_size,
                stride=stride,
                expansion=expansion,
                bn_momentum=bn_momentum,
            ),
            *[
                InvertedResidual(
                    out_channels,
                    out_channels,
                    kernel_size=kernel_size,
                    stride=1,
                    expansion=expansion,
                    bn_momentum=bn_momentum,
                )
                for _ in range(depth - 1)
            ],
        )


class MNASNet(nn.Module):
    """MNASNet 1.0."""

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.2,
        bn_momentum: float = 0.0003,
        widths: Sequence[int] = (32, 16, 24, 40, 80, 96, 192, 320),
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, widths[0], kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(widths[0], momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(
                widths[0],
                widths[0],
                kernel_size=3,
                padding=1,
                groups=widths[0],
                bias=False,
            ),
            nn.BatchNorm2d(widths[0], momentum=bn_momentum),
            nn.ReLU(inplace=True),
            nn.Conv2d(widths[0], widths[1], kernel_size=1, bias=False),
            nn.BatchNorm2d(widths[1], momentum=bn_momentum),
            Stack(
                widths[1],
                widths[2],
                kernel_size=3,
                stride=2,
                expansion=3,
                depth=3,
                bn_momentum=bn_momentum,
            ),  # 24 x 56 x 56
            Stack(
                widths[2],
                widths[3],
                kernel_size=5,
                stride=2,
                expansion=3,
                depth=3,
                bn_momentum=bn_momentum,
            ),  # 40 x 28 x 28
            Stack(
                widths[3],
                widths[4],
                kernel_size=5,
                stride=2,
                expansion=6,
                depth=3,
                bn_momentum=bn_momentum,
            ),  # 80 x 14 x 14
            Stack(
                widths[4],
                widths[5],
                kernel_size=3,
                stride=1,
                expansion=6,
                depth=2,
                bn_momentum=bn_momentum,
            ),  # 96 x 14 x 14
            Stack(
                widths[5],
                widths[6],
                kernel_size=5,
                stride=2,
                expansion=6,
                depth=4,
                bn_momentum=bn_momentum,
            ),  # 192 x 7 x 7
            Stack(
                widths[6],
                widths[7],
                kernel_size=3,
                stride=1,
                expansion=6,
                depth=1,
                bn_momentum=bn_momentum,
            ),  # 320 x 7 x 7
            nn.Conv2d(widths[7], 1280, kernel_size=1, bias=False),  # 1280 x 7 x 7
            nn.BatchNorm2d(1280, momentum=bn_momentum),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(1280, num_classes),  # 1000
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.layers(x)  # 1280 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 1280 x 1 x 1
        x = torch.flatten(x, 1)  # 1280
        return self.classifier(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(
                    module.weight, mode="fan_out", nonlinearity="sigmoid"
                )
                nn.init.zeros_(module.bias)
