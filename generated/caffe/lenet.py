"""LeNet (Caffe).

Source: LeCun et al. 1998; BVLC Caffe, examples/mnist/lenet_train_test.prototxt.

Compiled by archc from specs/caffe/lenet.toml.
Digest: sha256 13ccc3825657c61f.
"""

import torch
from torch import Tensor, nn

__all__ = [
    "LeNet",
]


class LeNet(nn.Module):
    """LeNet (Caffe)."""

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, kernel_size=5)
        self.pool1 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
        self.conv2 = nn.Conv2d(20, 50, kernel_size=5)
        self.pool2 = nn.MaxPool2d(kernel_size=2, ceil_mode=True)
        self.ip1 = nn.Linear(50 * 4 * 4, 500)
        self.relu1 = nn.ReLU(inplace=True)
        self.ip2 = nn.Linear(500, num_classes)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)  # 20 x 24 x 24
        x = self.pool1(x)  # 20 x 12 x 12
        x = self.conv2(x)  # 50 x 8 x 8
        x = self.pool2(x)  # 50 x 4 x 4
        x = torch.flatten(x, 1)  # 800
        x = self.ip1(x)  # 500
        x = self.relu1(x)
        return self.ip2(x)  # 10

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="linear")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="linear")
                nn.init.zeros_(module.bias)
