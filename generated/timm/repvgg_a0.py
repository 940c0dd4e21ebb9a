"""RepVGG-A0.

Source: Ding et al. 2021, Table 2, arXiv:2101.03697, as it is trained; timm's repvgg_a0.

Compiled by archc from specs/timm/repvgg_a0.toml.
Digest: sha256 de49f2c98cd35be1.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "RepVGG",
    "ConvNorm",
    "RepvggBlock",
    "Stage",
]


class ConvNorm(nn.Module):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int
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

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.bn(x)


class RepvggBlock(nn.Module):
    """A 3x3 and a 1x1 convolution and the input, each normalised, added: one 3x3
    convolution once it is trained.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv_1x1 = ConvNorm(
            in_channels, out_channels, kernel_size=1, stride=stride
        )
        self.conv_kxk = ConvNorm(
            in_channels, out_channels, kernel_size=3, stride=stride
        )
        self.use_skip = stride == 1 and in_channels == out_channels
        if self.use_skip:
            self.identity = nn.BatchNorm2d(in_channels)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv_1x1(x) + self.conv_kxk(x)
        if self.use_skip:
            x = x + self.identity(identity)
        return self.act(x)


class Stage(nn.Sequential):
    def __init__(self, in_channels: int, depth: int, width: int) -> None:
        layers: list[nn.Module] = []
        for i in range(depth):
            layers.append(RepvggBlock(in_channels, width, stride=2 if i == 0 else 1))
            in_channels = width
        super().__init__(*layers)


class RepVGG(nn.Module):
    """RepVGG-A0."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (2, 4, 14, 1),
        widths: Sequence[int] = (48, 96, 192, 1280),
    ) -> None:
        super().__init__()
        stem_width = min(64, widths[0])
        self.stem = RepvggBlock(3, stem_width, stride=2)
        layers: list[nn.Module] = []
        in_channels = stem_width
        for depth, width in zip(depths, widths, strict=True):
            layers.append(Stage(in_channels, depth, width))
            in_channels = width
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            OrderedDict(
                global_pool=nn.AdaptiveAvgPool2d(1),  # 1280 x 1 x 1
                flatten=nn.Flatten(),  # 1280
                fc=nn.Linear(in_channels, num_classes),  # 1000
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 48 x 112 x 112
        x = self.stages(x)  # 1280 x 7 x 7
        return self.head(x)  # 1000
