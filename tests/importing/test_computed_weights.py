"""Weights that are computed in every pass are refused, and the mend ends that."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

from archc.importing.trace import Refusal, told_once
from archc.run.importing.session import import_network

old: Any = nn.utils


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return (weight + weight.transpose(2, 3)) / 2


def _symmetric(conv: nn.Conv2d) -> nn.Module:
    parametrize.register_parametrization(conv, "weight", Symmetric())
    return conv


def _pruned(conv: nn.Conv2d) -> nn.Module:
    method: Any = prune.l1_unstructured
    return method(conv, "bias", 0.3)


_WAYS: list[tuple[Callable[[nn.Conv2d], nn.Module], str]] = [
    (old.weight_norm, "weight_norm"),
    (old.spectral_norm, "spectral_norm"),
    (parametrizations.weight_norm, "WeightNorm"),
    (parametrizations.spectral_norm, "SpectralNorm"),
    (_symmetric, "Symmetric"),
    (_pruned, "its `bias` is computed in every pass, by `pruning`"),
]


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(("way", "reason"), _WAYS)
def test_the_mend_leaves_the_same_network(
    way: Callable[[nn.Conv2d], nn.Module], reason: str
) -> None:
    convs = [way(nn.Conv2d(3, 3, 3, padding=1)) for _ in range(5)]
    net = nn.Sequential(*convs).eval()
    x = torch.randn(2, 3, 8, 8)
    before = net(x)
    refused = import_network(net, "net", {"x": (3, 8, 8)}).refused
    assert [refusal.module for refusal in refused] == ["0", "1", "2", "3", "4"]
    for refusal in refused:
        assert reason in refusal.reason
        assert not refusal.file
        (code,) = re.findall("`(.*?)`", refusal.mend)
        eval(code, {"torch": torch, "module": net.get_submodule(refusal.module)})
    assert torch.equal(net(x), before)
    assert import_network(net, "net", {"x": (3, 8, 8)}).passed


def test_a_reason_is_told_once() -> None:
    refused = [Refusal(f"layer{n}", "no op does it", "net.py", 7) for n in range(60)]
    other = Refusal("", "it mixes samples", "net.py", 9)
    assert told_once([*refused, other]) == [
        "layer0, layer1, layer2 and 57 more: no op does it, 60 times (net.py:7)",
        "the network: it mixes samples (net.py:9)",
    ]
