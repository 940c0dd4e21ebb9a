"""SqueezeNet 1.1.

Source: Iandola et al. 2016, arXiv:1602.07360; torchvision.models.squeezenet1_1.

Compiled by archc from specs/torchvision/squeezenet1_1.toml.
Digest: sha256 9c615f31dcf8c826.
"""

import torch
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "SqueezeNet",
    "Fire",
]


class Fire(nn.Module):
    """A 1x1 squeeze, expanded by 1x1 and 3x3 convolutions side by side."""

    def __init__(self, in_channels: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(in_channels, squeeze, kernel_size=1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze, expand, kernel_size=1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze, expand, kernel_size=3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x)
        x = self.squeeze_activation(x)
        expand1x1 = self.expand1x1(x)
        expand1x1 = self.expand1x1_activation(expand1x1)
        expand3x3 = self.expand3x3(x)
        expand3x3 = self.expand3x3_activation(expand3x3)
        return torch.cat([expand1x1, expand3x3], dim=1)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.1."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, kernel_size=3, stride=2),  # 64 x 111 x 111
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 64 x 55 x 55
            Fire(64, 16, 64),  # 128 x 55 x 55
            Fire(128, 16, 64),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 128 x 27 x 27
            Fire(128, 32, 128),  # 256 x 27 x 27
            Fire(256, 32, 128),
            nn.MaxPool2d(kernel_size=3, stride=2, ceil_mode=True),  # 256 x 13 x 13
            Fire(256, 48, 192),  # 384 x 13 x 13
            Fire(384, 48, 192),
            Fire(384, 64, 256),  # 512 x 13 x 13
            Fire(512, 64, 256),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout),
            nn.Conv2d(512, num_classes, kernel_size=1),  # 1000 x 13 x 13
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),  # 1000 x 1 x 1
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 512 x 13 x 13
        x = self.classifier(x)  # 1000 x 1 x 1
        return torch.flatten(x, 1)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
