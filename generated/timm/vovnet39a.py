"""VoVNet-39.

Source: Lee et al. 2019, Table 1, arXiv:1904.09730; timm's vovnet39a.

Compiled by archc from specs/timm/vovnet39a.toml.
Digest: sha256 ca00b61b1e4a1218.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "VovNet",
    "ConvNormAct",
    "OsaBlock",
    "Stage",
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
        self.bn = nn.BatchNorm2d(out_channels)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return self.act(x)


class OsaBlock(nn.Module):
    """One-shot aggregation: all maps of a chain are joined once, at its end."""

    def __init__(self, in_channels: int, mid_width: int, width: int) -> None:
        super().__init__()
        self.conv_mid = nn.ModuleList(
            [
                ConvNormAct(in_channels, mid_width, kernel_size=3),
                ConvNormAct(mid_width, mid_width, kernel_size=3),
                ConvNormAct(mid_width, mid_width, kernel_size=3),
                ConvNormAct(mid_width, mid_width, kernel_size=3),
                ConvNormAct(mid_width, mid_width, kernel_size=3),
            ]
        )
        self.conv_concat = ConvNormAct(
            in_channels + mid_width * 5, width, kernel_size=1
        )

    def forward(self, x: Tensor) -> Tensor:
        conv_mid = self.conv_mid[0](x)
        conv_mid2 = self.conv_mid[1](conv_mid)
        conv_mid3 = self.conv_mid[2](conv_mid2)
        conv_mid4 = self.conv_mid[3](conv_mid3)
        conv_mid5 = self.conv_mid[4](conv_mid4)
        x = torch.cat([x, conv_mid, conv_mid2, conv_mid3, conv_mid4, conv_mid5], dim=1)
        return self.conv_concat(x)


class Stage(nn.Module):
    def __init__(
        self, in_channels: int, depth: int, mid_width: int, width: int, downsample: bool
    ) -> None:
        super().__init__()
        if downsample:
            self.pool = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        else:
            self.pool = nn.Identity()
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers.append(OsaBlock(in_channels, mid_width, width))
            in_channels = width
        self.blocks = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        return self.blocks(x)


class VovNet(nn.Module):
    """VoVNet-39."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (1, 1, 2, 2),
        mid_widths: Sequence[int] = (128, 160, 192, 224),
        widths: Sequence[int] = (256, 512, 768, 1024),
    ) -> None:
        super().__init__()
        in_channels = 128
        self.stem = nn.Sequential(
            ConvNormAct(3, 64, kernel_size=3, stride=2),  # 64 x 112 x 112
            ConvNormAct(64, 64, kernel_size=3),
            ConvNormAct(64, in_channels, kernel_size=3, stride=2),  # 128 x 56 x 56
        )
        layers: list[nn.Module] = []
        for i, (depth, mid_width, width) in enumerate(
            zip(depths, mid_widths, widths, strict=True)
        ):
            layers.append(Stage(in_channels, depth, mid_width, width, i > 0))
            in_channels = width
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            OrderedDict(
                global_pool=nn.AdaptiveAvgPool2d(1),  # 1024 x 1 x 1
                flatten=nn.Flatten(),  # 1024
                fc=nn.Linear(in_channels, num_classes),  # 1000
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 128 x 56 x 56
        x = self.stages(x)  # 1024 x 7 x 7
        return self.head(x)  # 1000
