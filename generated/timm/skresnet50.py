"""SK-ResNet-50.

Source: Li et al. 2019, Fig. 1, arXiv:1903.06586; timm's skresnet50, whose kernels see
half of the channels each.

Compiled by archc from specs/timm/skresnet50.toml.
Digest: sha256 605907ff21de6ee8.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ResNet",
    "ConvNormAct",
    "SelectiveKernelAttn",
    "SelectiveKernel",
    "SelectiveKernelBottleneck",
]


class ConvNormAct(nn.Module):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        dilation: int = 1,
        act: bool = True,
    ) -> None:
        super().__init__()
        self.act = act
        self.conv = nn.Conv2d(
            in_channels,
            out_channels,
            kernel_size=kernel_size,
            stride=stride,
            padding=kernel_size // 2 * dilation,
            dilation=dilation,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        if self.act:
            x = F.relu(x, inplace=True)
        return x


class SelectiveKernelAttn(nn.Module):
    def __init__(self, in_channels: int, attn_channels: int) -> None:
        super().__init__()
        self.fc_reduce = nn.Conv2d(
            in_channels, attn_channels, kernel_size=1, bias=False
        )
        self.bn = nn.BatchNorm2d(attn_channels)
        self.fc_select = nn.Conv2d(
            attn_channels, in_channels * 2, kernel_size=1, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.sum(1)
        x = x.mean((2, 3), keepdim=True)
        x = self.fc_reduce(x)
        x = self.bn(x)
        x = F.relu(x, inplace=True)
        x = self.fc_select(x)
        x = torch.unflatten(x, 1, (2, -1))
        return F.softmax(x, dim=1)


class SelectiveKernel(nn.Module):
    """A 3x3 convolution and one of dilation 2, added by weights that are chosen for
    each channel.
    """

    def __init__(self, in_channels: int, stride: int) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            [
                ConvNormAct(
                    in_channels // 2, in_channels, kernel_size=3, stride=stride
                ),
                ConvNormAct(
                    in_channels // 2,
                    in_channels,
                    kernel_size=3,
                    stride=stride,
                    dilation=2,
                ),
            ]
        )
        self.attn = SelectiveKernelAttn(
            in_channels, max(8, (in_channels // 16 + 4) // 8 * 8)
        )

    def forward(self, x: Tensor) -> Tensor:
        x1, x2 = x.chunk(2, dim=1)
        x = torch.cat([self.paths[0](x1), self.paths[1](x2)], dim=1)
        x = torch.unflatten(x, 1, (2, -1))
        x = x * self.attn(x)
        return x.sum(1)


class SelectiveKernelBottleneck(nn.Module):
    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = ConvNormAct(in_channels, planes, kernel_size=1)
        self.conv2 = SelectiveKernel(planes, stride=stride)
        out_channels = planes * 4
        self.conv3 = ConvNormAct(planes, out_channels, kernel_size=1, act=False)
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(
                    in_channels, out_channels, kernel_size=1, stride=stride, bias=False
                ),
                nn.BatchNorm2d(out_channels),
            )
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.conv2(x)
        x = self.conv3(x)
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class ResNet(nn.Module):
    """SK-ResNet-50."""

    def __init__(
        self, num_classes: int = 1000, depths: Sequence[int] = (3, 4, 6, 3)
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(64, 64, depths[0])
        self.layer2 = self._make_layer(256, 128, depths[1], stride=2)
        self.layer3 = self._make_layer(512, 256, depths[2], stride=2)
        self.layer4 = self._make_layer(1024, 512, depths[3], stride=2)
        self.fc = nn.Linear(2048, num_classes)

    def _make_layer(
        self, in_channels: int, planes: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        layers = [SelectiveKernelBottleneck(in_channels, planes, stride=stride)]
        layers += [
            SelectiveKernelBottleneck(planes * 4, planes) for _ in range(1, depth)
        ]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.maxpool(x)  # 64 x 56 x 56
        x = self.layer1(x)  # 256 x 56 x 56
        x = self.layer2(x)  # 512 x 28 x 28
        x = self.layer3(x)  # 1024 x 14 x 14
        x = self.layer4(x)  # 2048 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000
