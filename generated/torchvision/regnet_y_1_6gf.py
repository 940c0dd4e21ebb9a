"""RegNetY-1.6GF.

Source: Radosavovic et al. 2020, arXiv:2003.13678; torchvision.models.regnet_y_1_6gf.

Compiled by archc from specs/torchvision/regnet_y_1_6gf.toml.
Digest: sha256 cd6b96f6bd6f0db8.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "RegNet",
    "ConvNorm",
    "SqueezeExcitation",
    "ResBottleneck",
    "Stage",
]


class ConvNorm(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=kernel_size // 2,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
        ]
        if act:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class SqueezeExcitation(nn.Module):
    """A gate for each channel, computed from the means of all."""

    def __init__(self, in_channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(in_channels, squeezed, kernel_size=1)
        self.activation = nn.ReLU(inplace=True)
        self.fc2 = nn.Conv2d(squeezed, in_channels, kernel_size=1)
        self.scale_activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.avgpool(x)
        scale = self.fc1(scale)
        scale = self.activation(scale)
        scale = self.fc2(scale)
        scale = self.scale_activation(scale)
        return x * scale


class ResBottleneck(nn.Module):
    """A grouped bottleneck without a bottleneck; in RegNetY its channels are
    weighed.
    """

    def __init__(
        self, in_channels: int, width: int, stride: int, group_width: int, se: bool
    ) -> None:
        super().__init__()
        self.f = nn.Sequential(
            OrderedDict(
                a=ConvNorm(in_channels, width, kernel_size=1),
                b=ConvNorm(
                    width,
                    width,
                    kernel_size=3,
                    stride=stride,
                    groups=width // min(group_width, width),
                ),
            )
        )
        squeezed = round(0.25 * in_channels)
        if se:
            self.f.add_module("se", SqueezeExcitation(width, squeezed))
        self.f.add_module("c", ConvNorm(width, width, kernel_size=1, act=False))
        if stride != 1 or in_channels != width:
            self.proj = ConvNorm(
                in_channels, width, kernel_size=1, stride=stride, act=False
            )
        else:
            self.proj = nn.Identity()
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.f(x) + self.proj(x)
        return self.activation(x)


class Stage(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        number: int,
        depth: int,
        width: int,
        group_width: int,
        se: bool,
    ) -> None:
        super().__init__()
        for i in range(depth):
            self.add_module(
                f"block{number}-{i}",
                ResBottleneck(
                    in_channels,
                    width,
                    stride=2 if i == 0 else 1,
                    group_width=group_width,
                    se=se,
                ),
            )
            in_channels = width


class RegNet(nn.Module):
    """RegNetY-1.6GF."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (2, 6, 17, 2),
        widths: Sequence[int] = (48, 120, 336, 888),
        group_width: int = 24,
        se: bool = True,
    ) -> None:
        super().__init__()
        in_channels = 32
        self.stem = ConvNorm(3, in_channels, kernel_size=3, stride=2)
        self.trunk_output = nn.Sequential()
        for stage, (depth, width) in enumerate(
            zip(depths, widths, strict=True), start=1
        ):
            self.trunk_output.add_module(
                f"block{stage}",
                Stage(in_channels, stage, depth, width, group_width, se),
            )
            in_channels = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(in_channels, num_classes)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 32 x 112 x 112
        x = self.trunk_output(x)  # 888 x 7 x 7
        x = self.avgpool(x)  # 888 x 1 x 1
        x = torch.flatten(x, 1)  # 888
        return self.fc(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
