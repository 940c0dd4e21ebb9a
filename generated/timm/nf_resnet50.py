"""NF-ResNet-50.

Source: Brock et al. 2021, Section 3 and Table 1, arXiv:2101.08692; timm's nf_resnet50.

Compiled by archc from specs/timm/nf_resnet50.toml.
Digest: sha256 ecc8afd7707446e8.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "NormFreeNet",
    "NormFreeBlock",
    "Stage",
]


class ScaledStdConv2d(nn.Conv2d):
    """A convolution whose weight has mean 0 and a learned variance for each output
    channel, which starts as gamma**2 / fan-in."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        gamma: float = 1.0,
        eps: float = 1e-6,
        gain_init: float = 1.0,
    ) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias,
        )
        self.scale = gamma * self.weight[0].numel() ** -0.5
        self.eps = eps
        self.gain = nn.Parameter(torch.full((out_channels, 1, 1, 1), gain_init))

    def forward(self, input: Tensor) -> Tensor:
        weight = nn.functional.batch_norm(
            self.weight.reshape(1, self.out_channels, -1),
            None,
            None,
            weight=(self.gain * self.scale).view(-1),
            training=True,
            momentum=0.0,
            eps=self.eps,
        ).reshape_as(self.weight)
        return self._conv_forward(input, weight, self.bias)


class NormFreeBlock(nn.Module):
    """What it reads is brought to a variance of 1 by beta; alpha times what its
    convolutions give is added.
    """

    def __init__(
        self, in_channels: int, width: int, alpha: float, beta: float, stride: int = 1
    ) -> None:
        super().__init__()
        gamma = 1.7139588594436646
        self.beta = beta
        self.alpha = alpha
        inter_channels = width // 4
        self.conv1 = ScaledStdConv2d(
            in_channels, inter_channels, kernel_size=1, eps=1e-5, gamma=gamma
        )
        self.conv2 = ScaledStdConv2d(
            inter_channels,
            inter_channels,
            kernel_size=3,
            stride=stride,
            padding=1,
            eps=1e-5,
            gamma=gamma,
        )
        self.conv3 = ScaledStdConv2d(
            inter_channels, width, kernel_size=1, eps=1e-5, gamma=gamma, gain_init=0.0
        )
        self.needs_shortcut = stride != 1 or in_channels != width
        if self.needs_shortcut:
            self.downsample = nn.Sequential()
            if stride != 1:
                self.downsample.add_module(
                    "pool",
                    nn.AvgPool2d(
                        kernel_size=2,
                        stride=stride,
                        ceil_mode=True,
                        count_include_pad=False,
                    ),
                )
            self.downsample.add_module(
                "conv",
                ScaledStdConv2d(
                    in_channels, width, kernel_size=1, eps=1e-5, gamma=gamma
                ),
            )

    def forward(self, x: Tensor) -> Tensor:
        x_in = x
        x = F.relu(x_in)
        x = x * self.beta
        identity = x
        x = self.conv1(x)
        x = F.relu(x, inplace=True)
        x = self.conv2(x)
        x = F.relu(x, inplace=True)
        x = self.conv3(x)
        x = x * self.alpha
        identity = self.downsample(identity) if self.needs_shortcut else x_in
        return x + identity


class Stage(nn.Sequential):
    """Each block adds alpha**2 to the variance; the first one starts it anew."""

    def __init__(
        self,
        in_channels: int,
        depth: int,
        width: int,
        stride: int,
        alpha: float,
        variance: float,
    ) -> None:
        layers: list[nn.Module] = []
        for i in range(depth):
            layers.append(
                NormFreeBlock(
                    in_channels,
                    width,
                    alpha,
                    1 / (variance if i == 0 else 1 + i * alpha**2) ** 0.5,
                    stride=stride if i == 0 else 1,
                )
            )
            in_channels = width
        super().__init__(*layers)


class NormFreeNet(nn.Module):
    """NF-ResNet-50."""

    def __init__(
        self,
        num_classes: int = 1000,
        depths: Sequence[int] = (3, 4, 6, 3),
        widths: Sequence[int] = (256, 512, 1024, 2048),
        alpha: float = 0.2,
    ) -> None:
        super().__init__()
        in_channels = 64
        self.stem = nn.Sequential(
            OrderedDict(
                conv=ScaledStdConv2d(
                    3,
                    in_channels,
                    kernel_size=7,
                    stride=2,
                    padding=3,
                    eps=1e-5,
                    gamma=1.7139588594436646,
                ),  # 64 x 128 x 128
                pool=nn.MaxPool2d(kernel_size=3, stride=2, padding=1),  # 64 x 64 x 64
            )
        )
        layers: list[nn.Module] = []
        for s, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            layers.append(
                Stage(
                    in_channels,
                    depth,
                    width,
                    stride=1 if s == 0 else 2,
                    alpha=alpha,
                    variance=1 if s == 0 else 1 + depths[s - 1] * alpha**2,
                )
            )
            in_channels = width
        self.stages = nn.Sequential(*layers)
        self.head = nn.Sequential(
            OrderedDict(
                global_pool=nn.AdaptiveAvgPool2d(1),  # 2048 x 1 x 1
                flatten=nn.Flatten(),  # 2048
                fc=nn.Linear(in_channels, num_classes),  # 1000
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 64 x 64 x 64
        x = self.stages(x)  # 2048 x 8 x 8
        x = F.relu(x)
        return self.head(x)  # 1000
