"""LeNet-5.

Source: LeCun et al. 1998, Fig. 2 and Section II-B, Proc. IEEE 86(11).

Compiled by archc from specs/lenet5.toml.
Digest: sha256 3ba23f8a1d533aa1.
"""

import torch
from torch import Tensor, nn

__all__ = [
    "LeNet5",
]


class LeNet5(nn.Module):
    """LeNet-5."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, kernel_size=5)
        self.s2 = nn.AvgPool2d(kernel_size=2)
        self.c3 = nn.Conv2d(6, 16, kernel_size=5)
        self.s4 = nn.AvgPool2d(kernel_size=2)
        self.c5 = nn.Conv2d(16, 120, kernel_size=5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.c1(x)  # 6 x 28 x 28
        x = torch.tanh(x)
        x = self.s2(x)  # 6 x 14 x 14
        x = self.c3(x)  # 16 x 10 x 10
        x = torch.tanh(x)
        x = self.s4(x)  # 16 x 5 x 5
        x = self.c5(x)  # 120 x 1 x 1
        x = torch.tanh(x)
        x = torch.flatten(x, 1)  # 120
        x = self.f6(x)  # 84
        x = torch.tanh(x)
        return self.output(x)  # 10
