"""What works along other axes than that of the channels, and padding by minus
infinity, computes the same."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.run.importing.session import import_network

_Function = Callable[[Tensor], Tensor]


class _Behind(nn.Module):
    """A convolution with something behind it."""

    def __init__(self, function: _Function) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self._function = function

    def forward(self, x: Tensor) -> Tensor:
        return self._function(self.conv(x))


def _halves(x: Tensor) -> Tensor:
    one, other = x.chunk(2, dim=2)
    return one - other


def _uneven(x: Tensor) -> Tensor:
    one, other = torch.tensor_split(x, [2], 3)
    return torch.cat([other, one], -1)


def _unbound(x: Tensor) -> Tensor:
    one, other = x.reshape(-1, 2, 4, 6, 6).unbind(1)
    return one * other


def _indexed(x: Tensor) -> Tensor:
    both = torch.stack([x, x.relu()], 1)
    return both[:, 1] - both[:, 0].sigmoid()


def _pixels(x: Tensor) -> Tensor:
    parts = [x[..., i::2, j::2] for j in (0, 1) for i in (0, 1)]
    return torch.cat(parts, dim=1)


def _normalised(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(1, keepdim=True) + 1e-6)


_EQUAL: list[_Function] = [_halves, _uneven, _unbound, _indexed, _pixels, _normalised,
     lambda x: torch.cat([x, x.relu()], 2),
     lambda x: torch.stack([x, x.relu(), x.sigmoid()], -1),
     lambda x: torch.stack((x, x.relu()), dim=1).sum(1),
     lambda x: x[:, 2, 1:4].unsqueeze(1),
     lambda x: x.select(3, -1),
     lambda x: x.movedim(1, -1).relu(),
     lambda x: x.max(dim=1, keepdim=True)[0],
     lambda x: 2 / (x.relu() + 1),
     lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-inf), 3, 2),
     lambda x: F.max_pool2d(F.pad(x, (1, 0, 1, 0), value=-inf), 3, 2),
     lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=-inf), 2, 1),
     lambda x: F.max_pool2d(F.pad(x, (1, 0, 1, 2), value=-inf), 3, 1),
     lambda x: F.max_pool2d(F.pad(x, (2,) * 4, value=-inf), 3)]  # fmt: skip


@pytest.mark.parametrize("function", _EQUAL)
def test_equal(function: _Function) -> None:
    result = import_network(_Behind(function), "net", {"x": (3, 8, 8)})
    assert not result.refused
    assert result.proof.outputs == "equal", result.proof


_REFUSED: list[tuple[_Function, str]] = [
     (lambda x: F.pad(x, (1, 1, 1, 1), value=-inf).relu(), "minus infinity"),
     (lambda x: F.max_pool2d(F.pad(x, (3,) * 4, value=-inf), 3), "half of its kernel"),
     (lambda x: F.max_pool2d(F.pad(x, (1, 0, 1, 3), value=-inf), 3, 1), "behind"),
     (lambda x: x.max(1)[1].float(), "no op gives"),
     (lambda x: torch.stack([x, x]).amax(0), "to a batch"),
     (lambda x: x[0::2].relu(), "some samples"),
     (lambda x: x[:, ::2], "every so manieth")]  # fmt: skip


@pytest.mark.parametrize(("function", "reason"), _REFUSED)
def test_refused(function: _Function, reason: str) -> None:
    result = import_network(_Behind(function), "net", {"x": (3, 8, 8)})
    assert any(reason in refusal.reason for refusal in result.refused), result


@pytest.mark.parametrize(
    ("shape", "reason"), [((1,) * 5, "has 5 axes"), ((1, 1 << 30), "is the most")]
)
def test_inputs_that_no_spec_has(shape: tuple[int, ...], reason: str) -> None:
    (refusal,) = import_network(nn.ReLU(), "net", {"x": shape}).refused
    assert reason in refusal.reason
    assert refusal.mend


def _nested(depth: int) -> nn.Module:
    module: nn.Module = nn.Conv2d(3, 3, 1)
    for _ in range(depth):
        module = nn.Sequential(module)
    return module


def _called_self() -> nn.Module:
    module = nn.Sequential()
    module.add_module("self", nn.Conv2d(3, 3, 1))
    return module


class _Sum(nn.Module):
    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(3, 3, 1) for _ in range(parts))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return sum((part(x) for part in self.parts), torch.zeros(()))


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (_nested(40), "nested more than 30 deep"),
        (_nested(120), "nested deeper than 100 levels"),
        (_called_self(), "`self` cannot name a layer"),
        (_Sum(400), "more deeply than can be followed"),
    ],
)
def test_networks_that_no_spec_is(module: nn.Module, reason: str) -> None:
    (refusal,) = import_network(module, "net", {"x": (3, 8, 8)}).refused
    assert reason in refusal.reason
    assert refusal.mend


class _Chain(nn.Module):
    def __init__(self, kernels: list[int]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Conv2d(3, 3, k, padding=k // 2) for k in kernels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for part in self.parts:
            x = part(x).relu()
        return x


def test_many_alike_are_one_repetition() -> None:
    """With others before and behind."""
    result = import_network(_Chain([5, *[3] * 70, 1]), "net", {"x": (3, 8, 8)})
    assert result.proof.outputs == "equal"
    assert "repeat = 71" in result.text, result.text
    assert '"5 if i == 0 else 3"' in result.text


def test_a_network_that_does_nothing() -> None:
    result = import_network(nn.Identity(), "net", {"x": (3, 8, 8)})
    assert result.proof.outputs == "equal"


class _Learned(nn.Module):
    """Slopes that are learned: one for each channel, and one for all."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.act1 = nn.PReLU(8)
        self.act2 = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act2(self.act1(self.conv(x)) - 1)


def test_learned_slopes() -> None:
    result = import_network(_Learned(), "net", {"x": (3, 8, 8)})
    assert not result.refused
    assert result.proof.outputs == "equal", result.proof
    assert "num_parameters = " in result.text
