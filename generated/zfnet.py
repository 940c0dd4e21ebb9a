"""ZFNet.

Source: Zeiler and Fergus 2013, Fig. 3, arXiv:1311.2901.

Compiled by archc from specs/zfnet.toml.
Digest: sha256 28da6f4dc2855c1d.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "ZFNet",
]


class ZFNet(nn.Module):
    """ZFNet."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.dropout = dropout
        self.conv1 = nn.Conv2d(3, 96, kernel_size=7, stride=2, padding=1)
        self.pool1 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        self.norm1 = nn.LocalResponseNorm(size=5, alpha=0.0005, k=2.0)
        self.conv2 = nn.Conv2d(96, 256, kernel_size=5, stride=2)
        self.pool2 = nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True)
        self.norm2 = nn.LocalResponseNorm(size=5, alpha=0.0005, k=2.0)
        self.conv3 = nn.Conv2d(256, 384, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, kernel_size=3, padding=1)
        self.conv5 = nn.Conv2d(384, 256, kernel_size=3, padding=1)
        self.pool5 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 96 x 110 x 110
        x = F.relu(x, inplace=True)
        x = self.pool1(x)  # 96 x 55 x 55
        x = self.norm1(x)
        x = self.conv2(x)  # 256 x 26 x 26
        x = F.relu(x, inplace=True)
        x = self.pool2(x)  # 256 x 13 x 13
        x = self.norm2(x)
        x = self.conv3(x)  # 384 x 13 x 13
        x = F.relu(x, inplace=True)
        x = self.conv4(x)
        x = F.relu(x, inplace=True)
        x = self.conv5(x)  # 256 x 13 x 13
        x = F.relu(x, inplace=True)
        x = self.pool5(x)  # 256 x 6 x 6
        x = torch.flatten(x, 1)  # 9216
        x = self.fc6(x)  # 4096
        x = F.relu(x, inplace=True)
        x = F.dropout(x, p=self.dropout, training=self.training)
        x = self.fc7(x)
        x = F.relu(x, inplace=True)
        x = F.dropout(x, p=self.dropout, training=self.training)
        return self.fc8(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
