"""LeNet with batch normalization (Dive into Deep Learning).

Source: LeCun et al. 1998; Zhang et al., Dive into Deep Learning, Section 8.5.

Compiled by archc from specs/d2l/lenet_bn.toml.
Digest: sha256 5acc5e8d4ded89b8.
"""

from torch import Tensor, nn

__all__ = [
    "BNLeNet",
]


class BNLeNet(nn.Module):
    """LeNet with batch normalization (Dive into Deep Learning)."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5),  # 6 x 24 x 24
            nn.BatchNorm2d(6),
            nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2),  # 6 x 12 x 12
            nn.Conv2d(6, 16, kernel_size=5),  # 16 x 8 x 8
            nn.BatchNorm2d(16),
            nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2),  # 16 x 4 x 4
            nn.Flatten(),  # 256
            nn.Linear(16 * 4 * 4, 120),  # 120
            nn.BatchNorm1d(120),
            nn.Sigmoid(),
            nn.Linear(120, 84),  # 84
            nn.BatchNorm1d(84),
            nn.Sigmoid(),
            nn.Linear(84, num_classes),  # 10
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
