"""DPN-68.

Source: Chen et al. 2017, Table 1, arXiv:1707.01629; timm's dpn68.

Compiled by archc from specs/timm/dpn68.toml.
Digest: sha256 3cfb95d49907310b.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "DPN",
    "ConvNormAct",
    "BnActConv2d",
    "DualPathBlock",
]


class ConvNormAct(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return F.relu(x, inplace=True)


class BnActConv2d(nn.Module):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(in_channels, eps=0.001)
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(x)
        x = F.relu(x, inplace=True)
        return self.conv(x)


class DualPathBlock(nn.Module):
    """A bottleneck whose first channels are added to those of its input, and whose last
    are appended to them (Fig. 2d).
    """

    def __init__(
        self,
        in_channels: int,
        planes: int,
        width: int,
        growth_rate: int,
        groups: int,
        stride: int = 1,
        project: bool = False,
    ) -> None:
        super().__init__()
        self.width = width
        self.has_c1x1_w_s1 = project and stride == 1
        if self.has_c1x1_w_s1:
            self.c1x1_w_s1 = BnActConv2d(
                in_channels, width + growth_rate * 2, kernel_size=1
            )
        elif project:
            self.c1x1_w_s2 = BnActConv2d(
                in_channels, width + growth_rate * 2, kernel_size=1, stride=stride
            )
        else:
            self.c1x1_w_s2 = nn.Identity()
        self.c1x1_a = BnActConv2d(in_channels, planes, kernel_size=1)
        self.c3x3_b = BnActConv2d(
            planes, planes, kernel_size=3, stride=stride, groups=groups
        )
        self.c1x1_c = BnActConv2d(planes, width + growth_rate, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        c1x1_w = self.c1x1_w_s1(x) if self.has_c1x1_w_s1 else self.c1x1_w_s2(x)
        x = self.c1x1_a(x)
        x = self.c3x3_b(x)
        x = self.c1x1_c(x)
        return torch.cat(
            [
                c1x1_w[:, : self.width] + x[:, : self.width],
                c1x1_w[:, self.width :],
                x[:, self.width :],
            ],
            dim=1,
        )


class DPN(nn.Module):
    """DPN-68."""

    def __init__(
        self,
        num_classes: int = 1000,
        stem_width: int = 10,
        groups: int = 32,
        depths: Sequence[int] = (3, 4, 12, 3),
        bottleneck_widths: Sequence[int] = (128, 256, 512, 1024),
        widths: Sequence[int] = (64, 128, 256, 512),
        growth_rates: Sequence[int] = (16, 32, 32, 64),
    ) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1_1=ConvNormAct(3, stem_width, kernel_size=3, stride=2),
                conv1_pool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
            )
        )
        in_channels = stem_width
        for stage, (depth, planes, width, growth_rate) in enumerate(
            zip(depths, bottleneck_widths, widths, growth_rates, strict=True)
        ):
            for j in range(depth):
                self.features.add_module(
                    f"conv{stage + 2}_{j + 1}",
                    DualPathBlock(
                        in_channels,
                        planes,
                        width,
                        growth_rate,
                        groups=groups,
                        stride=2 if stage > 0 and j == 0 else 1,
                        project=j == 0,
                    ),
                )
                if j == 0:
                    in_channels = width + growth_rate * 2
                in_channels += growth_rate
        self.features.add_module(
            "conv5_bn_ac",
            nn.Sequential(
                OrderedDict(
                    bn=nn.BatchNorm2d(in_channels, eps=0.001), act=nn.ReLU(inplace=True)
                )
            ),
        )
        self.classifier = nn.Conv2d(in_channels, num_classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 832 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 832 x 1 x 1
        x = self.classifier(x)  # 1000 x 1 x 1
        return torch.flatten(x, 1)  # 1000
