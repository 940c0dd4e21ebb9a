"""AlexNet (Dive into Deep Learning).

Source: Krizhevsky et al. 2012; Zhang et al., Dive into Deep Learning, Section 8.1.

Compiled by archc from specs/d2l/alexnet.toml.
Digest: sha256 3992e8aa86376005.
"""

from torch import Tensor, nn

__all__ = [
    "AlexNet",
]


class AlexNet(nn.Module):
    """AlexNet (Dive into Deep Learning)."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 96, kernel_size=11, stride=4, padding=1),  # 96 x 54 x 54
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # 96 x 26 x 26
            nn.Conv2d(96, 256, kernel_size=5, padding=2),  # 256 x 26 x 26
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # 256 x 12 x 12
            nn.Conv2d(256, 384, kernel_size=3, padding=1),  # 384 x 12 x 12
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),  # 256 x 12 x 12
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),  # 256 x 5 x 5
            nn.Flatten(),  # 6400
            nn.Linear(256 * 5 * 5, 4096),  # 4096
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(4096, num_classes),  # 10
        )
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
