"""ResNet3D-18.

Source: Tran et al. 2017, Table 1, R3D, arXiv:1711.11248;
torchvision.models.video.r3d_18.

Compiled by archc from specs/torchvision/r3d_18.toml.
Digest: sha256 6f221bf9446a37c8.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "R3d18",
    "BasicBlock",
]


class BasicBlock(nn.Module):
    """Two 3x3x3 convolutions, added to a shortcut."""

    def __init__(self, in_channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            nn.Conv3d(
                in_channels, planes, kernel_size=3, stride=stride, padding=1, bias=False
            ),
            nn.BatchNorm3d(planes),
            nn.ReLU(inplace=True),
        )
        self.conv2 = nn.Sequential(
            nn.Conv3d(planes, planes, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm3d(planes),
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


class R3d18(nn.Module):
    """ResNet3D-18."""

    def __init__(
        self, num_classes: int = 400, depths: Sequence[int] = (2, 2, 2, 2)
    ) -> None:
        super().__init__()
        self.depths = depths
        in_channels = 64
        self.stem = nn.Sequential(
            nn.Conv3d(
                3,
                in_channels,
                kernel_size=(3, 7, 7),
                stride=(1, 2, 2),
                padding=(1, 3, 3),
                bias=False,
            ),  # 64 x 16 x 56 x 56
            nn.BatchNorm3d(in_channels),
            nn.ReLU(inplace=True),
        )
        for stage, depth in enumerate(depths):
            layer_layers: list[nn.Module] = []
            for i in range(depth):
                layer_layers.append(
                    BasicBlock(
                        in_channels,
                        64 * 2**stage,
                        stride=2 if stage > 0 and i == 0 else 1,
                    )
                )
                in_channels = 64 * 2**stage
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layer_layers))
        self.avgpool = nn.AdaptiveAvgPool3d(1)
        self.fc = nn.Linear(in_channels, num_classes)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64 x 16 x 56 x 56
        for stage in range(1, len(self.depths) + 1):
            x = getattr(self, f"layer{stage}")(x)
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
