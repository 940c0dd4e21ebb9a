"""AlexNet for CIFAR-10.

Source: after Krizhevsky 2014, One weird trick, arXiv:1404.5997, for 32×32 images.

Compiled by archc from specs/cifar/alexnet.toml.
Digest: sha256 537a1e1b1bccba82.
"""

import torch
from torch import Tensor, nn

__all__ = [
    "AlexNet",
]


class AlexNet(nn.Module):
    """AlexNet for CIFAR-10."""

    def __init__(self, num_classes: int = 10, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, padding=1),  # 64 x 32 x 32
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=2, stride=2),  # 64 x 16 x 16
            nn.Conv2d(64, 192, kernel_size=3, padding=1),  # 192 x 16 x 16
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=2, stride=2),  # 192 x 8 x 8
            nn.Conv2d(192, 384, kernel_size=3, padding=1),  # 384 x 8 x 8
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),  # 256 x 8 x 8
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=2, stride=2),  # 256 x 4 x 4
        )
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Linear(256 * 4 * 4, 4096),  # 4096
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),  # 10
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 256 x 4 x 4
        x = torch.flatten(x, 1)  # 4096
        return self.classifier(x)  # 10
