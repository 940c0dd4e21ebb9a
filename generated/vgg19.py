"""VGG-19 (configuration E).

Source: Simonyan and Zisserman 2014, Table 1, arXiv:1409.1556.

Compiled by archc from specs/vgg19.toml.
Digest: sha256 1c1dc31b4266d5c2.
"""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [
    "VGG",
]


class VGG(nn.Module):
    """VGG-19 (configuration E)."""

    def __init__(
        self,
        num_classes: int = 1000,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        convs: Sequence[int] = (2, 2, 4, 4, 4),
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.features = nn.Sequential()
        in_channels = 3
        for stage, (out_channels, num_convs) in enumerate(
            zip(channels, convs, strict=True), start=1
        ):
            for i in range(1, num_convs + 1):
                self.features.add_module(
                    f"conv{stage}_{i}",
                    nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1),
                )
                self.features.add_module(f"relu{stage}_{i}", nn.ReLU(inplace=True))
                in_channels = out_channels
            self.features.add_module(
                f"pool{stage}", nn.MaxPool2d(kernel_size=2, stride=2)
            )
        self.classifier = nn.Sequential(
            OrderedDict(
                fc6=nn.Linear(in_channels * 7 * 7, 4096),  # 4096
                relu6=nn.ReLU(inplace=True),
                drop6=nn.Dropout(p=dropout),
                fc7=nn.Linear(4096, 4096),
                relu7=nn.ReLU(inplace=True),
                drop7=nn.Dropout(p=dropout),
                fc8=nn.Linear(4096, num_classes),  # 1000
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)  # 512 x 7 x 7
        x = torch.flatten(x, 1)  # 25088
        return self.classifier(x)  # 1000
