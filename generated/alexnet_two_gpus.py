"""AlexNet on two GPUs.

Source: Krizhevsky et al. 2012, Section 3.2 and Fig. 2.

Compiled by archc from specs/alexnet_two_gpus.toml.
Digest: sha256 dfcdc12a4d477d4e.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [  # noqa: RUF022 - the network first, then its parts
    "AlexNetTwoGPUs",
    "Low",
    "High",
    "Dense",
]


class Low(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, 48, kernel_size=11, stride=4)
        self.norm1 = nn.LocalResponseNorm(size=5, alpha=0.0005, k=2.0)
        self.pool1 = nn.MaxPool2d(kernel_size=3, stride=2)
        self.conv2 = nn.Conv2d(48, 128, kernel_size=5, padding=2)
        self.norm2 = nn.LocalResponseNorm(size=5, alpha=0.0005, k=2.0)
        self.pool2 = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = F.relu(x, inplace=True)
        x = self.norm1(x)
        x = self.pool1(x)
        x = self.conv2(x)
        x = F.relu(x, inplace=True)
        x = self.norm2(x)
        return self.pool2(x)


class High(nn.Module):
    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.conv3 = nn.Conv2d(in_channels, 192, kernel_size=3, padding=1)
        self.conv4 = nn.Conv2d(192, 192, kernel_size=3, padding=1)
        self.conv5 = nn.Conv2d(192, 128, kernel_size=3, padding=1)
        self.pool5 = nn.MaxPool2d(kernel_size=3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv3(x)
        x = F.relu(x, inplace=True)
        x = self.conv4(x)
        x = F.relu(x, inplace=True)
        x = self.conv5(x)
        x = F.relu(x, inplace=True)
        x = self.pool5(x)
        return torch.flatten(x, 1)


class Dense(nn.Module):
    def __init__(self, in_channels: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.fc = nn.Linear(in_channels, 2048)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc(x)
        x = F.relu(x, inplace=True)
        return F.dropout(x, p=self.dropout, training=self.training)


class AlexNetTwoGPUs(nn.Module):
    """AlexNet on two GPUs."""

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.5,
        devices: Mapping[str, torch.device | str] | None = None,
    ) -> None:
        super().__init__()
        self.top = Low(3)
        self.bottom = Low(3)
        self.top_high = High(256)
        self.bottom_high = High(256)
        self.top_fc6 = Dense(9216, dropout)
        self.bottom_fc6 = Dense(9216, dropout)
        self.top_fc7 = Dense(4096, dropout)
        self.bottom_fc7 = Dense(4096, dropout)
        self.fc8 = nn.Linear(4096, num_classes)
        self._initialize_weights()
        self.devices = devices or {}
        if devices is not None:
            self.to(device=self.devices.get("gpu0"))
            for module in (
                self.bottom,
                self.bottom_high,
                self.bottom_fc6,
                self.bottom_fc7,
            ):
                module.to(device=self.devices.get("gpu1"))

    def forward(self, x: Tensor) -> Tensor:
        inputs = x
        x = x.to(device=self.devices.get("gpu0"))
        top = self.top(x)  # 128 x 13 x 13
        x = inputs.to(device=self.devices.get("gpu1"))  # 3 x 227 x 227
        bottom = self.bottom(x)  # 128 x 13 x 13
        x = bottom.to(device=self.devices.get("gpu0"))
        x = torch.cat([top, x], dim=1)  # 256 x 13 x 13
        top_high = self.top_high(x)  # 4608
        x = top.to(device=self.devices.get("gpu1"))  # 128 x 13 x 13
        x = torch.cat([x, bottom], dim=1)  # 256 x 13 x 13
        bottom_high = self.bottom_high(x)  # 4608
        x = bottom_high.to(device=self.devices.get("gpu0"))
        x = torch.cat([top_high, x], dim=1)  # 9216
        top_fc6 = self.top_fc6(x)  # 2048
        x = top_high.to(device=self.devices.get("gpu1"))  # 4608
        x = torch.cat([x, bottom_high], dim=1)  # 9216
        bottom_fc6 = self.bottom_fc6(x)  # 2048
        x = bottom_fc6.to(device=self.devices.get("gpu0"))
        x = torch.cat([top_fc6, x], dim=1)  # 4096
        top_fc7 = self.top_fc7(x)  # 2048
        x = top_fc6.to(device=self.devices.get("gpu1"))
        x = torch.cat([x, bottom_fc6], dim=1)  # 4096
        x = self.bottom_fc7(x)  # 2048
        x = x.to(device=self.devices.get("gpu0"))
        x = torch.cat([top_fc7, x], dim=1)  # 4096
        return self.fc8(x)  # 1000

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=0.01)
                nn.init.zeros_(module.bias)
