"""GhostNet.

Source: Han et al. 2020, Table 1, arXiv:1911.11907; timm's ghostnet_100.

Compiled by archc from specs/timm/ghostnet_100.toml.
Digest: sha256 342dbf86417bad0d.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "GhostNet",
    "UnitConfig",
    "GhostModule",
    "SqueezeExcite",
    "GhostBottleneck",
    "Stage",
    "ConvBnAct",
]


class UnitConfig(NamedTuple):
    kernel_size: int
    expanded: int
    out_channels: int
    se: bool
    stride: int


class GhostModule(nn.Module):
    """Half of the channels by a convolution, the others from them by cheap depthwise
    ones (Fig. 2).
    """

    def __init__(self, in_channels: int, out_channels: int, relu: bool = True) -> None:
        super().__init__()
        self.out_channels = out_channels
        width = math.ceil(out_channels / 2)
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, width, kernel_size=1, bias=False),
            nn.BatchNorm2d(width),
        ]
        if relu:
            layers.append(nn.ReLU(inplace=True))
        self.primary_conv = nn.Sequential(*layers)
        layers = [
            nn.Conv2d(width, width, kernel_size=3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
        ]
        if relu:
            layers.append(nn.ReLU(inplace=True))
        self.cheap_operation = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary_conv(x)
        x = torch.cat([x, self.cheap_operation(x)], dim=1)
        return x[:, : self.out_channels]


class SqueezeExcite(nn.Module):
    """Weighs each channel by what its mean says."""

    def __init__(self, in_channels: int, divisor: int = 4) -> None:
        super().__init__()
        reduced = max(divisor, int(in_channels / 4 + divisor / 2) // divisor * divisor)
        self.conv_reduce = nn.Conv2d(in_channels, reduced, kernel_size=1)
        self.conv_expand = nn.Conv2d(reduced, in_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        scale = x.mean((2, 3), keepdim=True)
        scale = self.conv_reduce(scale)
        scale = F.relu(scale, inplace=True)
        scale = self.conv_expand(scale)
        scale = F.hardsigmoid(scale, inplace=True)
        return x * scale


class GhostBottleneck(nn.Module):
    """Two Ghost modules, a depthwise convolution between them where the map is halved
    (Fig. 3).
    """

    def __init__(
        self,
        in_channels: int,
        kernel_size: int,
        expanded: int,
        out_channels: int,
        stride: int,
        se: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.ghost1 = GhostModule(in_channels, expanded)
        if stride != 1:
            self.conv_dw = nn.Conv2d(
                expanded,
                expanded,
                kernel_size=kernel_size,
                stride=stride,
                padding=(kernel_size - 1) // 2,
                groups=expanded,
                bias=False,
            )
            self.bn_dw = nn.BatchNorm2d(expanded)
        self.se = SqueezeExcite(expanded) if se else nn.Identity()
        self.ghost2 = GhostModule(expanded, out_channels, relu=False)
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(
                    in_channels,
                    in_channels,
                    kernel_size=kernel_size,
                    stride=stride,
                    padding=(kernel_size - 1) // 2,
                    groups=in_channels,
                    bias=False,
                ),
                nn.BatchNorm2d(in_channels),
                nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        else:
            self.shortcut = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.ghost1(x)
        if self.stride != 1:
            x = self.conv_dw(x)
            x = self.bn_dw(x)
        x = self.se(x)
        x = self.ghost2(x)
        return x + self.shortcut(identity)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, units: Sequence[UnitConfig]) -> None:
        layers: list[nn.Module] = []
        for unit in units:
            layers.append(
                GhostBottleneck(
                    in_channels,
                    kernel_size=unit.kernel_size,
                    expanded=unit.expanded,
                    out_channels=unit.out_channels,
                    stride=unit.stride,
                    se=unit.se,
                )
            )
            in_channels = unit.out_channels
        super().__init__(*layers)


class ConvBnAct(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn1(x)
        return F.relu(x, inplace=True)


class GhostNet(nn.Module):
    """GhostNet."""

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.2,
        stem_width: int = 16,
        head_widths: tuple[int, int] = (960, 1280),
        stages: Sequence[Sequence[UnitConfig]] | None = None,
    ) -> None:
        super().__init__()
        if stages is None:
            stages = (
                (UnitConfig(3, 16, 16, False, 1),),
                (UnitConfig(3, 48, 24, False, 2),),
                (UnitConfig(3, 72, 24, False, 1),),
                (UnitConfig(5, 72, 40, True, 2),),
                (UnitConfig(5, 120, 40, True, 1),),
                (UnitConfig(3, 240, 80, False, 2),),
                (
                    UnitConfig(3, 200, 80, False, 1),
                    UnitConfig(3, 184, 80, False, 1),
                    UnitConfig(3, 184, 80, False, 1),
                    UnitConfig(3, 480, 112, True, 1),
                    UnitConfig(3, 672, 112, True, 1),
                ),
                (UnitConfig(5, 672, 160, True, 2),),
                (
                    UnitConfig(5, 960, 160, False, 1),
                    UnitConfig(5, 960, 160, True, 1),
                    UnitConfig(5, 960, 160, False, 1),
                    UnitConfig(5, 960, 160, True, 1),
                ),
            )
        self.dropout = dropout
        self.conv_stem = nn.Conv2d(
            3, stem_width, kernel_size=3, stride=2, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(stem_width)
        layers: list[nn.Module] = []
        in_channels = stem_width
        for units in stages:
            layers.append(Stage(in_channels, units))
            in_channels = units[-1].out_channels
        layers.append(nn.Sequential(ConvBnAct(in_channels, head_widths[0])))
        self.blocks = nn.Sequential(*layers)
        self.conv_head = nn.Conv2d(head_widths[0], head_widths[1], kernel_size=1)
        self.classifier = nn.Linear(head_widths[1], num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_stem(x)  # 16 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.blocks(x)  # 960 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 960 x 1 x 1
        x = self.conv_head(x)  # 1280 x 1 x 1
        x = F.relu(x, inplace=True)
        x = torch.flatten(x, 1)  # 1280
        x = F.dropout(x, p=self.dropout, training=self.training)
        return self.classifier(x)  # 1000
