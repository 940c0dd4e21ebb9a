"""C3D.

Source: Tran et al. 2015, Fig. 3, arXiv:1412.0767.

Compiled by archc from specs/c3d.toml.
Digest: sha256 5b3bdfa3362835b3.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "C3D",
]


class C3D(nn.Module):
    """C3D."""

    def __init__(
        self,
        num_classes: int = 487,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        features: int = 4096,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.conv1a = nn.Conv3d(3, widths[0], kernel_size=3, padding=1)
        self.pool1 = nn.MaxPool3d(kernel_size=(1, 2, 2))
        self.conv2a = nn.Conv3d(widths[0], widths[1], kernel_size=3, padding=1)
        self.pool2 = nn.MaxPool3d(kernel_size=2)
        self.conv3a = nn.Conv3d(widths[1], widths[2], kernel_size=3, padding=1)
        self.conv3b = nn.Conv3d(widths[2], widths[2], kernel_size=3, padding=1)
        self.pool3 = nn.MaxPool3d(kernel_size=2)
        self.conv4a = nn.Conv3d(widths[2], widths[3], kernel_size=3, padding=1)
        self.conv4b = nn.Conv3d(widths[3], widths[3], kernel_size=3, padding=1)
        self.pool4 = nn.MaxPool3d(kernel_size=2)
        self.conv5a = nn.Conv3d(widths[3], widths[4], kernel_size=3, padding=1)
        self.conv5b = nn.Conv3d(widths[4], widths[4], kernel_size=3, padding=1)
        self.pool5 = nn.MaxPool3d(kernel_size=2, padding=(0, 1, 1))
        self.fc6 = nn.Linear(widths[4] * 4 * 4, features)
        self.fc7 = nn.Linear(features, features)
        self.fc8 = nn.Linear(features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1a(x)  # 64 x 16 x 112 x 112
        x = F.relu(x, inplace=True)
        x = self.pool1(x)  # 64 x 16 x 56 x 56
        x = self.conv2a(x)  # 128 x 16 x 56 x 56
        x = F.relu(x, inplace=True)
        x = self.pool2(x)  # 128 x 8 x 28 x 28
        x = self.conv3a(x)  # 256 x 8 x 28 x 28
        x = F.relu(x, inplace=True)
        x = self.conv3b(x)
        x = F.relu(x, inplace=True)
        x = self.pool3(x)  # 256 x 4 x 14 x 14
        x = self.conv4a(x)  # 512 x 4 x 14 x 14
        x = F.relu(x, inplace=True)
        x = self.conv4b(x)
        x = F.relu(x, inplace=True)
        x = self.pool4(x)  # 512 x 2 x 7 x 7
        x = self.conv5a(x)
        x = F.relu(x, inplace=True)
        x = self.conv5b(x)
        x = F.relu(x, inplace=True)
        x = self.pool5(x)  # 512 x 1 x 4 x 4
        x = torch.flatten(x, 1)  # 8192
        x = self.fc6(x)  # 4096
        x = F.relu(x, inplace=True)
        x = F.dropout(x, p=self.dropout, training=self.training)
        x = self.fc7(x)
        x = F.relu(x, inplace=True)
        x = F.dropout(x, p=self.dropout, training=self.training)
        return self.fc8(x)  # 487
