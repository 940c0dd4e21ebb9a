"""EfficientNet-B0.

Source: Tan and Le 2019, Table 1, arXiv:1905.11946; torchvision.models.efficientnet_b0.

Compiled by archc from specs/torchvision/efficientnet_b0.toml.
Digest: sha256 ef77f78c7ae2ff3c.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "EfficientNet",
    "ConvNormAct",
    "SqueezeExcitation",
    "MBConv",
    "Stage",
]


class StochasticDepth(nn.Module):
    """Zeroes whole samples ("row") or the whole batch ("batch") during training."""

    def __init__(self, p: float, mode: Literal["batch", "row"] = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return x
        rows = x.shape[0] if self.mode == "row" else 1
        survival = 1.0 - self.p
        mask = x.new_empty([rows] + [1] * (x.ndim - 1)).bernoulli_(survival)
        if survival > 0.0:
            mask = mask / survival
        return x * mask


class ConvNormAct(nn.Sequential):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        norm_layer: Callable[..., nn.Module],
        stride: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=kernel_size // 2,
                groups=groups,
                bias=False,
            ),
            norm_layer(out_channels),
        ]
        if act:
            layers.append(nn.SiLU(inplace=True))
        super().__init__(*layers)


class SqueezeExcitation(nn.Module):
    """A gate for each channel, computed from the means of all."""

    def __init__(self, in_channels: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(in_channels, squeezed, kernel_size=1)
        self.activation = nn.SiLU(inplace=True)
        self.fc2 = nn.Conv2d(squeezed, in_channels, kernel_size=1)
        self.scale_activation = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.avgpool(x)
        scale = self.fc1(scale)
        scale = self.activation(scale)
        scale = self.fc2(scale)
        scale = self.scale_activation(scale)
        return x * scale


class MBConv(nn.Module):
    """An inverted residual whose channels are weighed before the projection."""

    def __init__(
        self,
        in_channels: int,
        expand_ratio: int,
        kernel_size: int,
        stride: int,
        out_channels: int,
        drop_path: float,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        super().__init__()
        self.residual = stride == 1 and in_channels == out_channels
        layers: list[nn.Module] = []
        expanded = in_channels * expand_ratio
        if expanded != in_channels:
            layers.append(
                ConvNormAct(in_channels, expanded, kernel_size=1, norm_layer=norm_layer)
            )
        layers.append(
            ConvNormAct(
                expanded,
                expanded,
                kernel_size=kernel_size,
                norm_layer=norm_layer,
                stride=stride,
                groups=expanded,
            )
        )
        squeezed = max(1, in_channels // 4)
        layers += [
            SqueezeExcitation(expanded, squeezed),
            ConvNormAct(
                expanded, out_channels, kernel_size=1, norm_layer=norm_layer, act=False
            ),
        ]
        self.block = nn.Sequential(*layers)
        if self.residual:
            self.stochastic_depth = StochasticDepth(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        x = self.block(x)
        if self.residual:
            x = self.stochastic_depth(x)
            x = x + identity
        return x


class Stage(nn.Sequential):
    """The deeper a block in the network, the more often stochastic depth drops it."""

    def __init__(
        self,
        in_channels: int,
        expand_ratio: int,
        kernel_size: int,
        stride: int,
        out_channels: int,
        depth: int,
        blocks_before: int,
        stochastic_depth: float,
        num_blocks: int,
        norm_layer: Callable[..., nn.Module],
    ) -> None:
        layers: list[nn.Module] = []
        for i in range(depth):
            layers.append(
                MBConv(
                    in_channels,
                    expand_ratio,
                    kernel_size=kernel_size,
                    stride=stride if i == 0 else 1,
                    out_channels=out_channels,
                    drop_path=stochastic_depth * (blocks_before + i) / num_blocks,
                    norm_layer=norm_layer,
                )
            )
            in_channels = out_channels
        super().__init__(*layers)


class EfficientNet(nn.Module):
    """EfficientNet-B0."""

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.2,
        stochastic_depth: float = 0.2,
        widths: Sequence[int] = (16, 24, 40, 80, 112, 192, 320),
        depths: Sequence[int] = (1, 2, 2, 3, 3, 4, 1),
        stem_width: int = 32,
        expand_ratios: Sequence[int] = (1, 6, 6, 6, 6, 6, 6),
        kernel_sizes: Sequence[int] = (3, 3, 5, 3, 5, 5, 3),
        strides: Sequence[int] = (1, 2, 2, 2, 1, 2, 1),
        norm_layer: Callable[..., nn.Module] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            ConvNormAct(3, stem_width, kernel_size=3, norm_layer=norm_layer, stride=2)
        ]  # 32 x 112 x 112
        in_channels = stem_width
        blocks_before = 0
        for out_channels, depth, expand_ratio, kernel_size, stride in zip(
            widths, depths, expand_ratios, kernel_sizes, strides, strict=True
        ):
            layers.append(
                Stage(
                    in_channels,
                    expand_ratio,
                    kernel_size=kernel_size,
                    stride=stride,
                    out_channels=out_channels,
                    depth=depth,
                    blocks_before=blocks_before,
                    stochastic_depth=stochastic_depth,
                    num_blocks=sum(depths),
                    norm_layer=norm_layer,
                )
            )
            in_channels = out_channels
            blocks_before += depth
        layers.append(
            ConvNormAct(
                in_channels, in_channels * 4, kernel_size=1, norm_layer=norm_layer
            )
        )  # 1280 x 7 x 7
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(in_channels * 4, num_classes),  # 1000
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 1280 x 7 x 7
        x = self.avgpool(x)  # 1280 x 1 x 1
        x = torch.flatten(x, 1)  # 1280
        return self.classifier(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, mode="fan_out", a=math.sqrt(5))
                nn.init.zeros_(module.bias)
