"""Inception-ResNet-v2.

Source: Szegedy et al. 2016, Fig. 15 to 19, arXiv:1602.07261; timm's
inception_resnet_v2.

Compiled by archc from specs/timm/inception_resnet_v2.toml.
Digest: sha256 fd0a1d22de8ae105.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "InceptionResnetV2",
    "ConvNormAct",
    "Mixed5b",
    "Block35",
    "Mixed6a",
    "Block17",
    "Mixed7a",
    "Block8",
]


class ConvNormAct(nn.Module):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=padding,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return F.relu(x, inplace=True)


class Mixed5b(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = ConvNormAct(in_channels, 96, kernel_size=1)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 48, kernel_size=1),
            ConvNormAct(48, 64, kernel_size=5, padding=2),
        )
        self.branch2 = nn.Sequential(
            ConvNormAct(in_channels, 64, kernel_size=1),
            ConvNormAct(64, 96, kernel_size=3, padding=1),
            ConvNormAct(96, 96, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            nn.AvgPool2d(kernel_size=3, stride=1, padding=1, count_include_pad=False),
            ConvNormAct(in_channels, 64, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1
        )


class Block35(nn.Module):
    def __init__(self, in_channels: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.branch0 = ConvNormAct(in_channels, 32, kernel_size=1)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 32, kernel_size=1),
            ConvNormAct(32, 32, kernel_size=3, padding=1),
        )
        self.branch2 = nn.Sequential(
            ConvNormAct(in_channels, 32, kernel_size=1),
            ConvNormAct(32, 48, kernel_size=3, padding=1),
            ConvNormAct(48, 64, kernel_size=3, padding=1),
        )
        self.conv2d = nn.Conv2d(128, in_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = torch.cat([self.branch0(x), self.branch1(x), self.branch2(x)], dim=1)
        x = self.conv2d(x)
        x = x * self.scale
        x = x + identity
        return F.relu(x, inplace=True)


class Mixed6a(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = ConvNormAct(in_channels, 384, kernel_size=3, stride=2)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 256, kernel_size=1),
            ConvNormAct(256, 256, kernel_size=3, padding=1),
            ConvNormAct(256, 384, kernel_size=3, stride=2),
        )
        self.branch2 = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch0(x), self.branch1(x), self.branch2(x)], dim=1)


class Block17(nn.Module):
    def __init__(self, in_channels: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.branch0 = ConvNormAct(in_channels, 192, kernel_size=1)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 128, kernel_size=1),
            ConvNormAct(128, 160, kernel_size=(1, 7), padding=(0, 3)),
            ConvNormAct(160, 192, kernel_size=(7, 1), padding=(3, 0)),
        )
        self.conv2d = nn.Conv2d(384, in_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = torch.cat([self.branch0(x), self.branch1(x)], dim=1)
        x = self.conv2d(x)
        x = x * self.scale
        x = x + identity
        return F.relu(x, inplace=True)


class Mixed7a(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(
            ConvNormAct(in_channels, 256, kernel_size=1),
            ConvNormAct(256, 384, kernel_size=3, stride=2),
        )
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 256, kernel_size=1),
            ConvNormAct(256, 288, kernel_size=3, stride=2),
        )
        self.branch2 = nn.Sequential(
            ConvNormAct(in_channels, 256, kernel_size=1),
            ConvNormAct(256, 288, kernel_size=3, padding=1),
            ConvNormAct(288, 320, kernel_size=3, stride=2),
        )
        self.branch3 = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1
        )


class Block8(nn.Module):
    def __init__(self, in_channels: int, scale: float = 1.0, relu: bool = True) -> None:
        super().__init__()
        self.scale = scale
        self.relu = relu
        self.branch0 = ConvNormAct(in_channels, 192, kernel_size=1)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 192, kernel_size=1),
            ConvNormAct(192, 224, kernel_size=(1, 3), padding=(0, 1)),
            ConvNormAct(224, 256, kernel_size=(3, 1), padding=(1, 0)),
        )
        self.conv2d = nn.Conv2d(448, in_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = torch.cat([self.branch0(x), self.branch1(x)], dim=1)
        x = self.conv2d(x)
        x = x * self.scale
        x = x + identity
        if self.relu:
            x = F.relu(x, inplace=True)
        return x


class InceptionResnetV2(nn.Module):
    """Inception-ResNet-v2."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        self.conv2d_1a = ConvNormAct(3, 32, kernel_size=3, stride=2)
        self.conv2d_2a = ConvNormAct(32, 32, kernel_size=3)
        self.conv2d_2b = ConvNormAct(32, 64, kernel_size=3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(kernel_size=3, stride=2)
        self.conv2d_3b = ConvNormAct(64, 80, kernel_size=1)
        self.conv2d_4a = ConvNormAct(80, 192, kernel_size=3)
        self.maxpool_5a = nn.MaxPool2d(kernel_size=3, stride=2)
        self.mixed_5b = Mixed5b(192)
        self.repeat = nn.Sequential(*[Block35(320, scale=0.17) for _ in range(10)])
        self.mixed_6a = Mixed6a(320)
        self.repeat_1 = nn.Sequential(*[Block17(1088, scale=0.1) for _ in range(20)])
        self.mixed_7a = Mixed7a(1088)
        self.repeat_2 = nn.Sequential(*[Block8(2080, scale=0.2) for _ in range(9)])
        self.block8 = Block8(2080, relu=False)
        self.conv2d_7b = ConvNormAct(2080, 1536, kernel_size=1)
        self.classif = nn.Linear(1536, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv2d_1a(x)  # 32 x 149 x 149
        x = self.conv2d_2a(x)  # 32 x 147 x 147
        x = self.conv2d_2b(x)  # 64 x 147 x 147
        x = self.maxpool_3a(x)  # 64 x 73 x 73
        x = self.conv2d_3b(x)  # 80 x 73 x 73
        x = self.conv2d_4a(x)  # 192 x 71 x 71
        x = self.maxpool_5a(x)  # 192 x 35 x 35
        x = self.mixed_5b(x)  # 320 x 35 x 35
        x = self.repeat(x)
        x = self.mixed_6a(x)  # 1088 x 17 x 17
        x = self.repeat_1(x)
        x = self.mixed_7a(x)  # 2080 x 8 x 8
        x = self.repeat_2(x)
        x = self.block8(x)
        x = self.conv2d_7b(x)  # 1536 x 8 x 8
        x = F.adaptive_avg_pool2d(x, 1)  # 1536 x 1 x 1
        x = torch.flatten(x, 1)  # 1536
        return self.classif(x)  # 1000
