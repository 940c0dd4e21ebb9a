"""LeNet as Caffe's examples train it on digits."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from archc.compare.comparison import compare
from archc.importing.writing.caffe import import_caffe
from tests.compare.support import made, side
from tests.networks import generated, hold, params, sizes


def lenet() -> nn.Module:
    """examples/mnist: one activation, between the linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 20, 5),
        nn.MaxPool2d(2, 2),
        nn.Conv2d(20, 50, 5),
        nn.MaxPool2d(2, 2),
        nn.Flatten(),
        nn.Linear(50 * 4 * 4, 500),
        nn.ReLU(),
        nn.Linear(500, 10),
    )


PEERS: dict[str, Callable[[], nn.Module]] = {"caffe/lenet": lenet}


def test_is_the_sequence_of_its_layers() -> None:
    hold("caffe/lenet", lenet, (1, 28, 28))


def test_counts_its_parameters() -> None:
    with torch.device("meta"):
        assert params(generated("caffe/lenet")) == params(lenet()) == 431_080


def test_maps_shrink_as_caffe_rounds() -> None:
    with torch.device("meta"):
        assert sizes(generated("caffe/lenet"), (1, 28, 28)) == [28, 24, 12, 8, 4]
        # 29 - 4 = 25 pixels are 13 pairs, the last of one pixel
        up = nn.Sequential(*list(generated("caffe/lenet").children())[:2])
        assert sizes(up, (1, 29, 29)) == [29, 25, 13]


def test_weights_start_as_caffe_fills_them() -> None:
    """include/caffe/filler.hpp: uniform up to the root of 3 / fan-in; biases are 0."""
    seen = 0
    for layer in generated("caffe/lenet").modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            bound = (3 / layer.weight[0].numel()) ** 0.5
            highest = float(layer.weight.detach().abs().max())
            assert 0.95 * bound < highest <= bound * (1 + 1e-6)
            assert layer.bias is not None
            assert not layer.bias.any()
            seen += 1
    assert seen == 4


def test_the_prototxt_imports_as_the_spec() -> None:
    text = (Path(__file__).parent / "lenet.prototxt").read_text("utf-8")
    result = import_caffe(text, "lenet.prototxt", [(None, (1, 28, 28))])
    assert result.passed, result.refused
    imported = made(tomllib.loads(result.text))
    assert imported is not None
    found = compare(side("caffe/lenet"), imported)
    assert (found.alike, found.differences) == (8, [])
    assert all(total.a == total.b for total in found.totals)
    assert (found.weights.same, found.weights.a, found.weights.b) == (8, 8, 8)
