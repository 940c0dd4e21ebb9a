"""Siamese network for one-shot recognition.

Source: Koch et al. 2015, Fig. 4, Siamese Neural Networks for One-shot Image
Recognition.

Compiled by archc from specs/siamese_net.toml.
Digest: sha256 6a9950cdd83ad075.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "SiameseNet",
    "Tower",
]


class Tower(nn.Module):
    def __init__(self, in_channels: int, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 64, kernel_size=10)
        self.conv2 = nn.Conv2d(64, 128, kernel_size=7)
        self.conv3 = nn.Conv2d(128, 128, kernel_size=4)
        self.conv4 = nn.Conv2d(128, 256, kernel_size=4)
        self.fc = nn.Linear(256 * 6 * 6, features)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = F.relu(x, inplace=True)
        x = F.max_pool2d(x, kernel_size=2)
        x = self.conv2(x)
        x = F.relu(x, inplace=True)
        x = F.max_pool2d(x, kernel_size=2)
        x = self.conv3(x)
        x = F.relu(x, inplace=True)
        x = F.max_pool2d(x, kernel_size=2)
        x = self.conv4(x)
        x = F.relu(x, inplace=True)
        x = torch.flatten(x, 1)
        x = self.fc(x)
        return torch.sigmoid(x)


class SiameseNet(nn.Module):
    """Siamese network for one-shot recognition."""

    def __init__(self, features: int = 4096) -> None:
        super().__init__()
        self.tower = Tower(1, features)
        self.fc = nn.Linear(features, 1)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        tower = self.tower(first)  # 4096
        other = self.tower(second)
        branch1 = tower - other
        branch1 = F.relu(branch1, inplace=True)
        branch2 = other - tower
        branch2 = F.relu(branch2, inplace=True)
        x = branch1 + branch2
        x = self.fc(x)  # 1
        return torch.sigmoid(x)
