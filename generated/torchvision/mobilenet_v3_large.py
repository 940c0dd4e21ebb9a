"""MobileNetV3-Large.

Source: Howard et al. 2019, Table 1, arXiv:1905.02244;
torchvision.models.mobilenet_v3_large.

Compiled by archc from specs/torchvision/mobilenet_v3_large.toml.
Digest: sha256 48359b4caafd8f84.
"""

import math

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "MobileNetV3",
    "ConvNorm",
    "SqueezeExcitation",
    "Bneck",
]


class ConvNorm(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        act: bool = False,
        hs: bool = False,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=(kernel_size - 1) // 2,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels, eps=0.001, momentum=0.01),
        ]
        if act:
            layers.append(nn.Hardswish(inplace=True) if hs else nn.ReLU(inplace=True))
        super().__init__(*layers)


class SqueezeExcitation(nn.Module):
    """A gate for each channel, computed from the means of all."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        squeezed = 8 * math.ceil(
            max(0.9 * (in_channels // 4), in_channels // 4 - 3) / 8
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(in_channels, squeezed, kernel_size=1)
        self.activation = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(squeezed, in_channels, kernel_size=1)
        self.scale_activation = nn.Hardsigmoid(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        scale = self.avgpool(x)
        scale = self.fc1(scale)
        scale = self.activation(scale)
        scale = self.fc2(scale)
        scale = self.scale_activation(scale)
        return x * scale


class Bneck(nn.Module):
    """An inverted residual: expand, filter depthwise, weigh the channels, project."""

    def __init__(
        self,
        in_channels: int,
        kernel_size: int,
        expanded: int,
        out_channels: int,
        se: bool = False,
        hs: bool = False,
        stride: int = 1,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        if expanded != in_channels:
            layers.append(
                ConvNorm(in_channels, expanded, kernel_size=1, act=True, hs=hs)
            )
        layers.append(
            ConvNorm(
                expanded,
                expanded,
                kernel_size=kernel_size,
                stride=stride,
                groups=expanded,
                act=True,
                hs=hs,
            )
        )
        if se:
            layers.append(SqueezeExcitation(expanded))
        layers.append(ConvNorm(expanded, out_channels, kernel_size=1))
        self.block = nn.Sequential(*layers)
        self.use_skip = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.block(x)
        if self.use_skip:
            x = x + identity
        return x


class MobileNetV3(nn.Module):
    """MobileNetV3-Large."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.2) -> None:
        super().__init__()
        self.features = nn.Sequential(
            ConvNorm(3, 16, kernel_size=3, stride=2, act=True, hs=True),
            Bneck(16, kernel_size=3, expanded=16, out_channels=16),
            Bneck(16, kernel_size=3, expanded=64, out_channels=24, stride=2),
            Bneck(24, kernel_size=3, expanded=72, out_channels=24),
            Bneck(24, kernel_size=5, expanded=72, out_channels=40, se=True, stride=2),
            Bneck(40, kernel_size=5, expanded=120, out_channels=40, se=True),
            Bneck(40, kernel_size=5, expanded=120, out_channels=40, se=True),
            Bneck(40, kernel_size=3, expanded=240, out_channels=80, hs=True, stride=2),
            Bneck(80, kernel_size=3, expanded=200, out_channels=80, hs=True),
            Bneck(80, kernel_size=3, expanded=184, out_channels=80, hs=True),
            Bneck(80, kernel_size=3, expanded=184, out_channels=80, hs=True),
            Bneck(80, kernel_size=3, expanded=480, out_channels=112, se=True, hs=True),
            Bneck(112, kernel_size=3, expanded=672, out_channels=112, se=True, hs=True),
            Bneck(
                112,
                kernel_size=5,
                expanded=672,
                out_channels=160,
                se=True,
                hs=True,
                stride=2,
            ),  # 160 x 7 x 7
            Bneck(160, kernel_size=5, expanded=960, out_channels=160, se=True, hs=True),
            Bneck(160, kernel_size=5, expanded=960, out_channels=160, se=True, hs=True),
            ConvNorm(160, 960, kernel_size=1, act=True, hs=True),  # 960 x 7 x 7
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(960, 1280),  # 1280
            nn.Hardswish(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(1280, num_classes),  # 1000
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 960 x 7 x 7
        x = self.avgpool(x)  # 960 x 1 x 1
        x = torch.flatten(x, 1)  # 960
        return self.classifier(x)  # 1000
