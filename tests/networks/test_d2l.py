"""Dive into Deep Learning, chapters 7 and 8: each network a plain sequence."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.networks import editions, generated, hold, params, sizes


def lenet() -> nn.Module:
    """Section 7.6."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.Sigmoid(),
        nn.AvgPool2d(2, 2),
        nn.Conv2d(6, 16, 5),
        nn.Sigmoid(),
        nn.AvgPool2d(2, 2),
        nn.Flatten(),
        nn.Linear(16 * 5 * 5, 120),
        nn.Sigmoid(),
        nn.Linear(120, 84),
        nn.Sigmoid(),
        nn.Linear(84, 10),
    )


def lenet_bn() -> nn.Module:
    """Section 8.5.5: normalized in front of each activation, and no padding."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.BatchNorm2d(6),
        nn.Sigmoid(),
        nn.AvgPool2d(2, 2),
        nn.Conv2d(6, 16, 5),
        nn.BatchNorm2d(16),
        nn.Sigmoid(),
        nn.AvgPool2d(2, 2),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 120),
        nn.BatchNorm1d(120),
        nn.Sigmoid(),
        nn.Linear(120, 84),
        nn.BatchNorm1d(84),
        nn.Sigmoid(),
        nn.Linear(84, 10),
    )


def alexnet() -> nn.Module:
    """Section 8.1: without towers and without response normalization."""
    return nn.Sequential(
        nn.Conv2d(1, 96, 11, stride=4, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(96, 256, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Linear(6400, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 10),
    )


def vgg(*arch: tuple[int, int]) -> nn.Module:
    """Section 8.2: blocks of (convolutions, channels)."""
    layers: list[nn.Module] = []
    channels = 1
    for convs, width in arch:
        for _ in range(convs):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(
        *layers,
        nn.Flatten(),
        nn.Linear(channels * 7 * 7, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 10),
    )


def nin() -> nn.Module:
    """Section 8.3."""

    def block(channels: int, width: int, **window: int) -> list[nn.Module]:
        return [
            nn.Conv2d(channels, width, **window),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
        ]

    return nn.Sequential(
        *block(1, 96, kernel_size=11, stride=4),
        nn.MaxPool2d(3, 2),
        *block(96, 256, kernel_size=5, padding=2),
        nn.MaxPool2d(3, 2),
        *block(256, 384, kernel_size=3, padding=1),
        nn.MaxPool2d(3, 2),
        nn.Dropout(0.5),
        *block(384, 10, kernel_size=3, padding=1),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
    )


class Inception(nn.Module):
    """Section 8.4.1, with the 5x5 that was published."""

    def __init__(
        self, channels: int, c1: int, c2: tuple[int, int], c3: tuple[int, int], c4: int
    ) -> None:
        super().__init__()
        self.paths = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(channels, c1, 1), nn.ReLU()),
                nn.Sequential(
                    nn.Conv2d(channels, c2[0], 1),
                    nn.ReLU(),
                    nn.Conv2d(c2[0], c2[1], 3, padding=1),
                    nn.ReLU(),
                ),
                nn.Sequential(
                    nn.Conv2d(channels, c3[0], 1),
                    nn.ReLU(),
                    nn.Conv2d(c3[0], c3[1], 5, padding=2),
                    nn.ReLU(),
                ),
                nn.Sequential(
                    nn.MaxPool2d(3, stride=1, padding=1),
                    nn.Conv2d(channels, c4, 1),
                    nn.ReLU(),
                ),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([path(x) for path in self.paths], dim=1)


def googlenet() -> nn.Module:
    """Section 8.4.2."""

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, stride=2, padding=1)

    return nn.Sequential(
        nn.Conv2d(1, 64, 7, stride=2, padding=3),
        nn.ReLU(),
        pool(),
        nn.Conv2d(64, 64, 1),
        nn.ReLU(),
        nn.Conv2d(64, 192, 3, padding=1),
        nn.ReLU(),
        pool(),
        Inception(192, 64, (96, 128), (16, 32), 32),
        Inception(256, 128, (128, 192), (32, 96), 64),
        pool(),
        Inception(480, 192, (96, 208), (16, 48), 64),
        Inception(512, 160, (112, 224), (24, 64), 64),
        Inception(512, 128, (128, 256), (24, 64), 64),
        Inception(512, 112, (144, 288), (32, 64), 64),
        Inception(528, 256, (160, 320), (32, 128), 128),
        pool(),
        Inception(832, 256, (160, 320), (32, 128), 128),
        Inception(832, 384, (192, 384), (48, 128), 128),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(1024, 10),
    )


class Residual(nn.Module):
    """Section 8.6.2."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, stride=stride),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
        )
        self.conv3 = None
        if channels != width:
            self.conv3 = nn.Conv2d(channels, width, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.body(x)
        if self.conv3 is not None:
            x = self.conv3(x)
        return torch.relu(y + x)


def resnet18() -> nn.Module:
    """Section 8.6.3."""
    return nn.Sequential(
        nn.Conv2d(1, 64, 7, stride=2, padding=3),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        Residual(64, 64, 1),
        Residual(64, 64, 1),
        Residual(64, 128, 2),
        Residual(128, 128, 1),
        Residual(128, 256, 2),
        Residual(256, 256, 1),
        Residual(256, 512, 2),
        Residual(512, 512, 1),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(512, 10),
    )


class DenseBlock(nn.Module):
    """Section 8.7.2: four 3x3 layers, each giving 32 channels more."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels + 32 * i),
                nn.ReLU(),
                nn.Conv2d(channels + 32 * i, 32, 3, padding=1),
            )
            for i in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat((x, layer(x)), dim=1)
        return x


def densenet() -> nn.Module:
    """Section 8.7.4: 64 channels; 192, 224, 240 behind the blocks, halved between."""

    def transition(channels: int) -> list[nn.Module]:
        return [
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels // 2, 1),
            nn.AvgPool2d(2, stride=2),
        ]

    return nn.Sequential(
        nn.Conv2d(1, 64, 7, stride=2, padding=3),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        DenseBlock(64),
        *transition(192),
        DenseBlock(96),
        *transition(224),
        DenseBlock(112),
        *transition(240),
        DenseBlock(120),
        nn.BatchNorm2d(248),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d((1, 1)),
        nn.Flatten(),
        nn.Linear(248, 10),
    )


def vgg11() -> nn.Module:
    return vgg((1, 64), (1, 128), (2, 256), (2, 512), (2, 512))


def vgg11_quarter() -> nn.Module:
    """The one that Section 8.2.3 trains."""
    return vgg((1, 16), (1, 32), (2, 64), (2, 128), (2, 128))


# with the size at which the book trains each on Fashion-MNIST
PEERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "lenet": (lenet, 28),
    "lenet_bn": (lenet_bn, 28),
    "alexnet": (alexnet, 224),
    "vgg11": (vgg11, 224),
    "vgg11_quarter": (vgg11_quarter, 224),
    "nin": (nin, 224),
    "googlenet": (googlenet, 96),
    "resnet18": (resnet18, 96),
    "densenet": (densenet, 96),
}


def test_every_spec_has_a_peer():
    assert set(PEERS) == editions("d2l")


@pytest.mark.parametrize("name", PEERS)
def test_is_the_sequence_of_the_book(name: str):
    make, size = PEERS[name]
    hold(f"d2l/{name}", make, (1, size, size))


@pytest.mark.parametrize(
    ("name", "count"), [("alexnet", 46_764_746), ("nin", 1_992_166), ("lenet", 61_706)]
)
def test_counts_its_parameters(name: str, count: int):
    with torch.device("meta"):
        assert params(generated(f"d2l/{name}")) == params(PEERS[name][0]()) == count


@pytest.mark.parametrize(
    ("name", "maps"),
    [
        ("lenet", [28, 14, 10, 5]),
        ("lenet_bn", [28, 24, 12, 8, 4]),
        ("alexnet", [224, 54, 26, 12, 5]),
        ("nin", [224, 54, 26, 12, 5, 1]),
    ],
)
def test_maps_shrink_as_in_the_book(name: str, maps: list[int]):
    with torch.device("meta"):
        assert sizes(generated(f"d2l/{name}"), (1, maps[0], maps[0])) == maps


def test_alexnet_flattens_6400():
    with torch.device("meta"):
        modules = generated("d2l/alexnet").modules()
    linear = next(m for m in modules if isinstance(m, nn.Linear))
    assert linear.in_features == 6400
