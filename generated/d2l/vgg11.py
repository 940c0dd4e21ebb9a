"""VGG-11 (Dive into Deep Learning).

Source: Simonyan and Zisserman 2014; Zhang et al., Dive into Deep Learning, Section 8.2.

Compiled by archc from specs/d2l/vgg11.toml.
Digest: sha256 fa3bed374bead95c.
"""

from collections.abc import Sequence

from torch import Tensor, nn

__all__ = [
    "VGG",
    "VggBlock",
]


class VggBlock(nn.Sequential):
    """3x3 convolutions that keep the resolution, then a pooling that halves it."""

    def __init__(self, in_channels: int, num_convs: int, out_channels: int) -> None:
        layers: list[nn.Module] = []
        for _ in range(num_convs):
            layers += [
                nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1),
                nn.ReLU(inplace=True),
            ]
            in_channels = out_channels
        layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
        super().__init__(*layers)


class VGG(nn.Module):
    """VGG-11 (Dive into Deep Learning)."""

    def __init__(
        self,
        num_classes: int = 10,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        convs: Sequence[int] = (1, 1, 2, 2, 2),
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        in_channels = 1
        for out_channels, num_convs in zip(channels, convs, strict=True):
            layers.append(VggBlock(in_channels, num_convs, out_channels))
            in_channels = out_channels
        layers += [
            nn.Flatten(),  # 25088
            nn.Linear(in_channels * 7 * 7, 4096),  # 4096
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(4096, num_classes),  # 10
        ]
        self.net = nn.Sequential(*layers)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
