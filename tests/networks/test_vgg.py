"""VGG as published (Simonyan and Zisserman 2014, arXiv:1409.1556, Table 1)."""

from __future__ import annotations

from functools import partial

import pytest
import torch
import torchvision
from torch import nn

from tests.networks import generated, hold, macs, params

# parameters and multiply-adds
NUMBERS = {
    "vgg11": (132_863_336, 7_609_090_048),
    "vgg13": (133_047_848, 11_308_466_176),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
}
# Table 1: the convolutions of each configuration between two poolings
CONFIGURATIONS = {
    "vgg11": [[64], [128], [256] * 2, [512] * 2, [512] * 2],
    "vgg13": [[64] * 2, [128] * 2, [256] * 2, [512] * 2, [512] * 2],
    "vgg16": [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3],
    "vgg19": [[64] * 2, [128] * 2, [256] * 4, [512] * 4, [512] * 4],
}


@pytest.mark.parametrize("name", NUMBERS)
def test_is_torchvisions(name: str):
    """Whose adaptive pooling passes maps of 7 x 7 as they are."""
    make = partial(torchvision.models.get_model, name, weights=None, init_weights=False)
    hold(name, make, (3, 224, 224))


@pytest.mark.parametrize("name", NUMBERS)
def test_has_the_numbers_of_its_configuration(name: str):
    with torch.device("meta"):
        model = generated(name)
    assert (params(model), macs(lambda: model, (3, 224, 224))) == NUMBERS[name]
    stages: list[list[int]] = [[]]
    for module in model.modules():
        if isinstance(module, nn.MaxPool2d):
            stages.append([])
        elif isinstance(module, nn.Conv2d):
            assert module.kernel_size == (3, 3)
            stages[-1].append(module.out_channels)
    assert stages == [*CONFIGURATIONS[name], []]
