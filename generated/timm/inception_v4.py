"""Inception-v4.

Source: Szegedy et al. 2016, Fig. 3 to 9, arXiv:1602.07261; timm's inception_v4.

Compiled by archc from specs/timm/inception_v4.toml.
Digest: sha256 29b6621d113b4c4c.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "InceptionV4",
    "ConvNormAct",
    "Mixed3a",
    "Mixed4a",
    "Mixed5a",
    "InceptionA",
    "ReductionA",
    "InceptionB",
    "ReductionB",
    "InceptionC",
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


class Mixed3a(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)
        self.conv = ConvNormAct(in_channels, 96, kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.maxpool(x), self.conv(x)], dim=1)


class Mixed4a(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(
            ConvNormAct(in_channels, 64, kernel_size=1),
            ConvNormAct(64, 96, kernel_size=3),
        )
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 64, kernel_size=1),
            ConvNormAct(64, 64, kernel_size=(1, 7), padding=(0, 3)),
            ConvNormAct(64, 64, kernel_size=(7, 1), padding=(3, 0)),
            ConvNormAct(64, 96, kernel_size=3),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch0(x), self.branch1(x)], dim=1)


class Mixed5a(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv = ConvNormAct(in_channels, 192, kernel_size=3, stride=2)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.conv(x), self.maxpool(x)], dim=1)


class InceptionA(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = ConvNormAct(in_channels, 96, kernel_size=1)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 64, kernel_size=1),
            ConvNormAct(64, 96, kernel_size=3, padding=1),
        )
        self.branch2 = nn.Sequential(
            ConvNormAct(in_channels, 64, kernel_size=1),
            ConvNormAct(64, 96, kernel_size=3, padding=1),
            ConvNormAct(96, 96, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            nn.AvgPool2d(kernel_size=3, stride=1, padding=1, count_include_pad=False),
            ConvNormAct(in_channels, 96, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1
        )


class ReductionA(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = ConvNormAct(in_channels, 384, kernel_size=3, stride=2)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 192, kernel_size=1),
            ConvNormAct(192, 224, kernel_size=3, padding=1),
            ConvNormAct(224, 256, kernel_size=3, stride=2),
        )
        self.branch2 = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch0(x), self.branch1(x), self.branch2(x)], dim=1)


class InceptionB(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = ConvNormAct(in_channels, 384, kernel_size=1)
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 192, kernel_size=1),
            ConvNormAct(192, 224, kernel_size=(1, 7), padding=(0, 3)),
            ConvNormAct(224, 256, kernel_size=(7, 1), padding=(3, 0)),
        )
        self.branch2 = nn.Sequential(
            ConvNormAct(in_channels, 192, kernel_size=1),
            ConvNormAct(192, 192, kernel_size=(7, 1), padding=(3, 0)),
            ConvNormAct(192, 224, kernel_size=(1, 7), padding=(0, 3)),
            ConvNormAct(224, 224, kernel_size=(7, 1), padding=(3, 0)),
            ConvNormAct(224, 256, kernel_size=(1, 7), padding=(0, 3)),
        )
        self.branch3 = nn.Sequential(
            nn.AvgPool2d(kernel_size=3, stride=1, padding=1, count_include_pad=False),
            ConvNormAct(in_channels, 128, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(
            [self.branch0(x), self.branch1(x), self.branch2(x), self.branch3(x)], dim=1
        )


class ReductionB(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = nn.Sequential(
            ConvNormAct(in_channels, 192, kernel_size=1),
            ConvNormAct(192, 192, kernel_size=3, stride=2),
        )
        self.branch1 = nn.Sequential(
            ConvNormAct(in_channels, 256, kernel_size=1),
            ConvNormAct(256, 256, kernel_size=(1, 7), padding=(0, 3)),
            ConvNormAct(256, 320, kernel_size=(7, 1), padding=(3, 0)),
            ConvNormAct(320, 320, kernel_size=3, stride=2),
        )
        self.branch2 = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch0(x), self.branch1(x), self.branch2(x)], dim=1)


class InceptionC(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.branch0 = ConvNormAct(in_channels, 256, kernel_size=1)
        self.branch1_0 = ConvNormAct(in_channels, 384, kernel_size=1)
        self.branch1_1a = ConvNormAct(384, 256, kernel_size=(1, 3), padding=(0, 1))
        self.branch1_1b = ConvNormAct(384, 256, kernel_size=(3, 1), padding=(1, 0))
        self.branch2_0 = ConvNormAct(in_channels, 384, kernel_size=1)
        self.branch2_1 = ConvNormAct(384, 448, kernel_size=(3, 1), padding=(1, 0))
        self.branch2_2 = ConvNormAct(448, 512, kernel_size=(1, 3), padding=(0, 1))
        self.branch2_3a = ConvNormAct(512, 256, kernel_size=(1, 3), padding=(0, 1))
        self.branch2_3b = ConvNormAct(512, 256, kernel_size=(3, 1), padding=(1, 0))
        self.branch3 = nn.Sequential(
            nn.AvgPool2d(kernel_size=3, stride=1, padding=1, count_include_pad=False),
            ConvNormAct(in_channels, 256, kernel_size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        branch0 = self.branch0(x)
        branch1 = self.branch1_0(x)
        branch1 = torch.cat([self.branch1_1a(branch1), self.branch1_1b(branch1)], dim=1)
        branch2 = self.branch2_0(x)
        branch2 = self.branch2_1(branch2)
        branch2 = self.branch2_2(branch2)
        branch2 = torch.cat([self.branch2_3a(branch2), self.branch2_3b(branch2)], dim=1)
        branch3 = self.branch3(x)
        return torch.cat([branch0, branch1, branch2, branch3], dim=1)


class InceptionV4(nn.Module):
    """Inception-v4."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            ConvNormAct(3, 32, kernel_size=3, stride=2),  # 32 x 149 x 149
            ConvNormAct(32, 32, kernel_size=3),  # 32 x 147 x 147
            ConvNormAct(32, 64, kernel_size=3, padding=1),  # 64 x 147 x 147
            Mixed3a(64),  # 160 x 73 x 73
            Mixed4a(160),  # 192 x 71 x 71
            Mixed5a(192),  # 384 x 35 x 35
        ]
        layers += [InceptionA(384) for _ in range(4)]
        layers.append(ReductionA(384))  # 1024 x 17 x 17
        layers += [InceptionB(1024) for _ in range(7)]
        layers.append(ReductionB(1024))  # 1536 x 8 x 8
        layers += [InceptionC(1536) for _ in range(3)]
        self.features = nn.Sequential(*layers)
        self.last_linear = nn.Linear(1536, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 1536 x 8 x 8
        x = F.adaptive_avg_pool2d(x, 1)  # 1536 x 1 x 1
        x = torch.flatten(x, 1)  # 1536
        return self.last_linear(x)  # 1000
