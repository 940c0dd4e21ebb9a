"""DeepLabv3 on ResNet-50.

Source: Chen et al. 2017, Fig. 5, arXiv:1706.05587;
torchvision.models.segmentation.deeplabv3_resnet50 with its auxiliary classifier.

Compiled by archc from specs/torchvision/deeplabv3_resnet50.toml.
Digest: sha256 8d1b4bdb3ba849f2.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "DeepLabV3",
    "Bottleneck",
    "Backbone",
    "ASPPConv",
    "ASPP",
    "DeepLabHead",
    "FCNHead",
    "DeepLabV3Outputs",
]


class Bottleneck(nn.Module):
    """A bottleneck that keeps the size of its map by dilation where it has no
    stride.
    """

    def __init__(
        self, in_channels: int, planes: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(
            planes,
            planes,
            kernel_size=3,
            stride=stride,
            padding=dilation,
            dilation=dilation,
            bias=False,
        )
        self.bn2 = nn.BatchNorm2d(planes)
        out_channels = planes * 4
        self.conv3 = nn.Conv2d(planes, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
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
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = self.bn2(x)
        x = F.relu(x, inplace=True)
        x = self.conv3(x)
        x = self.bn3(x)
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class Backbone(nn.Module):
    def __init__(self, in_channels: int, depths: Sequence[int]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(
            in_channels, 64, kernel_size=7, stride=2, padding=3, bias=False
        )
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        self.layer1 = self._make_layer(64, 64, depths[0])
        self.layer2 = self._make_layer(256, 128, depths[1], stride=2)
        self.layer3 = self._make_layer(512, 256, depths[2], dilation=2)
        self.layer4 = self._make_layer(
            1024, 512, depths[3], first_dilation=2, dilation=4
        )

    def _make_layer(
        self,
        in_channels: int,
        planes: int,
        depth: int,
        stride: int = 1,
        first_dilation: int = 1,
        dilation: int = 1,
    ) -> nn.Sequential:
        layers = [
            Bottleneck(in_channels, planes, stride=stride, dilation=first_dilation)
        ]
        layers += [
            Bottleneck(planes * 4, planes, dilation=dilation) for _ in range(1, depth)
        ]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        layer3 = self.layer3(x)
        x = self.layer4(layer3)
        return x, layer3


class ASPPConv(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, dilation: int) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=3,
                padding=dilation,
                dilation=dilation,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: convolutions of several dilations, and the mean
    of the whole map.
    """

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(in_channels, width, kernel_size=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(inplace=True),
                ),
                ASPPConv(in_channels, width, dilation=12),
                ASPPConv(in_channels, width, dilation=24),
                ASPPConv(in_channels, width, dilation=36),
                nn.Sequential(
                    nn.AdaptiveAvgPool2d(1),
                    nn.Conv2d(in_channels, width, kernel_size=1, bias=False),
                    nn.BatchNorm2d(width),
                    nn.ReLU(inplace=True),
                ),
            ]
        )
        self.project = nn.Sequential(
            nn.Conv2d(width * 5, width, kernel_size=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
        )

    def forward(self, x: Tensor) -> Tensor:
        convs_0 = self.convs[0](x)
        convs_1 = self.convs[1](x)
        convs_2 = self.convs[2](x)
        convs_3 = self.convs[3](x)
        branch5 = self.convs[4](x)
        branch5 = F.interpolate(branch5, size=x.shape[2:], mode="bilinear")
        x = torch.cat([convs_0, convs_1, convs_2, convs_3, branch5], dim=1)
        return self.project(x)


class DeepLabHead(nn.Sequential):
    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__(
            ASPP(in_channels, 256),
            nn.Conv2d(256, 256, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(256),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, num_classes, kernel_size=1),
        )


class FCNHead(nn.Sequential):
    def __init__(self, in_channels: int, channels: int) -> None:
        width = in_channels // 4
        super().__init__(
            nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.1),
            nn.Conv2d(width, channels, kernel_size=1),
        )


class DeepLabV3Outputs(NamedTuple):
    """What the network returns."""

    out: Tensor
    aux: Tensor


class DeepLabV3(nn.Module):
    """DeepLabv3 on ResNet-50."""

    def __init__(
        self, num_classes: int = 21, depths: Sequence[int] = (3, 4, 6, 3)
    ) -> None:
        super().__init__()
        self.backbone = Backbone(3, depths)
        self.classifier = DeepLabHead(2048, num_classes)
        self.aux_classifier = FCNHead(1024, num_classes)

    def forward(self, x: Tensor) -> DeepLabV3Outputs:
        inputs = x
        x, backbone_layer3 = self.backbone(x)
        x = self.classifier(x)  # 21 x 65 x 65
        out = F.interpolate(x, size=inputs.shape[2:], mode="bilinear")  # 21 x 520 x 520
        x = self.aux_classifier(backbone_layer3)  # 21 x 65 x 65
        x = F.interpolate(x, size=inputs.shape[2:], mode="bilinear")  # 21 x 520 x 520
        return DeepLabV3Outputs(out, x)
