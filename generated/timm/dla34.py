"""DLA-34.

Source: Yu et al. 2018, Fig. 3 and Table 1, arXiv:1707.06484; timm's dla34.

Compiled by archc from specs/timm/dla34.toml.
Digest: sha256 cb45559858e31d82.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "DLA",
    "DlaBasic",
    "DlaRoot",
    "DlaTree",
    "DlaBranch",
    "DlaTreeOfTwo",
]


class DlaBasic(nn.Module):
    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, planes, kernel_size=3, stride=stride, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn2(x)
        x = x + shortcut
        return F.relu(x, inplace=True)


class DlaRoot(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return F.relu(x, inplace=True)


class DlaTree(nn.Module):
    """Two blocks, the first of which halves the map, joined by a root; with
    `level_root` by the halved input too.
    """

    def __init__(
        self, in_channels: int, out_channels: int, level_root: bool = False
    ) -> None:
        super().__init__()
        self.level_root = level_root
        self.downsample = nn.MaxPool2d(kernel_size=2)
        self.project = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.tree1 = DlaBasic(in_channels, out_channels, stride=2)
        self.tree2 = DlaBasic(out_channels, out_channels)
        channels = out_channels * 2 + in_channels if level_root else out_channels * 2
        self.root = DlaRoot(channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        downsample = self.downsample(x)
        project = self.project(downsample)
        tree1 = self.tree1(x, project)
        x = torch.cat([self.tree2(tree1, tree1), tree1], dim=1)
        if self.level_root:
            x = torch.cat([x, downsample], dim=1)
        return self.root(x)


class DlaBranch(nn.Module):
    """Two blocks, joined by a root with their input and what comes from below."""

    def __init__(
        self, in_channels: int, bottom_channels: int, out_channels: int
    ) -> None:
        super().__init__()
        self.tree1 = DlaBasic(in_channels, out_channels)
        self.tree2 = DlaBasic(out_channels, out_channels)
        self.root = DlaRoot(
            out_channels * 2 + bottom_channels + in_channels, out_channels
        )

    def forward(self, x: Tensor, bottom: Tensor) -> Tensor:
        tree1 = self.tree1(x, x)
        x = torch.cat([self.tree2(tree1, tree1), tree1, bottom, x], dim=1)
        return self.root(x)


class DlaTreeOfTwo(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.downsample = nn.MaxPool2d(kernel_size=2)
        self.tree1 = DlaTree(in_channels, out_channels)
        self.tree2 = DlaBranch(out_channels, in_channels, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        downsample = self.downsample(x)
        tree1 = self.tree1(x)
        return self.tree2(tree1, downsample)


class DLA(nn.Module):
    """DLA-34."""

    def __init__(
        self,
        num_classes: int = 1000,
        widths: Sequence[int] = (16, 32, 64, 128, 256, 512),
    ) -> None:
        super().__init__()
        self.base_layer = nn.Sequential(
            nn.Conv2d(3, widths[0], kernel_size=7, padding=3, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.level0 = nn.Sequential(
            nn.Conv2d(widths[0], widths[0], kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(inplace=True),
        )
        self.level1 = nn.Sequential(
            nn.Conv2d(
                widths[0], widths[1], kernel_size=3, stride=2, padding=1, bias=False
            ),  # 32 x 112 x 112
            nn.BatchNorm2d(widths[1]),
            nn.ReLU(inplace=True),
        )
        self.level2 = DlaTree(widths[1], widths[2])
        self.level3 = DlaTreeOfTwo(widths[2], widths[3])
        self.level4 = DlaTreeOfTwo(widths[3], widths[4])
        self.level5 = DlaTree(widths[4], widths[5], level_root=True)
        self.fc = nn.Conv2d(widths[5], num_classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.base_layer(x)  # 16 x 224 x 224
        x = self.level0(x)
        x = self.level1(x)  # 32 x 112 x 112
        x = self.level2(x)  # 64 x 56 x 56
        x = self.level3(x)  # 128 x 28 x 28
        x = self.level4(x)  # 256 x 14 x 14
        x = self.level5(x)  # 512 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 512 x 1 x 1
        x = self.fc(x)  # 1000 x 1 x 1
        return torch.flatten(x, 1)  # 1000
