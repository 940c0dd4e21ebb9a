"""VGG-19 with batch normalization.

Source: Simonyan and Zisserman 2014, Table 1, arXiv:1409.1556; torchvision.models.vgg.

Compiled by archc from specs/torchvision/vgg19_bn.toml.
Digest: sha256 4591b0ec402b7ba1.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [
    "VGG",
]


class VGG(nn.Module):
    """VGG-19 with batch normalization."""

    def __init__(
        self,
        num_classes: int = 1000,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        convs: Sequence[int] = (2, 2, 4, 4, 4),
        batch_norm: bool = True,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        in_channels = 3
        for out_channels, num_convs in zip(channels, convs, strict=True):
            for _ in range(num_convs):
                layers.append(
                    nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)
                )
                if batch_norm:
                    layers.append(nn.BatchNorm2d(out_channels))
                layers.append(nn.ReLU(inplace=True))
                in_channels = out_channels
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(in_channels * 7 * 7, 4096),  # 4096
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),  # 1000
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 512 x 7 x 7
        x = self.avgpool(x)
        x = torch.flatten(x, 1)  # 25088
        return self.classifier(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
