"""ConvMixer-768/32.

Source: Trockman and Kolter 2022, Fig. 2 and Table 1, arXiv:2201.09792; timm's
convmixer_768_32.

Compiled by archc from specs/timm/convmixer_768_32.toml.
Digest: sha256 8bf12bab5c844991.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "ConvMixer",
    "Residual",
    "Mixer",
]


class Residual(nn.Module):
    def __init__(self, in_channels: int, kernel_size: int) -> None:
        super().__init__()
        self.fn = nn.Sequential(
            nn.Conv2d(
                in_channels,
                in_channels,
                kernel_size=kernel_size,
                padding="same",
                groups=in_channels,
            ),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(in_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.fn(x)


class Mixer(nn.Sequential):
    """Mixes positions by a depthwise convolution, then channels by a pointwise one."""

    def __init__(self, in_channels: int, kernel_size: int) -> None:
        super().__init__(
            Residual(in_channels, kernel_size=kernel_size),
            nn.Conv2d(in_channels, in_channels, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(in_channels),
        )


class ConvMixer(nn.Module):
    """ConvMixer-768/32."""

    def __init__(
        self,
        num_classes: int = 1000,
        width: int = 768,
        depth: int = 32,
        kernel_size: int = 7,
        patch_size: int = 7,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=patch_size, stride=patch_size),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(width),
        )
        self.blocks = nn.Sequential(
            *[Mixer(width, kernel_size=kernel_size) for _ in range(depth)]
        )
        self.head = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # 768 x 32 x 32
        x = self.blocks(x)
        x = F.adaptive_avg_pool2d(x, 1)  # 768 x 1 x 1
        x = torch.flatten(x, 1)  # 768
        return self.head(x)  # 1000
