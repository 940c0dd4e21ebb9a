"""R(2+1)D-18.

Source: Tran et al. 2017, section 3.5, arXiv:1711.11248;
torchvision.models.video.r2plus1d_18.

Compiled by archc from specs/torchvision/r2plus1d_18.toml.
Digest: sha256 ae914f606c9d76a7.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "VideoResNet",
    "Conv2Plus1D",
    "BasicBlock",
]


class Conv2Plus1D(nn.Sequential):
    """A 3x3x3 convolution in space, then in time, with as many weights as in one."""

    def __init__(
        self, in_channels: int, planes: int, midplanes: int, stride: int = 1
    ) -> None:
        super().__init__(
            nn.Conv3d(
                in_channels,
                midplanes,
                kernel_size=(1, 3, 3),
                stride=(1, stride, stride),
                padding=(0, 1, 1),
                bias=False,
            ),
            nn.BatchNorm3d(midplanes),
            nn.ReLU(inplace=True),
            nn.Conv3d(
                midplanes,
                planes,
                kernel_size=(3, 1, 1),
                stride=(stride, 1, 1),
                padding=(1, 0, 0),
                bias=False,
            ),
        )


class BasicBlock(nn.Module):
    """Two convolutions, each parted into space and time, added to a shortcut."""

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        midplanes = in_channels * planes * 27 // (in_channels * 9 + planes * 3)
        self.conv1 = nn.Sequential(
            Conv2Plus1D(in_channels, planes, midplanes, stride=stride),
            nn.BatchNorm3d(planes),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            Conv2Plus1D(planes, planes, midplanes), nn.BatchNorm3d(planes)
        )
        if stride != 1 or in_channels != planes:
            self.downsample = nn.Sequential(
                nn.Conv3d(
                    in_channels, planes, kernel_size=1, stride=stride, bias=False
                ),
                nn.BatchNorm3d(planes),
            )
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv1(x)
        x = self.conv2(x)
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class VideoResNet(nn.Module):
    """R(2+1)D-18."""

    def __init__(
        self, num_classes: int = 400, depths: Sequence[int] = (2, 2, 2, 2)
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv3d(
                3,
                45,
                kernel_size=(1, 7, 7),
                stride=(1, 2, 2),
                padding=(0, 3, 3),
                bias=False,
            ),  # 45 x 16 x 56 x 56
            nn.BatchNorm3d(45),
            nn.ReLU(inplace=True),
            nn.Conv3d(45, 64, kernel_size=(3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(64),
            nn.ReLU(inplace=True),
        )
        self.layer1 = self._make_layer(64, 64, depths[0])
        self.layer2 = self._make_layer(64, 128, depths[1], stride=2)
        self.layer3 = self._make_layer(128, 256, depths[2], stride=2)
        self.layer4 = self._make_layer(256, 512, depths[3], stride=2)
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(512, num_classes)
        self._initialize_weights()

    def _make_layer(
        self, in_channels: int, planes: int, depth: int, stride: int = 1
    ) -> nn.Sequential:
        layers = [BasicBlock(in_channels, planes, stride=stride)]
        layers += [BasicBlock(planes, planes) for _ in range(1, depth)]
        return nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64 x 16 x 56 x 56
        x = self.layer1(x)
        x = self.layer2(x)  # 128 x 8 x 28 x 28
        x = self.layer3(x)  # 256 x 4 x 14 x 14
        x = self.layer4(x)  # 512 x 2 x 7 x 7
        x = self.avgpool(x)  # 512 x 1 x 1 x 1
        x = torch.flatten(x, 1)  # 512
        return self.fc(x)  # 400

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
