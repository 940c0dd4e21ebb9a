"""Res2Net-50 26w 4s.

Source: Gao et al. 2019, Fig. 2, arXiv:1904.01169; timm's res2net50_26w_4s.

Compiled by archc from specs/timm/res2net50_26w_4s.toml.
Digest: sha256 c46e6959a352dd18.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "Res2Net",
    "Bottle2neck",
]


class Bottle2neck(nn.Module):
    def __init__(
        self, in_channels: int, planes: int, width: int, scale: int, stride: int = 1
    ) -> None:
        super().__init__()
        self.scale = scale
        self.width = width
        out_channels = planes * 4
        self.is_first = stride > 1 or in_channels != out_channels
        feature_channels: dict[str, int] = {}
        self.conv1 = nn.Conv2d(in_channels, width * scale, kernel_size=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width * scale)
        self.relu = nn.ReLU(inplace=True)
        self.convs = nn.ModuleList()
        self.bns = nn.ModuleList()
        for i in range(scale - 1):
            self.convs.append(
                nn.Conv2d(
                    width, width, kernel_size=3, stride=stride, padding=1, bias=False
                )
            )
            self.bns.append(nn.BatchNorm2d(width))
            feature_channels[f"out{i}"] = width
        if self.is_first:
            self.pool = nn.AvgPool2d(kernel_size=3, stride=stride, padding=1)
        else:
            self.pool = nn.Identity()
        channels = (
            feature_channels["out0"]
            + feature_channels["out1"]
            + feature_channels["out2"]
            + width
        )
        self.conv3 = nn.Conv2d(channels, out_channels, kernel_size=1, bias=False)
        self.bn3 = nn.BatchNorm2d(out_channels)
        if self.is_first:
            self.downsample = nn.Sequential(
                nn.Conv2d(
                    in_channels, out_channels, kernel_size=1, stride=stride, bias=False
                ),
                nn.BatchNorm2d(out_channels),
            )
        else:
            self.downsample = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        features: dict[str, Tensor] = {}
        identity = x
        x = self.conv1(x)
        x = self.bn1(x)
        relu = self.relu(x)
        x = relu
        for i, (conv, bn) in enumerate(zip(self.convs, self.bns, strict=True)):
            if i > 0 and not self.is_first:
                x = relu[:, i * self.width : i * self.width + self.width] + x
            else:
                x = relu[:, i * self.width : i * self.width + self.width]
            x = conv(x)
            x = bn(x)
            x = self.relu(x)
            features[f"out{i}"] = x
        x = relu[
            :,
            (self.scale - 1) * self.width : (self.scale - 1) * self.width + self.width,
        ]
        x = self.pool(x)
        x = torch.cat([features["out0"], features["out1"], features["out2"], x], dim=1)
        x = self.conv3(x)
        x = self.bn3(x)
        x = x + self.downsample(identity)
        return F.relu(x, inplace=True)


class Res2Net(nn.Module):
    """Res2Net-50 26w 4s."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 4, 6, 3),
        base_width: int = 26,
        scale: int = 4,
    ) -> None:
        super().__init__()
        self.depths = depths
        in_channels = 64
        self.conv1 = nn.Conv2d(
            3, in_channels, kernel_size=7, stride=2, padding=3, bias=False
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        for s, depth in enumerate(depths):
            layer_layers: list[nn.Module] = []
            for i in range(depth):
                layer_layers.append(
                    Bottle2neck(
                        in_channels,
                        64 * 2**s,
                        int(64 * 2**s * (base_width / 64)),
                        scale,
                        stride=2 if s > 0 and i == 0 else 1,
                    )
                )
                in_channels = 64 * 2**s * 4
            self.add_module(f"layer{s + 1}", nn.Sequential(*layer_layers))
        self.fc = nn.Linear(in_channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 64 x 112 x 112
        x = self.bn1(x)
        x = F.relu(x, inplace=True)
        x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)  # 64 x 56 x 56
        for s in range(1, len(self.depths) + 1):
            x = getattr(self, f"layer{s}")(x)
        x = F.adaptive_avg_pool2d(x, 1)  # 2048 x 1 x 1
        x = torch.flatten(x, 1)  # 2048
        return self.fc(x)  # 1000
