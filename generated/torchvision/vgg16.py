"""VGG-16 (configuration D).

Source: Simonyan and Zisserman 2014, Table 1, arXiv:1409.1556; torchvision.models.vgg16.

Compiled by archc from specs/torchvision/vgg16.toml.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [
    "VGG16",
]


class VGG16(nn.Module):
    """VGG-16 (configuration D)."""

    def __init__(
        self,
        num_classes: int = 1000,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        convs: Sequence[int] = (2, 2, 3, 3, 3),
    ) -> None:
        super().__init__()
        self.features = nn.Sequential()
        width = 3
        for stage, out_channels in enumerate(channels):
            for _ in range(convs[stage]):
                self.features.append(
                    nn.Conv2d(width, out_channels, kernel_size=3, padding=1)
                )
                self.features.append(nn.ReLU(inplace=True))
                width = out_channels
            self.features.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(width * 7 * 7, 4096),  # 4096
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(4096, num_classes),  # 1000
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 512 x 7 x 7
        x = self.avgpool(x)
        x = torch.flatten(x, 1)  # 25088
        return self.classifier(x)  # 1000
