"""What only training shows: nothing is imported that learns otherwise."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torchvision")

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from torchvision.ops import StochasticDepth  # pyright: ignore[reportMissingTypeStubs]

from archc.run.importing import training
from archc.run.importing.drawn import Fixed
from archc.run.importing.session import Result, import_network


def _imported(module: nn.Module) -> Result:
    return import_network(module, "net", {"x": (3, 8, 8)})


class Dropping(nn.Module):
    """A convolution, and something behind a dropout."""

    def __init__(self, after: Callable[[Tensor, bool], Tensor], p: float = 0.2) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.drop = nn.Dropout(p) if p else nn.Identity()
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.drop(self.conv(x)), self.training)


class Backwards(torch.autograd.Function):
    """Its gradient has another sign."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return -grad


def _noisy(x: Tensor, training: bool) -> Tensor:
    return x + torch.randn_like(x) if training else x


def _often_left_out(x: Tensor, training: bool) -> Tensor:
    return x if training and torch.rand(1).item() < 0.5 else x + x.relu()


def _left_out_by_python(x: Tensor, training: bool) -> Tensor:
    # it draws, and does the same either way
    return x + x.relu() if training and random.random() < 2 else x.relu() + x


def _clamped(x: Tensor, training: bool) -> Tensor:
    return x if training else x.clamp(-1, 1)


def _half_cut(x: Tensor, training: bool) -> Tensor:
    return x + x.detach().relu()


def _turned(x: Tensor, training: bool) -> Tensor:
    out: Any = Backwards.apply(x)
    return out


def _never_dropped(x: Tensor, training: bool) -> Tensor:
    return F.dropout(x, 0.3, training=False)


def _dropped_by_hand(x: Tensor, training: bool) -> Tensor:
    return F.dropout(x, 0.3) if training else x


@pytest.mark.parametrize("p", [0.0, 0.2])
@pytest.mark.parametrize(
    "after",
    [_noisy, _often_left_out, _left_out_by_python, _clamped, _half_cut, _turned,
     _never_dropped, _dropped_by_hand],
)  # fmt: skip
def test_what_learns_otherwise_is_refused_beside_dropout_too(
    after: Callable[[Tensor, bool], Tensor], p: float
) -> None:
    result = _imported(Dropping(after, p))
    assert not result.passed
    (refusal,) = result.refused
    assert "training" in refusal.reason or "gradient" in refusal.reason
    assert refusal.mend


class Still(nn.Module):
    """Its norm never learns."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.2)

    def train(self, mode: bool = True) -> Still:
        super().train(mode)
        self.norm.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.norm(self.conv(x)))


class Shorter(Dropping):
    """In training it calls less."""

    def __init__(self) -> None:
        super().__init__(_half_cut)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.training else self.drop(x)


@pytest.mark.parametrize("too_large", [False, True])
@pytest.mark.parametrize(
    "make",
    [Still, Shorter, lambda: Dropping(_half_cut), lambda: Dropping(_never_dropped),
     lambda: Dropping(_often_left_out), lambda: Dropping(_clamped, 0)],
)  # fmt: skip
def test_where_no_step_is_taken_the_calls_are_compared(
    make: Callable[[], nn.Module], too_large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if too_large:
        monkeypatch.setattr(training, "_MOST_BYTES", 0)
    result = _imported(make())
    assert result.proof.training == ("not run" if too_large else "differ")
    assert not result.passed
    (refusal,) = result.refused
    assert refusal.line


def _dropped(x: Tensor, training: bool) -> Tensor:
    x = F.dropout2d(x, 0.3, training)
    return F.dropout(x, 0.4, training, inplace=True)


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_what_drops_is_compared_in_training(mode: str) -> None:
    net = nn.Sequential(
        Dropping(_dropped), nn.Dropout2d(0.1), StochasticDepth(0.3, mode), nn.ReLU(),
        nn.Dropout(0), nn.Dropout2d(0)
    )  # fmt: skip
    result = _imported(net)
    assert result.proof.training == "equal"
    (node,) = (
        n for n in tomllib.loads(result.text)["network"]["layers"]
        if n.get("op") == "stochastic_depth"
    )  # fmt: skip
    assert node.get("mode", "row") == mode


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (nn.Dropout(0.2), nn.Dropout(0.3)),
        (nn.Dropout(0.2), nn.Dropout2d(0.2)),
        (nn.Dropout(0.2), nn.Identity()),
        (StochasticDepth(0.2, "row"), StochasticDepth(0.3, "row")),
        (StochasticDepth(0.2, "row"), StochasticDepth(0.2, "batch")),
    ],
)
def test_what_stands_for_random_numbers_tells_what_drops(
    one: nn.Module, other: nn.Module
) -> None:
    x = torch.randn(2, 3, 4, 4)
    with Fixed():
        assert torch.equal(one(x), one(x))
        assert not torch.allclose(one(x), other(x))
        assert torch.equal(nn.Dropout(0)(x), x)
        assert torch.equal(one.eval()(x), x)


def test_a_hook_on_a_gradient_is_refused() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    assert _imported(net).passed
    hooked: Any = net[0]
    hooked.weight.register_hook(torch.zeros_like)
    (refusal,) = _imported(net).refused
    assert (refusal.module, "weight" in refusal.reason) == ("0", True)


def _resized(x: Tensor, training: bool) -> Tensor:
    return x + F.interpolate(F.max_pool2d(x, 2), size=x.shape[2:])


def test_sizes_of_maps_are_the_same_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_MOST_BYTES", 0)
    result = _imported(Dropping(_resized))
    assert "size_of" in result.text
    assert result.passed


class Checkpoint(nn.Module):
    """A norm whose output is computed again on the way back."""

    def __init__(self, after: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm2d(8)
        self.after = after

    def forward(self, x: Tensor) -> Tensor:
        again: Any = checkpoint
        x = again(self.norm, self.conv(x), use_reentrant=False)
        return self.after(x) if self.training else x


def test_checkpoints_update_statistics_twice() -> None:
    result = _imported(Checkpoint(lambda x: x))
    assert result.passed
    assert result.proof.training == "statistics"
    # and nothing else may differ then
    assert _imported(Checkpoint(Backwards.apply)).proof.training == "differ"


class Functional(nn.Module):
    """A norm that counts no batches."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: Tensor) -> Tensor:
        norm = self.norm
        return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight,
                            norm.bias, self.training)  # fmt: skip


def test_counts_of_batches_change_nothing() -> None:
    result = _imported(Functional())
    assert result.passed
    assert result.proof.training == "equal"


class Deep(nn.Module):
    """In training it gives what it computes on the way too, as FlowNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        x = self.first(x)
        y = self.second(x)
        return (y, x) if self.training else y


@pytest.mark.parametrize("too_large", [False, True])
def test_what_gives_other_values_in_training_is_refused(
    too_large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if too_large:
        monkeypatch.setattr(training, "_MOST_BYTES", 0)
    (refusal,) = _imported(Deep()).refused
    assert refusal.reason == "in training it gives other values than in evaluation"
    assert refusal.mend


def test_frozen_weights_are_told() -> None:
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 8, 3))
    net[0].requires_grad_(False)
    result = _imported(net)
    assert result.passed, (result.refused, result.proof)
    said = "frozen in the network, and trained in its spec: 0.weight, 0.bias"
    assert result.remarks == [said]
    # as they were
    assert [p.requires_grad for p in net.parameters()] == [False] * 2 + [True] * 2


def test_training_is_compared_where_outputs_are_only_close_too() -> None:
    def averaged(x: Tensor, training: bool) -> Tensor:
        return F.avg_pool2d(x, x.shape[2:]) * x

    right = _imported(Dropping(averaged, 0))
    assert (right.proof.outputs, right.proof.training) == ("close", "close")
    assert right.passed
    wrong = _imported(Dropping(lambda x, t: _turned(averaged(x, t), t), 0))
    assert (wrong.proof.outputs, wrong.proof.training) == ("close", "differ")
    assert not wrong.passed
