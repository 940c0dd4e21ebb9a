"""U-Net.

Source: Ronneberger et al. 2015, Fig. 1, arXiv:1505.04597.

Compiled by archc from specs/unet.toml.
Digest: sha256 61a5782400d5af04.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "UNet",
    "DoubleConv",
    "Up",
]


class DoubleConv(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Conv2d(in_channels, out_channels, kernel_size=3),
                nn.ReLU(inplace=True),
            ]
            in_channels = out_channels
        super().__init__(*layers)


class Up(nn.Module):
    """The coarser map, enlarged, beside the finer one, whose border is cut off."""

    def __init__(
        self, in_channels: int, coarse_channels: int, out_channels: int, border: int
    ) -> None:
        super().__init__()
        self.border = border
        self.up = nn.ConvTranspose2d(
            coarse_channels, out_channels, kernel_size=2, stride=2
        )
        self.conv = DoubleConv(in_channels + out_channels, out_channels)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        up = self.up(coarse)
        x = F.pad(fine, (-self.border, -self.border, -self.border, -self.border))
        x = torch.cat([x, up], dim=1)
        return self.conv(x)


class UNet(nn.Module):
    """U-Net."""

    def __init__(self, num_classes: int = 2, width: int = 64) -> None:
        super().__init__()
        self.down1 = DoubleConv(1, width)
        self.down2 = DoubleConv(width, width * 2)
        self.down3 = DoubleConv(width * 2, width * 4)
        self.down4 = DoubleConv(width * 4, width * 8)
        self.bottom = DoubleConv(width * 8, width * 16)
        self.up4 = Up(width * 8, width * 16, width * 8, 4)
        self.up3 = Up(width * 4, width * 8, width * 4, 16)
        self.up2 = Up(width * 2, width * 4, width * 2, 40)
        self.up1 = Up(width, width * 2, width, 88)
        self.head = nn.Conv2d(width, num_classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        down1 = self.down1(x)  # 64 x 568 x 568
        x = F.max_pool2d(down1, kernel_size=2)  # 64 x 284 x 284
        down2 = self.down2(x)  # 128 x 280 x 280
        x = F.max_pool2d(down2, kernel_size=2)  # 128 x 140 x 140
        down3 = self.down3(x)  # 256 x 136 x 136
        x = F.max_pool2d(down3, kernel_size=2)  # 256 x 68 x 68
        down4 = self.down4(x)  # 512 x 64 x 64
        x = F.max_pool2d(down4, kernel_size=2)  # 512 x 32 x 32
        x = self.bottom(x)  # 1024 x 28 x 28
        x = self.up4(down4, x)  # 512 x 52 x 52
        x = self.up3(down3, x)  # 256 x 100 x 100
        x = self.up2(down2, x)  # 128 x 196 x 196
        x = self.up1(down1, x)  # 64 x 388 x 388
        return self.head(x)  # 2 x 388 x 388
