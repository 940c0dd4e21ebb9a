"""UNet++.

Source: Zhou et al. 2018, Fig. 1 and Table 2, arXiv:1807.10165.

Compiled by archc from specs/unet_plus_plus.toml.
Digest: sha256 a5c5830a7d4fce78.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "NestedUNet",
    "DoubleConv",
]


class DoubleConv(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1),
                nn.ReLU(inplace=True),
            ]
            in_channels = out_channels
        super().__init__(*layers)


class NestedUNet(nn.Module):
    """UNet++."""

    def __init__(self, num_classes: int = 1, width: int = 32) -> None:
        super().__init__()
        self.x0_0 = DoubleConv(3, width)
        self.x1_0 = DoubleConv(width, width * 2)
        self.x2_0 = DoubleConv(width * 2, width * 4)
        self.x3_0 = DoubleConv(width * 4, width * 8)
        self.x4_0 = DoubleConv(width * 8, width * 16)
        self.up0_1 = nn.ConvTranspose2d(width * 2, width, kernel_size=2, stride=2)
        self.x0_1 = DoubleConv(width * 2, width)
        self.up1_1 = nn.ConvTranspose2d(width * 4, width * 2, kernel_size=2, stride=2)
        self.x1_1 = DoubleConv(width * 4, width * 2)
        self.up2_1 = nn.ConvTranspose2d(width * 8, width * 4, kernel_size=2, stride=2)
        self.x2_1 = DoubleConv(width * 8, width * 4)
        self.up3_1 = nn.ConvTranspose2d(width * 16, width * 8, kernel_size=2, stride=2)
        self.x3_1 = DoubleConv(width * 16, width * 8)
        self.up0_2 = nn.ConvTranspose2d(width * 2, width, kernel_size=2, stride=2)
        self.x0_2 = DoubleConv(width * 3, width)
        self.up1_2 = nn.ConvTranspose2d(width * 4, width * 2, kernel_size=2, stride=2)
        self.x1_2 = DoubleConv(width * 6, width * 2)
        self.up2_2 = nn.ConvTranspose2d(width * 8, width * 4, kernel_size=2, stride=2)
        self.x2_2 = DoubleConv(width * 12, width * 4)
        self.up0_3 = nn.ConvTranspose2d(width * 2, width, kernel_size=2, stride=2)
        self.x0_3 = DoubleConv(width * 4, width)
        self.up1_3 = nn.ConvTranspose2d(width * 4, width * 2, kernel_size=2, stride=2)
        self.x1_3 = DoubleConv(width * 8, width * 2)
        self.up0_4 = nn.ConvTranspose2d(width * 2, width, kernel_size=2, stride=2)
        self.x0_4 = DoubleConv(width * 5, width)
        self.head = nn.Conv2d(width, num_classes, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        x0_0 = self.x0_0(x)  # 32 x 96 x 96
        x = F.max_pool2d(x0_0, kernel_size=2)  # 32 x 48 x 48
        x1_0 = self.x1_0(x)  # 64 x 48 x 48
        x = F.max_pool2d(x1_0, kernel_size=2)  # 64 x 24 x 24
        x2_0 = self.x2_0(x)  # 128 x 24 x 24
        x = F.max_pool2d(x2_0, kernel_size=2)  # 128 x 12 x 12
        x3_0 = self.x3_0(x)  # 256 x 12 x 12
        x = F.max_pool2d(x3_0, kernel_size=2)  # 256 x 6 x 6
        x4_0 = self.x4_0(x)  # 512 x 6 x 6
        x = self.up0_1(x1_0)  # 32 x 96 x 96
        x = torch.cat([x0_0, x], dim=1)  # 64 x 96 x 96
        x0_1 = self.x0_1(x)  # 32 x 96 x 96
        x = self.up1_1(x2_0)  # 64 x 48 x 48
        x = torch.cat([x1_0, x], dim=1)  # 128 x 48 x 48
        x1_1 = self.x1_1(x)  # 64 x 48 x 48
        x = self.up2_1(x3_0)  # 128 x 24 x 24
        x = torch.cat([x2_0, x], dim=1)  # 256 x 24 x 24
        x2_1 = self.x2_1(x)  # 128 x 24 x 24
        x = self.up3_1(x4_0)  # 256 x 12 x 12
        x = torch.cat([x3_0, x], dim=1)  # 512 x 12 x 12
        x3_1 = self.x3_1(x)  # 256 x 12 x 12
        x = self.up0_2(x1_1)  # 32 x 96 x 96
        x = torch.cat([x0_0, x0_1, x], dim=1)  # 96 x 96 x 96
        x0_2 = self.x0_2(x)  # 32 x 96 x 96
        x = self.up1_2(x2_1)  # 64 x 48 x 48
        x = torch.cat([x1_0, x1_1, x], dim=1)  # 192 x 48 x 48
        x1_2 = self.x1_2(x)  # 64 x 48 x 48
        x = self.up2_2(x3_1)  # 128 x 24 x 24
        x = torch.cat([x2_0, x2_1, x], dim=1)  # 384 x 24 x 24
        x2_2 = self.x2_2(x)  # 128 x 24 x 24
        x = self.up0_3(x1_2)  # 32 x 96 x 96
        x = torch.cat([x0_0, x0_1, x0_2, x], dim=1)  # 128 x 96 x 96
        x0_3 = self.x0_3(x)  # 32 x 96 x 96
        x = self.up1_3(x2_2)  # 64 x 48 x 48
        x = torch.cat([x1_0, x1_1, x1_2, x], dim=1)  # 256 x 48 x 48
        x = self.x1_3(x)  # 64 x 48 x 48
        x = self.up0_4(x)  # 32 x 96 x 96
        x = torch.cat([x0_0, x0_1, x0_2, x0_3, x], dim=1)  # 160 x 96 x 96
        x = self.x0_4(x)  # 32 x 96 x 96
        return self.head(x)  # 1 x 96 x 96
