"""Network in Network (Lin et al. 2013) and LeNet-5 (LeCun et al. 1998)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.networks import generated, hold, params, sizes


def mlpconv(channels: int, widths: tuple[int, int, int], **window: int) -> nn.Module:
    """Lin et al. 2013, Section 3.1: a convolution and a perceptron behind it."""
    first, second, third = widths
    return nn.Sequential(
        nn.Conv2d(channels, first, **window),
        nn.ReLU(),
        nn.Conv2d(first, second, 1),
        nn.ReLU(),
        nn.Conv2d(second, third, 1),
        nn.ReLU(),
    )


def nin() -> nn.Module:
    """The authors' ImageNet model; Caffe's poolings round up."""
    return nn.Sequential(
        mlpconv(3, (96, 96, 96), kernel_size=11, stride=4),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        mlpconv(96, (256, 256, 256), kernel_size=5, padding=2),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        mlpconv(256, (384, 384, 384), kernel_size=3, padding=1),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Dropout(0.5),
        mlpconv(384, (1024, 1024, 1000), kernel_size=3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def cifar_nin() -> nn.Module:
    """The authors' CIFAR-10 model."""
    return nn.Sequential(
        mlpconv(3, (192, 160, 96), kernel_size=5, padding=2),
        nn.MaxPool2d(3, stride=2, ceil_mode=True),
        nn.Dropout(0.5),
        mlpconv(96, (192, 192, 192), kernel_size=5, padding=2),
        nn.AvgPool2d(3, stride=2, ceil_mode=True),
        nn.Dropout(0.5),
        mlpconv(192, (192, 192, 10), kernel_size=3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def lenet5() -> nn.Module:
    """LeCun et al. 1998, Section II-B, in the form that outlived the paper."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, 10),
    )


PEERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, int, int]]] = {
    "nin": (nin, (3, 224, 224)),
    "cifar/nin": (cifar_nin, (3, 32, 32)),
    "lenet5": (lenet5, (1, 32, 32)),
}


@pytest.mark.parametrize("edition", PEERS)
def test_is_the_sequence_of_its_layers(edition: str):
    hold(edition, *PEERS[edition])


@pytest.mark.parametrize(
    ("edition", "count"),
    [("nin", 7_595_176), ("cifar/nin", 966_986), ("lenet5", 61_706)],
)
def test_counts_its_parameters(edition: str, count: int):
    with torch.device("meta"):
        assert params(generated(edition)) == params(PEERS[edition][0]()) == count


@pytest.mark.parametrize(
    ("edition", "maps"),
    [
        ("lenet5", [32, 28, 14, 10, 5, 1]),
        ("nin", [224, 54, 27, 13, 6]),
        ("cifar/nin", [32, 16, 8]),
    ],
)
def test_maps_shrink_as_published(edition: str, maps: list[int]):
    with torch.device("meta"):
        seen = sizes(generated(edition), PEERS[edition][1])
    assert [s for s in seen if s > 1 or maps[-1] == 1] == maps


def test_lenet5_is_lenet_with_a_convolution_for_the_first_linear_layer():
    """C5 sees all of S4: 120 convolutions 5 x 5 are 120 units on 400 inputs."""
    torch.manual_seed(0)
    model = generated("lenet5").eval()
    c1, c3, c5, f6, output = (
        (m.weight, m.bias)
        for m in model.modules()
        if isinstance(m, nn.Conv2d | nn.Linear)
    )
    x = torch.randn(4, 1, 32, 32)
    with torch.no_grad():
        h = F.avg_pool2d(F.conv2d(x, *c1).tanh(), 2)
        h = F.avg_pool2d(F.conv2d(h, *c3).tanh(), 2)
        h = (h.flatten(1) @ c5[0].flatten(1).T + c5[1]).tanh()
        h = (h @ f6[0].T + f6[1]).tanh()
        # other sums in single precision
        torch.testing.assert_close(model(x), h @ output[0].T + output[1])
