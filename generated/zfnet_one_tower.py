"""ZFNet, the tutorials' edition.

Source: Zeiler and Fergus 2013, Fig. 3, arXiv:1311.2901, as tutorials give it: padded,
not normalized, no last pooling.

Compiled by archc from specs/zfnet_one_tower.toml.
Digest: sha256 c3edb274895c069a.
"""

import torch
from torch import Tensor, nn

__all__ = [
    "ZFNet",
]


class ZFNet(nn.Module):
    """ZFNet, the tutorials' edition."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, kernel_size=7, stride=2, padding=1),  # 96 x 110 x 110
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # 96 x 54 x 54
            nn.Conv2d(96, 256, kernel_size=5, stride=2, padding=1),  # 256 x 26 x 26
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # 256 x 12 x 12
            nn.Conv2d(256, 384, kernel_size=3, padding=1),  # 384 x 12 x 12
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),  # 256 x 12 x 12
            nn.ReLU(inplace=True),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 12 * 12, 4096),  # 4096
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),  # 1000
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 256 x 12 x 12
        x = torch.flatten(x, 1)  # 36864
        return self.classifier(x)  # 1000
