"""Parts of a training that have an answer of their own."""

from __future__ import annotations

import math
from typing import Any, ClassVar, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from archc.run.loss import loss
from archc.run.train.curve import ticks
from archc.run.train.schedule import rate
from archc.run.train.settings import Settings


def settings(**changes: Any) -> Settings:
    common: dict[str, Any] = {
        "epochs": 10,
        "batch": 4,
        "lr": 0.5,
        "optimizer": "sgd",
        "momentum": 0.0,
        "weight_decay": 0.0,
        "schedule": "constant",
        "milestones": (),
        "warmup": 0.0,
        "label_smoothing": 0.0,
        "augment": (),
        "precision": "fp32",
        "device": "cpu",
        "seed": 0,
        "compile": False,
        "channels_last": False,
        "network": "plain",
        "code": "",
        "input": (1, 8, 8),
        "data": "digits",
        "train_images": 1438,
        "test_images": 359,
        "processes": 1,
    }
    return Settings(**common | changes)


def test_rates() -> None:
    assert rate(settings(), 99, 10) == 0.5
    cosine = settings(schedule="cosine")
    assert rate(cosine, 0, 10) == 0.5
    assert rate(cosine, 50, 10) == pytest.approx(0.25)
    assert rate(cosine, 99, 10) == pytest.approx(0.25 * (1 + math.cos(math.pi * 0.99)))
    step = settings(schedule="step", milestones=(5.0, 7.5))
    rates = [rate(step, i, 10) for i in (49, 50, 74, 75)]
    assert rates == pytest.approx([0.5, 0.05, 0.05, 0.005])
    warm = settings(warmup=2.0)
    assert [rate(warm, i, 10) for i in (0, 9, 19, 20)] == [0.025, 0.25, 0.5, 0.5]


class Outputs(NamedTuple):
    logits: Tensor
    near: Tensor
    far: Tensor


class Headed(nn.Module):
    loss_weights: ClassVar[dict[str, float]] = {"near": 0.3, "far": 0.1}


@pytest.mark.parametrize("smooth", [0.0, 0.2])
def test_heads_count_with_their_weights(smooth: float) -> None:
    labels = torch.tensor([1, 0, 2])
    outputs = Outputs(*torch.randn(3, 3, 4))

    def entropy(x: Tensor) -> Tensor:
        return F.cross_entropy(x, labels, label_smoothing=smooth)

    one, near, far = map(entropy, outputs)
    found = loss(outputs, labels, Headed(), smooth)
    torch.testing.assert_close(found, one + 0.3 * near + 0.1 * far)
    assert torch.equal(loss(outputs.logits, labels, nn.Module(), smooth), one)


@pytest.mark.parametrize(
    ("low", "high"), [(0.1, 0.93), (2.3, 2.3), (0, 0), (1, 2), (-4, 3000)]
)
def test_ticks_enclose(low: float, high: float) -> None:
    marks = ticks(low, high)
    assert marks[0] <= low and high <= marks[-1] and 2 <= len(marks) <= 9
    assert marks == sorted(set(marks))


def test_ticks_of_epochs_are_whole() -> None:
    assert ticks(1, 2, whole=True) == [1, 2]
    assert all(mark == int(mark) for mark in ticks(1, 7, whole=True))
