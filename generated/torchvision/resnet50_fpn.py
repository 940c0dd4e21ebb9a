"""FPN over ResNet-50.

Source: Lin et al. 2017, Fig. 3, arXiv:1612.03144;
torchvision.models.detection.backbone_utils.resnet_fpn_backbone('resnet50') with batch
normalisation.

Compiled by archc from specs/torchvision/resnet50_fpn.toml.
Digest: sha256 eee2d3b5e4ffa84b.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "BackboneWithFPN",
    "Bottleneck",
    "Body",
    "Fpn",
    "BackboneWithFPNOutputs",
]


class Bottleneck(nn.Module):
    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, planes, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(
            planes, planes, kernel_size=3, stride=stride, padding=1, bias=False
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


class Body(nn.Module):
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
        self.layer3 = self._make_layer(512, 256, depths[2], stride=2)
        self.layer4 = self._make_layer(1024, 512, depths[3], stride=2)

    def _make_layer(
        self, in_channels: int, planes: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        layers = [Bottleneck(in_channels, planes, stride=stride)]
        layers += [Bottleneck(planes * 4, planes) for _ in range(1, depth)]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        x = self.layer1(x)
        layer2 = self.layer2(x)
        layer3 = self.layer3(layer2)
        layer4 = self.layer4(layer3)
        return layer4, x, layer2, layer3, layer4


class Fpn(nn.Module):
    """From the coarsest map on, each is enlarged to the next one's size and added to
    it.
    """

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.inner_blocks = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(256, out_channels, kernel_size=1)),
                nn.Sequential(nn.Conv2d(512, out_channels, kernel_size=1)),
                nn.Sequential(nn.Conv2d(1024, out_channels, kernel_size=1)),
                nn.Sequential(nn.Conv2d(2048, out_channels, kernel_size=1)),
            ]
        )
        self.layer_blocks = nn.ModuleList(
            [
                nn.Sequential(
                    nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1)
                ),
                nn.Sequential(
                    nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1)
                ),
                nn.Sequential(
                    nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1)
                ),
                nn.Sequential(
                    nn.Conv2d(out_channels, out_channels, kernel_size=3, padding=1)
                ),
            ]
        )
        self.pool = nn.MaxPool2d(kernel_size=1, stride=2)

    def forward(
        self, x: Tensor, layer1: Tensor, layer2: Tensor, layer3: Tensor, layer4: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        inner_block = self.inner_blocks[0](layer1)
        inner_block2 = self.inner_blocks[1](layer2)
        inner_block3 = self.inner_blocks[2](layer3)
        inner_block4 = self.inner_blocks[3](layer4)
        top4 = F.interpolate(inner_block4, size=inner_block3.shape[2:])
        sum4 = inner_block3 + top4
        top3 = F.interpolate(sum4, size=inner_block2.shape[2:])
        sum3 = inner_block2 + top3
        top2 = F.interpolate(sum3, size=inner_block.shape[2:])
        x = inner_block + top2
        p2 = self.layer_blocks[0](x)
        p3 = self.layer_blocks[1](sum3)
        p4 = self.layer_blocks[2](sum4)
        p5 = self.layer_blocks[3](inner_block4)
        x = self.pool(p5)
        return x, p2, p3, p4, p5


class BackboneWithFPNOutputs(NamedTuple):
    """What the network returns."""

    p2: Tensor
    p3: Tensor
    p4: Tensor
    p5: Tensor
    pool: Tensor


class BackboneWithFPN(nn.Module):
    """FPN over ResNet-50."""

    def __init__(
        self, depths: Sequence[int] = (3, 4, 6, 3), out_channels: int = 256
    ) -> None:
        super().__init__()
        self.body = Body(3, depths)
        self.fpn = Fpn(out_channels)

    def forward(self, x: Tensor) -> BackboneWithFPNOutputs:
        x, body_layer1, body_layer2, body_layer3, body_layer4 = self.body(x)
        x, p2, p3, p4, p5 = self.fpn(
            x, body_layer1, body_layer2, body_layer3, body_layer4
        )
        return BackboneWithFPNOutputs(p2, p3, p4, p5, x)
