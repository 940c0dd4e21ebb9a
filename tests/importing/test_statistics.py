"""Means, variances and norms that are written out."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

from archc.importing.attributes import as_written
from archc.run.importing.session import Result, import_network
from tests.importing.test_functions import Net


def _nodes(result: Result) -> list[dict[str, Any]]:
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs in ("equal", "close")
    return tomllib.loads(result.text)["network"]["layers"][1:]


_MEAN = {"op": "mean", "dim": 1, "keepdim": True}


@pytest.mark.parametrize(
    ("does", "rest"),
    [
        (lambda x: x.var(1, keepdim=True, unbiased=False), []),
        (lambda x: x.var(1, False, True), []),
        (lambda x: x.var(1, keepdim=True), [{"op": "scale", "factor": 8 / 7}]),
        (lambda x: torch.std(x, dim=1, keepdim=True, correction=0), [{"op": "sqrt"}]),
    ],
)
def test_a_variance_is_a_mean_of_squares(
    does: Callable[[Tensor], Tensor], rest: list[dict[str, Any]]
) -> None:
    found = _nodes(import_network(Net(does), "net", {"x": (3, 8, 8)}))
    assert found == [
        {"skip": "sub", **_MEAN},
        {"op": "pow", "exponent": 2},
        _MEAN,
        *rest,
    ]


@pytest.mark.parametrize(
    "does", [lambda x: x - x.std(), lambda x: x - x.var(0), lambda x: x[:, :1].var(1)]
)
def test_what_varies_between_samples_is_refused(
    does: Callable[[Tensor], Tensor],
) -> None:
    (refusal,) = import_network(Net(does), "net", {"x": (3, 8, 8)}).refused
    said = ("the batch among them", "the samples of a batch", "a single number")
    assert any(text in refusal.reason for text in said)


def _as_convnext(x: Tensor, eps: float) -> Tensor:
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps)


def _by_variance(x: Tensor, eps: float) -> Tensor:
    variance = x.var(1, keepdim=True, unbiased=False)
    return (x - x.mean(1, keepdim=True)) * torch.rsqrt(variance + eps)


def _by_power(x: Tensor, eps: float) -> Tensor:
    mean = x.mean(1, keepdim=True)
    return (x - mean) / ((x - mean) ** 2).mean(1, True).add(eps).pow(0.5)


def _beside_the_root(x: Tensor, eps: float) -> Tensor:
    deviation = x.std(1, keepdim=True, unbiased=False)
    return (x - x.mean(1, keepdim=True)) / (deviation + eps)


def _of_another(x: Tensor, eps: float) -> Tensor:
    variance = x.relu().var(1, keepdim=True, unbiased=False)
    return (x - x.mean(1, keepdim=True)) / (variance + eps).sqrt()


def _over_the_map(x: Tensor, eps: float) -> Tensor:
    variance = x.var(2, keepdim=True, unbiased=False)
    return (x - x.mean(2, keepdim=True)) / (variance + eps).sqrt()


class LayerNorm(nn.Module):
    """A norm over the channels of a map, with the channels first."""

    def __init__(self, normalised: Callable[[Tensor, float], Tensor]) -> None:
        super().__init__()
        self.weight, self.bias = (
            nn.Parameter(torch.ones(8)),
            nn.Parameter(torch.zeros(8)),
        )
        self.normalised = normalised

    def forward(self, x: Tensor) -> Tensor:
        x = self.normalised(x, 1e-6)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


@pytest.mark.parametrize("normalised", [_as_convnext, _by_variance, _by_power])
def test_a_layer_norm_over_channels_is_one(
    normalised: Callable[[Tensor, float], Tensor],
) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 1), LayerNorm(normalised), nn.ReLU())
    norm, _ = _nodes(import_network(net, "net", {"x": (3, 8, 8)}))
    assert norm == {"op": "layer_norm2d", "eps": 1e-6}


@pytest.mark.parametrize(
    "normalised", [_beside_the_root, _of_another, _over_the_map, lambda x, eps: x + eps]
)
def test_what_is_nearly_a_layer_norm_has_a_summand_that_is_refused(
    normalised: Callable[[Tensor, float], Tensor],
) -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 1), LayerNorm(normalised))
    (refusal,) = import_network(net, "net", {"x": (3, 8, 8)}).refused
    assert "adds `1.bias`" in refusal.reason


def test_numbers_are_as_they_were_written() -> None:
    rates = [as_written(x.item()) for x in torch.linspace(0, 0.1, 18)]
    assert rates[:2] == [0.0, 0.005882353] and rates[-1] == 0.1
    # what was no float32, and what is none, stays
    for number in (0.1, 1 / 3, 0.5, 3e-320, 1e300, float("inf"), 7, True, None, "same"):
        assert as_written(number) == number


class _Scaled(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.conv, self.factor = nn.Conv2d(3, 3, 1), factor

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) * self.factor


def test_a_factor_that_was_a_float32_is_what_it_was() -> None:
    factor = torch.tensor(1.7015043497085571).item()
    result = import_network(_Scaled(factor), "net", {"x": (3, 8, 8)})
    assert result.proof.outputs == "equal"
    assert f"factor = {factor}" in result.text
