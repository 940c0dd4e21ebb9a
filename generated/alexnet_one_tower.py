"""AlexNet, one tower.

Source: Krizhevsky et al. 2012, Section 3.5, every convolution seeing all maps.

Compiled by archc from specs/alexnet_one_tower.toml.
Digest: sha256 b836876c5e1bf685.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "AlexNet",
]


class AlexNet(nn.Module):
    """AlexNet, one tower."""

    def __init__(
        self, num_classes: int = 1000, groups: int = 1, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.conv1 = nn.Conv2d(3, 96, kernel_size=11, stride=4)
        self.norm1 = nn.LocalResponseNorm(size=5, alpha=0.0005, k=2.0)
        self.pool1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.conv2 = nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=groups)
        self.norm2 = nn.LocalResponseNorm(size=5, alpha=0.0005, k=2.0)
        self.pool2 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.conv3 = nn.Conv2d(256, 384, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=groups)
        self.conv5 = nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=groups)
        self.pool5 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.fc6 = nn.Linear(256 * 6 * 6, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, num_classes)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 96 x 55 x 55
        x = F.relu(x, inplace=True)
        x = self.norm1(x)
        x = self.pool1(x)  # 96 x 27 x 27
        x = self.conv2(x)  # 256 x 27 x 27
        x = F.relu(x, inplace=True)
        x = self.norm2(x)
        x = self.pool2(x)  # 256 x 13 x 13
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
