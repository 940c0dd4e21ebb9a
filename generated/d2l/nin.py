"""Network in Network (Dive into Deep Learning).

Source: Lin et al. 2013; Zhang et al., Dive into Deep Learning, Section 8.3.

Compiled by archc from specs/d2l/nin.toml.
Digest: sha256 92ee11fbe8f9a0db.
"""

from torch import Tensor, nn

__all__ = [
    "NiN",
    "NinBlock",
]


class NinBlock(nn.Sequential):
    """A convolution and two 1x1 convolutions, which act as layers of each pixel."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(
                in_channels,
                out_channels,
                kernel_size=kernel_size,
                stride=stride,
                padding=padding,
            ),
            nn.ReLU(inplace=True),
        ]
        for _ in range(2):
            layers += [
                nn.Conv2d(out_channels, out_channels, kernel_size=1),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class NiN(nn.Module):
    """Network in Network (Dive into Deep Learning)."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.net = nn.Sequential(
            NinBlock(1, 96, kernel_size=11, stride=4),  # 96 x 54 x 54
            nn.MaxPool2d(kernel_size=3, stride=2),  # 96 x 26 x 26
            NinBlock(96, 256, kernel_size=5, padding=2),  # 256 x 26 x 26
            nn.MaxPool2d(kernel_size=3, stride=2),  # 256 x 12 x 12
            NinBlock(256, 384, kernel_size=3, padding=1),  # 384 x 12 x 12
            nn.MaxPool2d(kernel_size=3, stride=2),  # 384 x 5 x 5
            nn.Dropout(p=0.5),
            NinBlock(384, num_classes, kernel_size=3, padding=1),  # 10 x 5 x 5
            nn.AdaptiveAvgPool2d(1),  # 10 x 1 x 1
            nn.Flatten(),  # 10
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)
