"""MobileNetV2.

Source: Sandler et al. 2018, Table 2, arXiv:1801.04381; torchvision.models.mobilenet_v2.

Compiled by archc from specs/torchvision/mobilenet_v2.toml.
Digest: sha256 190c25b3b3a5f6ff.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "MobileNetV2",
    "ConvNormActivation",
    "InvertedResidual",
]


class ConvNormActivation(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=(kernel_size - 1) // 2,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(out_channels),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, project without an activation."""

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, expand_ratio: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inter_channels = in_channels * expand_ratio
        if expand_ratio != 1:
            layers.append(
                ConvNormActivation(in_channels, inter_channels, kernel_size=1)
            )
        layers += [
            ConvNormActivation(
                inter_channels,
                inter_channels,
                kernel_size=3,
                stride=stride,
                groups=inter_channels,
            ),
            nn.Conv2d(inter_channels, out_channels, kernel_size=1, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        self.conv = nn.Sequential(*layers)
        self.use_skip = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.conv(x)
        if self.use_skip:
            x = x + identity
        return x


class MobileNetV2(nn.Module):
    """MobileNetV2."""

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.2,
        last_channels: int = 1280,
        settings: Sequence[Sequence[int]] = (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ),
    ) -> None:
        super().__init__()
        in_channels = 32
        layers: list[nn.Module] = [
            ConvNormActivation(3, in_channels, kernel_size=3, stride=2)
        ]  # 32 x 112 x 112
        for expand_ratio, out_channels, depth, stride in settings:
            for i in range(depth):
                layers.append(
                    InvertedResidual(
                        in_channels,
                        out_channels,
                        stride=stride if i == 0 else 1,
                        expand_ratio=expand_ratio,
                    )
                )
                in_channels = out_channels
        layers.append(ConvNormActivation(in_channels, last_channels, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(last_channels, num_classes),  # 1000
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 1280 x 7 x 7
        x = F.adaptive_avg_pool2d(x, 1)  # 1280 x 1 x 1
        x = torch.flatten(x, 1)  # 1280
        return self.classifier(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
