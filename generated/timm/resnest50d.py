"""ResNeSt-50-D.

Source: Zhang et al. 2020, Fig. 2, arXiv:2004.08955; timm's resnest50d.

Compiled by archc from specs/timm/resnest50d.toml.
Digest: sha256 cd43806b6b7c7ad8.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ResNet",
    "SplitAttn",
    "Bottleneck",
]


class SplitAttn(nn.Module):
    """Convolutions of groups of channels, added by weights that are chosen for each
    channel.
    """

    def __init__(self, in_channels: int, radix: int = 2) -> None:
        super().__init__()
        attn_channels = max(32, in_channels * radix // 4)
        self.radix = radix
        inter_channels = in_channels * radix
        self.conv = nn.Conv2d(
            in_channels,
            inter_channels,
            kernel_size=3,
            padding=1,
            groups=radix,
            bias=False,
        )
        self.bn0 = nn.BatchNorm2d(inter_channels)
        self.fc1 = nn.Conv2d(in_channels, attn_channels, kernel_size=1)
        self.bn1 = nn.BatchNorm2d(attn_channels)
        self.fc2 = nn.Conv2d(attn_channels, inter_channels, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn0(x)
        x = F.relu(x, inplace=True)
        x = torch.unflatten(x, 1, (self.radix, -1))
        scale = x.sum(1)
        scale = scale.mean((2, 3), keepdim=True)
        scale = self.fc1(scale)
        scale = self.bn1(scale)
        scale = F.relu(scale, inplace=True)
        scale = self.fc2(scale)
        scale = torch.unflatten(scale, 1, (self.radix, -1))
        scale = F.softmax(scale, dim=1)
        x = x * scale
        return x.sum(1)


class Bottleneck(nn.Module):
    """Strided by a pooling behind the splits; the shortcut averages before it
    projects.
    """

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(in_channels, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = SplitAttn(planes)
        out_channels = planes * 4
        self.conv3 = nn.Conv2d(planes, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        if stride != 1 or in_channels != out_channels:
            layers: list[nn.Module] = []
            if stride != 1:
                layers.append(
                    nn.AvgPool2d(
                        kernel_size=stride, ceil_mode=True, count_include_pad=False
                    )
                )
            else:
                layers.append(nn.Identity())
            layers += [
                nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
                nn.BatchNorm2d(out_channels),
            ]
            self.downsample = nn.Sequential(*layers)
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        if self.stride != 1:
            x = F.avg_pool2d(x, kernel_size=3, stride=self.stride, padding=1)
        x = self.conv3(x)
        x = self.bn3(x)
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class ResNet(nn.Module):
    """ResNeSt-50-D."""

    def __init__(
        self, num_classes: int = 1000, depths: Sequence[int] = (3, 4, 6, 3)
    ) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, 32, kernel_size=3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 32, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False),  # 64 x 112 x 112
        )
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
        layers = [Bottleneck(in_channels, planes, stride=stride)]
        layers += [Bottleneck(planes * 4, planes) for _ in range(1, depth)]
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
