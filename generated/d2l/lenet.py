"""LeNet (Dive into Deep Learning).

Source: LeCun et al. 1998; Zhang et al., Dive into Deep Learning, Section 7.6.

Compiled by archc from specs/d2l/lenet.toml.
Digest: sha256 184b6bb220c8f076.
"""

from torch import Tensor, nn

__all__ = [
    "LeNet",
]


class LeNet(nn.Module):
    """LeNet (Dive into Deep Learning)."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5, padding=2),  # 6 x 28 x 28
            nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2),  # 6 x 14 x 14
            nn.Conv2d(6, 16, kernel_size=5),  # 16 x 10 x 10
            nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2),  # 16 x 5 x 5
            nn.Flatten(),  # 400
            nn.Linear(16 * 5 * 5, 120),  # 120
            nn.Sigmoid(),
            nn.Linear(120, 84),  # 84
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
