"""DenseNet-BC (Huang et al. 2016, arXiv:1608.06993), for ImageNet and for CIFAR."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import Tensor, nn

from tests.networks import generated, hold, params

IMAGENET = {
    "densenet121": 7_978_856,
    "densenet161": 28_681_000,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
}


class DenseLayer(nn.Module):
    """Section 3: BN-ReLU-Conv(1x1)-BN-ReLU-Conv(3x3), with 4k maps in between."""

    def __init__(self, channels: int, k: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, 4 * k, 1, bias=False),
            nn.BatchNorm2d(4 * k),
            nn.ReLU(),
            nn.Conv2d(4 * k, k, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], dim=1)


def densenet_bc(depth: int, k: int, compression: float) -> nn.Module:
    """Section 3, implementation details: three blocks on maps of 32, 16 and 8."""
    channels = 2 * k
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for block in range(3):
        if block:
            width = int(compression * channels)
            layers += [
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, width, 1, bias=False),
                nn.AvgPool2d(2),
            ]
            channels = width
        # of the layers, four are not in blocks; each of a block's is two convolutions
        for _ in range((depth - 4) // 3 // 2):
            layers.append(DenseLayer(channels, k))
            channels += k
    return nn.Sequential(
        *layers,
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(channels, 10),
    )


def densenet_bc100() -> nn.Module:
    return densenet_bc(depth=100, k=12, compression=0.5)


@pytest.mark.parametrize("name", IMAGENET)
def test_published_is_torchvisions(name: str):
    make = getattr(torchvision.models, name)
    hold(name, make, (3, 224, 224), training_shape=(3, 64, 64))
    with torch.device("meta"):
        assert params(generated(name)) == IMAGENET[name]


def test_bc_100_for_cifar():
    hold("cifar/densenet_bc100", densenet_bc100, (3, 32, 32))


def test_table_2_prints_the_parameters():
    with torch.device("meta"):
        count = params(generated("cifar/densenet_bc100"))
        assert count == params(densenet_bc100())
    assert f"{count / 1e6:.1f}" == "0.8"


def test_bc_100_has_as_many_layers():
    with torch.device("meta"):
        modules = [*generated("cifar/densenet_bc100").modules()]
    assert sum(isinstance(m, nn.Conv2d | nn.Linear) for m in modules) == 100
