"""Darknet-53.

Source: Redmon and Farhadi 2018, Table 1, arXiv:1804.02767; timm's darknet53.

Compiled by archc from specs/timm/darknet53.toml.
Digest: sha256 2e297d5d512baa77.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "DarkNet",
    "ConvNormAct",
    "DarkBlock",
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
        self.act = nn.LeakyReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return self.act(x)


class DarkBlock(nn.Module):
    """Half as wide in the middle, added to its input."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = ConvNormAct(in_channels, in_channels // 2, kernel_size=1)
        self.conv2 = ConvNormAct(in_channels // 2, in_channels, kernel_size=3)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.conv2(x)
        return x + identity


class Stage(nn.Module):
    def __init__(self, in_channels: int, depth: int, width: int) -> None:
        super().__init__()
        self.conv_down = ConvNormAct(in_channels, width, kernel_size=3, stride=2)
        self.blocks = nn.Sequential(*[DarkBlock(width) for _ in range(depth)])

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_down(x)
        return self.blocks(x)


class DarkNet(nn.Module):
    """Darknet-53."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (1, 2, 8, 8, 4),
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
    ) -> None:
        super().__init__()
        in_channels = 32
        self.stem = nn.Sequential(
            OrderedDict(
                conv1=ConvNormAct(3, in_channels, kernel_size=3),  # 32 x 256 x 256
            )
        )
        layers: list[nn.Module] = []
        for depth, width in zip(depths, widths, strict=True):
            layers.append(Stage(in_channels, depth, width))
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
        x = self.stem(x)  # 32 x 256 x 256
        x = self.stages(x)  # 1024 x 8 x 8
        return self.head(x)  # 1000
