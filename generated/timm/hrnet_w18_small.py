"""HRNet-W18-C-Small-v1.

Source: Wang et al. 2019, Fig. 2 and Appendix A, arXiv:1908.07919; timm's
hrnet_w18_small.

Compiled by archc from specs/timm/hrnet_w18_small.toml.
Digest: sha256 1af5d12be3508291.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "HighResolutionNet",
    "Bottleneck",
    "Down",
    "BasicBlock",
    "Up",
    "HrModule2",
    "HrModule3",
    "HrModule4",
    "Downsample",
]


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, planes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        out_channels = planes * 4
        self.conv3 = nn.Conv2d(planes, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.downsample = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = self.conv3(x)
        x = self.bn3(x)
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class Down(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, relu: bool = False) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=3,
                stride=2,
                padding=1,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
        ]
        if relu:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class BasicBlock(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, in_channels, kernel_size=3, padding=1, bias=False
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv2 = nn.Conv2d(
            in_channels, in_channels, kernel_size=3, padding=1, bias=False
        )
        self.bn2 = nn.BatchNorm2d(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn2(x)
        x = x + identity
        return F.relu(x, inplace=True)


class Up(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, scale: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.Upsample(scale_factor=scale),
        )


class HrModule2(nn.Module):
    def __init__(
        self, in_channels: int, x1_channels: int, widths: Sequence[int], depth: int
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*[BasicBlock(in_channels) for _ in range(depth)]),
                nn.Sequential(*[BasicBlock(x1_channels) for _ in range(depth)]),
            ]
        )
        self.fuse_layers = nn.ModuleList()
        self.fuse_layers.append(
            nn.ModuleList([nn.Identity(), Up(x1_channels, widths[0], 2)])
        )
        self.act0 = nn.ReLU(inplace=True)
        self.fuse_layers.append(
            nn.ModuleList([nn.Sequential(Down(in_channels, widths[1])), nn.Identity()])
        )
        self.act1 = nn.ReLU(inplace=True)

    def forward(self, x0: Tensor, x1: Tensor) -> tuple[Tensor, Tensor]:
        branch = self.branches[0](x0)
        branch2 = self.branches[1](x1)
        fuse_layers = [tuple(row.children()) for row in self.fuse_layers]
        x = fuse_layers[0][0](branch) + fuse_layers[0][1](branch2)
        act0 = self.act0(x)
        x = fuse_layers[1][0](branch) + fuse_layers[1][1](branch2)
        x = self.act1(x)
        return act0, x


class HrModule3(nn.Module):
    def __init__(
        self,
        in_channels: int,
        x1_channels: int,
        x2_channels: int,
        widths: Sequence[int],
        depth: int,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*[BasicBlock(in_channels) for _ in range(depth)]),
                nn.Sequential(*[BasicBlock(x1_channels) for _ in range(depth)]),
                nn.Sequential(*[BasicBlock(x2_channels) for _ in range(depth)]),
            ]
        )
        self.fuse_layers = nn.ModuleList()
        self.fuse_layers.append(
            nn.ModuleList(
                [
                    nn.Identity(),
                    Up(x1_channels, widths[0], 2),
                    Up(x2_channels, widths[0], 4),
                ]
            )
        )
        self.act0 = nn.ReLU(inplace=True)
        self.fuse_layers.append(
            nn.ModuleList(
                [
                    nn.Sequential(Down(in_channels, widths[1])),
                    nn.Identity(),
                    Up(x2_channels, widths[1], 2),
                ]
            )
        )
        self.act1 = nn.ReLU(inplace=True)
        self.fuse_layers.append(
            nn.ModuleList(
                [
                    nn.Sequential(
                        Down(in_channels, widths[0], relu=True),
                        Down(widths[0], widths[2]),
                    ),
                    nn.Sequential(Down(x1_channels, widths[2])),
                    nn.Identity(),
                ]
            )
        )
        self.act2 = nn.ReLU(inplace=True)

    def forward(
        self, x0: Tensor, x1: Tensor, x2: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        branch = self.branches[0](x0)
        branch2 = self.branches[1](x1)
        branch3 = self.branches[2](x2)
        fuse_layers = [tuple(row.children()) for row in self.fuse_layers]
        x = (
            fuse_layers[0][0](branch)
            + fuse_layers[0][1](branch2)
            + fuse_layers[0][2](branch3)
        )
        act0 = self.act0(x)
        x = (
            fuse_layers[1][0](branch)
            + fuse_layers[1][1](branch2)
            + fuse_layers[1][2](branch3)
        )
        act1 = self.act1(x)
        x = (
            fuse_layers[2][0](branch)
            + fuse_layers[2][1](branch2)
            + fuse_layers[2][2](branch3)
        )
        x = self.act2(x)
        return act0, act1, x


class HrModule4(nn.Module):
    def __init__(
        self,
        in_channels: int,
        x1_channels: int,
        x2_channels: int,
        x3_channels: int,
        widths: Sequence[int],
        depth: int,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                nn.Sequential(*[BasicBlock(in_channels) for _ in range(depth)]),
                nn.Sequential(*[BasicBlock(x1_channels) for _ in range(depth)]),
                nn.Sequential(*[BasicBlock(x2_channels) for _ in range(depth)]),
                nn.Sequential(*[BasicBlock(x3_channels) for _ in range(depth)]),
            ]
        )
        self.fuse_layers = nn.ModuleList()
        self.fuse_layers.append(
            nn.ModuleList(
                [
                    nn.Identity(),
                    Up(x1_channels, widths[0], 2),
                    Up(x2_channels, widths[0], 4),
                    Up(x3_channels, widths[0], 8),
                ]
            )
        )
        self.act0 = nn.ReLU(inplace=True)
        self.fuse_layers.append(
            nn.ModuleList(
                [
                    nn.Sequential(Down(in_channels, widths[1])),
                    nn.Identity(),
                    Up(x2_channels, widths[1], 2),
                    Up(x3_channels, widths[1], 4),
                ]
            )
        )
        self.act1 = nn.ReLU(inplace=True)
        self.fuse_layers.append(
            nn.ModuleList(
                [
                    nn.Sequential(
                        Down(in_channels, widths[0], relu=True),
                        Down(widths[0], widths[2]),
                    ),
                    nn.Sequential(Down(x1_channels, widths[2])),
                    nn.Identity(),
                    Up(x3_channels, widths[2], 2),
                ]
            )
        )
        self.act2 = nn.ReLU(inplace=True)
        self.fuse_layers.append(
            nn.ModuleList(
                [
                    nn.Sequential(
                        Down(in_channels, widths[0], relu=True),
                        Down(widths[0], widths[0], relu=True),
                        Down(widths[0], widths[3]),
                    ),
                    nn.Sequential(
                        Down(x1_channels, widths[1], relu=True),
                        Down(widths[1], widths[3]),
                    ),
                    nn.Sequential(Down(x2_channels, widths[3])),
                    nn.Identity(),
                ]
            )
        )
        self.act3 = nn.ReLU(inplace=True)

    def forward(
        self, x0: Tensor, x1: Tensor, x2: Tensor, x3: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        branch = self.branches[0](x0)
        branch2 = self.branches[1](x1)
        branch3 = self.branches[2](x2)
        branch4 = self.branches[3](x3)
        fuse_layers = [tuple(row.children()) for row in self.fuse_layers]
        x = (
            fuse_layers[0][0](branch)
            + fuse_layers[0][1](branch2)
            + fuse_layers[0][2](branch3)
            + fuse_layers[0][3](branch4)
        )
        act0 = self.act0(x)
        x = (
            fuse_layers[1][0](branch)
            + fuse_layers[1][1](branch2)
            + fuse_layers[1][2](branch3)
            + fuse_layers[1][3](branch4)
        )
        act1 = self.act1(x)
        x = (
            fuse_layers[2][0](branch)
            + fuse_layers[2][1](branch2)
            + fuse_layers[2][2](branch3)
            + fuse_layers[2][3](branch4)
        )
        act2 = self.act2(x)
        x = (
            fuse_layers[3][0](branch)
            + fuse_layers[3][1](branch2)
            + fuse_layers[3][2](branch3)
            + fuse_layers[3][3](branch4)
        )
        x = self.act3(x)
        return act0, act1, act2, x


class Downsample(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel_size=3, stride=2, padding=1),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class HighResolutionNet(nn.Module):
    """HRNet-W18-C-Small-v1."""

    def __init__(
        self,
        num_classes: int = 1000,
        widths: Sequence[int] = (16, 32, 64, 128),
        depth: int = 2,
        head_widths: Sequence[int] = (32, 64, 128, 256),
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, kernel_size=3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 64, kernel_size=3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(
            Bottleneck(64, 32),  # 128 x 56 x 56
        )
        self.transition1 = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(128, widths[0], kernel_size=3, padding=1, bias=False),
                    nn.BatchNorm2d(widths[0]),
                    nn.ReLU(inplace=True),
                ),
                nn.Sequential(
                    Down(128, widths[1], relu=True),  # 32 x 28 x 28
                ),
            ]
        )
        self.stage2 = nn.ModuleList([HrModule2(widths[0], widths[1], widths, depth)])
        self.transition2 = nn.ModuleDict()
        self.transition2["2"] = nn.Sequential(
            Down(widths[1], widths[2], relu=True),  # 64 x 14 x 14
        )
        self.stage3 = nn.ModuleList(
            [HrModule3(widths[0], widths[1], widths[2], widths, depth)]
        )
        self.transition3 = nn.ModuleDict()
        self.transition3["3"] = nn.Sequential(
            Down(widths[2], widths[3], relu=True),  # 128 x 7 x 7
        )
        self.stage4 = nn.ModuleList(
            [HrModule4(widths[0], widths[1], widths[2], widths[3], widths, depth)]
        )
        self.incre_modules = nn.ModuleList(
            [
                nn.Sequential(
                    Bottleneck(widths[0], head_widths[0]),  # 128 x 56 x 56
                ),
                nn.Sequential(
                    Bottleneck(widths[1], head_widths[1]),  # 256 x 28 x 28
                ),
                nn.Sequential(
                    Bottleneck(widths[2], head_widths[2]),  # 512 x 14 x 14
                ),
                nn.Sequential(
                    Bottleneck(widths[3], head_widths[3]),  # 1024 x 7 x 7
                ),
            ]
        )
        self.downsamp_modules = nn.ModuleList(
            [
                Downsample(head_widths[0] * 4, head_widths[1] * 4),
                Downsample(head_widths[1] * 4, head_widths[2] * 4),
                Downsample(head_widths[2] * 4, head_widths[3] * 4),
            ]
        )
        self.final_layer = nn.Sequential(
            nn.Conv2d(head_widths[3] * 4, 2048, kernel_size=1),  # 2048 x 7 x 7
            nn.BatchNorm2d(2048),
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Linear(2048, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)  # 64 x 56 x 56
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = self.layer1(x)  # 128 x 56 x 56
        transition1 = self.transition1[0](x)  # 16 x 56 x 56
        transition1_2 = self.transition1[1](x)  # 32 x 28 x 28
        act0, act1 = self.stage2[0](transition1, transition1_2)
        transition2 = self.transition2["2"](act1)  # 64 x 14 x 14
        act0, act1, act2 = self.stage3[0](act0, act1, transition2)
        transition3 = self.transition3["3"](act2)  # 128 x 7 x 7
        act0, act1, act2, act3 = self.stage4[0](act0, act1, act2, transition3)
        incre_module = self.incre_modules[0](act0)  # 128 x 56 x 56
        incre_module2 = self.incre_modules[1](act1)  # 256 x 28 x 28
        incre_module3 = self.incre_modules[2](act2)  # 512 x 14 x 14
        incre_module4 = self.incre_modules[3](act3)  # 1024 x 7 x 7
        x = self.downsamp_modules[0](incre_module)  # 256 x 28 x 28
        x = incre_module2 + x
        x = self.downsamp_modules[1](x)  # 512 x 14 x 14
        x = incre_module3 + x
        x = self.downsamp_modules[2](x)  # 1024 x 7 x 7
        x = incre_module4 + x
        x = self.final_layer(x)  # 2048 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        x = torch.flatten(x, 1)  # 2048
        return self.classifier(x)  # 1000
