"""Residual networks as their papers have them: strides in the first 1x1, option A.

He et al. 2015, arXiv:1512.03385; Xie et al. 2016, arXiv:1611.05431. torchvision has the
stride of a bottleneck in the 3x3 and projects where option A pads with zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from tests.networks import generated, hold, macs, pair, params, sizes


def moved(name: str) -> nn.Module:
    """torchvision's network with the strides in the first 1x1 of each bottleneck."""
    model = torchvision.models.get_model(name, weights=None)
    for module in model.modules():
        if isinstance(module, Bottleneck):
            strides = module.conv1.stride, module.conv2.stride
            module.conv2.stride, module.conv1.stride = strides
    return model


class OptionA(nn.Module):
    """Two 3x3 convolutions, and zeros for the channels that the input lacks."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.stride, self.missing = stride, width - channels
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        x = x[:, :, :: self.stride, :: self.stride]
        n, _, height, width = x.shape
        zeros = x.new_zeros(n, self.missing, height, width)
        return torch.relu(y + torch.cat([x, zeros], dim=1))


def stages(depths: list[int], first: int) -> list[nn.Module]:
    """Stages that double the channels and halve the maps."""
    layers: list[nn.Module] = []
    channels = first
    for stage, depth in enumerate(depths):
        width = first * 2**stage
        for i in range(depth):
            layers.append(OptionA(channels, width, 2 if stage and not i else 1))
            channels = width
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def imagenet(depths: list[int]) -> nn.Module:
    """Table 1, with the identity shortcuts of Fig. 3 and Table 2."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        *stages(depths, 64),
        nn.Linear(512, 1000),
    )


def cifar(n: int) -> nn.Module:
    """Section 4.2: 6n + 2 layers on maps of 32, 16 and 8 with 16, 32, 64 filters."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        *stages([n, n, n], 16),
        nn.Linear(64, 10),
    )


PEERS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet18": (partial(imagenet, [2, 2, 2, 2]), 224),
    "resnet34": (partial(imagenet, [3, 4, 6, 3]), 224),
    "resnet50": (partial(moved, "resnet50"), 224),
    "resnet101": (partial(moved, "resnet101"), 224),
    "resnet152": (partial(moved, "resnet152"), 224),
    "resnext50_32x4d": (torchvision.models.resnext50_32x4d, 224),
    **{f"cifar/resnet{6 * n + 2}": (partial(cifar, n), 32) for n in (3, 5, 7, 9, 18)},
}


@pytest.mark.parametrize("edition", PEERS)
def test_is_the_network_of_the_paper(edition: str):
    make, size = PEERS[edition]
    hold(edition, make, (3, size, size), training_shape=(3, 64, 64))


@pytest.mark.parametrize(
    ("edition", "count"),
    [
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("resnext50_32x4d", 25_028_904),
        ("cifar/resnet20", 269_722),
        ("cifar/resnet32", 464_154),
        ("cifar/resnet44", 658_586),
        ("cifar/resnet56", 853_018),
        ("cifar/resnet110", 1_727_962),
    ],
)
def test_counts_its_parameters(edition: str, count: int):
    with torch.device("meta"):
        assert params(generated(edition)) == params(PEERS[edition][0]()) == count


@pytest.mark.parametrize(
    ("layers", "millions"),
    [(20, "0.27"), (32, "0.46"), (44, "0.66"), (56, "0.85"), (110, "1.7")],
)
def test_table_6_prints_the_parameters(layers: int, millions: str):
    with torch.device("meta"):
        count = params(generated(f"cifar/resnet{layers}"))
    decimals = len(millions) - 2
    assert f"{count / 1e6:.{decimals}f}" == millions


@pytest.mark.parametrize(
    ("edition", "count", "printed"),
    [
        ("resnet50", 3_857_973_248, 3.8),
        ("resnet101", 7_570_194_432, 7.6),
        ("resnet152", 11_282_415_616, 11.3),
    ],
)
def test_counts_the_multiply_adds_of_table_1(edition: str, count: int, printed: float):
    make, size = PEERS[edition]
    mine = macs(lambda: generated(edition), (3, size, size))
    assert mine == macs(make, (3, size, size)) == count
    # the paper cuts 3.86 off to 3.8 and rounds the others
    assert abs(count / 1e9 - printed) < 0.1


def test_stride_in_the_first_1x1_saves_multiply_adds():
    """What torchvision's edition has and the paper's has not."""
    theirs = macs(torchvision.models.resnet50, (3, 224, 224))
    assert theirs - macs(partial(moved, "resnet50"), (3, 224, 224)) == 231_211_008


@pytest.mark.parametrize("edition", ["resnet18", "resnet34", "cifar/resnet20"])
def test_shortcuts_of_option_a_have_no_parameters(edition: str):
    with torch.device("meta"):
        model = generated(edition)
    kernels = [m.kernel_size for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert set(kernels[1:]) == {(3, 3)}  # no 1x1 projects


def test_zeros_are_appended_behind_the_channels():
    """With a body that gives nothing, a block shows its shortcut."""
    model, _ = pair("cifar/resnet20", partial(cifar, 3))
    block = model.eval().get_submodule("stage2.0")
    for norm in (m for m in block.modules() if isinstance(m, nn.BatchNorm2d)):
        nn.init.zeros_(norm.weight)
        nn.init.zeros_(norm.bias)
        nn.init.zeros_(norm.running_mean)
    x = torch.rand(2, 16, 32, 32)
    y = block(x)
    assert torch.equal(y[:, :16], x[:, :, ::2, ::2])
    assert not y[:, 16:].any()


@pytest.mark.parametrize(
    ("edition", "maps"),
    [
        ("resnet18", [224, 112, 56, 28, 14, 7]),
        ("cifar/resnet20", [32, 16, 8]),
    ],
)
def test_maps_are_halved(edition: str, maps: list[int]):
    with torch.device("meta"):
        seen = sizes(generated(edition), (3, maps[0], maps[0]))
    # a shortcut reads the map in front of a stage once more
    assert sorted(set(seen), reverse=True) == maps
