"""ResNetV2-50.

Source: He et al. 2016, Fig. 4e, arXiv:1603.05027; timm's resnetv2_50, strided in the
3x3.

Compiled by archc from specs/timm/resnetv2_50.toml.
Digest: sha256 73429e02463a83ec.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ResNetV2",
    "PreActBottleneck",
    "Stage",
]


class PreActBottleneck(nn.Module):
    """Normalised and activated before each convolution; a projection sees its input so,
    an identity does not.
    """

    def __init__(
        self, in_channels: int, width: int, stride: int = 1, project: bool = False
    ) -> None:
        super().__init__()
        self.project = project
        self.norm1 = nn.BatchNorm2d(in_channels)
        self.preact = nn.ReLU(inplace=True)
        inter_channels = width // 4
        self.conv1 = nn.Conv2d(in_channels, inter_channels, kernel_size=1, bias=False)
        self.norm2 = nn.BatchNorm2d(inter_channels)
        self.conv2 = nn.Conv2d(
            inter_channels,
            inter_channels,
            kernel_size=3,
            stride=stride,
            padding=1,
            bias=False,
        )
        self.norm3 = nn.BatchNorm2d(inter_channels)
        self.conv3 = nn.Conv2d(inter_channels, width, kernel_size=1, bias=False)
        if project:
            self.downsample = nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(
                        in_channels, width, kernel_size=1, stride=stride, bias=False
                    ),
                )
            )

    def forward(self, x: Tensor) -> Tensor:
        x_in = x
        x = self.norm1(x_in)
        x = self.preact(x)
        identity = x
        x = self.conv1(x)
        x = self.norm2(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.norm3(x)
        x = F.relu(x, inplace=True)
        x = self.conv3(x)
        identity = self.downsample(identity) if self.project else x_in
        return x + identity


class Stage(nn.Module):
    def __init__(self, in_channels: int, depth: int, width: int, stride: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(depth):
            layers.append(
                PreActBottleneck(
                    in_channels, width, stride=stride if i == 0 else 1, project=i == 0
                )
            )
            in_channels = width
        self.blocks = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.blocks(x)


class ResNetV2(nn.Module):
    """ResNetV2-50."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 4, 6, 3),
        widths: Sequence[int] = (256, 512, 1024, 2048),
    ) -> None:
        super().__init__()
        in_channels = 64
        self.stem = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(
                    3, in_channels, kernel_size=7, stride=2, padding=3, bias=False
                ),  # 64 x 112 x 112
                pool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 56 x 56
            )
        )
        layers: list[nn.Module] = []
        for s, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            layers.append(Stage(in_channels, depth, width, stride=1 if s == 0 else 2))
            in_channels = width
        self.stages = nn.Sequential(*layers)
        self.norm = nn.BatchNorm2d(in_channels)
        self.head = nn.Sequential(
            OrderedDict(
                global_pool=nn.AdaptiveAvgPool2d(1),  # 2048 x 1 x 1
                fc=nn.Conv2d(in_channels, num_classes, kernel_size=1),  # 1000 x 1 x 1
                flatten=nn.Flatten(),  # 1000
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64 x 56 x 56
        x = self.stages(x)  # 2048 x 7 x 7
        x = self.norm(x)
        x = F.relu(x, inplace=True)
        return self.head(x)  # 1000
