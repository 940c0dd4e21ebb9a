"""Ways to call torch's functions that are ops under another name."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.run.importing.session import Result, import_network

_Function = Callable[[Tensor], Tensor]


class Net(nn.Module):
    """A convolution, and what is computed of it."""

    def __init__(self, does: _Function) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)
        self.does = does

    def forward(self, x: Tensor) -> Tensor:
        return self.does(self.conv(x))


def _imported(does: _Function) -> Result:
    result = import_network(Net(does), "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    return result


def _nodes(result: Result) -> list[dict[str, Any]]:
    return tomllib.loads(result.text)["network"]["layers"][1:]


_HARD: list[tuple[_Function, str]] = [
    (lambda x: F.relu6(x + 3) / 6, "hardsigmoid"),
    (lambda x: (x + 3).clamp(0, 6).div(6.0), "hardsigmoid"),
    (lambda x: x * F.relu6(x + 3.0) / 6.0, "hardswish"),
    (lambda x: (x + 3).clamp(0, 6) * x / 6, "hardswish"),
]
_NEARLY: list[_Function] = [
    lambda x: F.relu6(x + 2) / 6,
    lambda x: F.relu6(x + 3) / 5,
    lambda x: x * F.relu6(x.exp() + 3) / 6,
    lambda x: x.exp() * F.relu6(x + 3) / 6,
]
_JOINED: list[_Function] = [
    lambda x: torch.stack([x, x]).flatten(0, 1),
    lambda x: torch.cat([x, x]),
]


@pytest.mark.parametrize(("does", "op"), _HARD)
def test_hard_activations_are_written_out(does: _Function, op: str) -> None:
    result = _imported(does)
    assert _nodes(result) == [{"op": op}]
    assert result.proof.outputs == "equal"


@pytest.mark.parametrize("does", _NEARLY)
def test_what_is_nearly_one_is_none(does: _Function) -> None:
    assert "hard" not in _imported(does).text


def test_a_division_is_a_product_with_a_fraction() -> None:
    result = _imported(lambda x: x / 7)
    assert _nodes(result) == [{"op": "scale", "factor": "1 / 7"}]
    # a quotient is rounded otherwise than a product
    assert result.proof.outputs in ("equal", "close")
    assert _nodes(_imported(lambda x: x / 5)) == [{"op": "scale", "factor": 0.2}]


def test_values_that_are_stacked_before_the_batch_are_summed() -> None:
    result = _imported(lambda x: torch.stack([x, x.relu(), x.exp()]).sum(0))
    assert "scale" not in result.text
    assert result.proof.outputs == "equal"
    result = _imported(lambda x: torch.stack((x, x.relu()), dim=0).mean(dim=0))
    assert _nodes(result)[-1] == {"op": "scale", "factor": 0.5}
    assert result.proof.outputs == "equal"


@pytest.mark.parametrize("does", _JOINED)
def test_samples_are_not_joined(does: _Function) -> None:
    (refusal,) = import_network(Net(does), "net", {"x": (3, 8, 8)}).refused
    assert "joins samples" in refusal.reason


def test_any_axis_may_be_that_of_the_channels() -> None:
    class Across(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.across = nn.Conv2d(8, 8, 3, padding=1)
            self.conv = nn.Conv2d(3, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.across(x.transpose(1, 3)).transpose(1, 3))

    result = import_network(Across(), "net", {"x": (3, 8, 8)})
    assert result.passed, (result.refused, result.proof)
    assert result.proof.outputs == "equal"
    assert result.text.count("channel_dim = 1") == 2
