"""Numbers of what a classifier says, and how right it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

BINS = 15
"""Equal intervals of confidence, as in Guo et al. 2017."""


@dataclass(frozen=True, slots=True)
class OfClass:
    """What became of a class."""

    name: str
    images: int
    recall: float | None
    """Which part of its images was recognised; None without any."""
    precision: float | None
    """Which part of what was taken for it is; None if nothing was."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The images of which a network was about as sure."""

    images: int
    confidence: float
    """The mean of their highest probabilities."""
    accuracy: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Of predictions on a data set."""

    images: int
    top1: float
    top5: float | None
    """None with five classes or fewer, where it says nothing."""
    loss: float
    """The mean cross entropy of the predictions, after averaging over crops."""
    calibration_error: float
    """The expected calibration error: how far confidence is from accuracy, over bins
    (Guo et al., "On calibration of modern neural networks", 2017)."""
    calibration: tuple[Bin, ...]
    """Those with images, by confidence."""
    classes: tuple[OfClass, ...]
    confusion: tuple[tuple[int, ...], ...]
    """Images of each class, a row, by what they were taken for."""

    def confused(self, count: int) -> list[tuple[int, str, str]]:
        """The most frequent mistakes: how often, which class, what it was taken for."""
        found = [
            (times, self.classes[i].name, self.classes[j].name)
            for i, row in enumerate(self.confusion)
            for j, times in enumerate(row)
            if i != j and times
        ]
        return sorted(found, key=lambda each: -each[0])[:count]


def metrics(probabilities: Tensor, labels: Tensor, names: Sequence[str]) -> Metrics:
    """The numbers of N x classes probabilities and N labels."""
    count = len(names)
    confidence, taken = probabilities.max(1)
    right = taken.eq(labels)
    ranks = probabilities.topk(min(5, count)).indices
    top5 = ranks.eq(labels.unsqueeze(1)).any(1).float().mean().item()
    own = probabilities.gather(1, labels.unsqueeze(1)).clamp_min(1e-30)
    table = torch.bincount(labels * count + taken, minlength=count**2)
    table = table.view(count, count)
    bins = _bins(confidence, right)
    error = sum(b.images * abs(b.confidence - b.accuracy) for b in bins)
    return Metrics(
        images=len(labels),
        top1=right.float().mean().item(),
        top5=top5 if count > 5 else None,
        loss=-own.log().mean().item(),
        calibration_error=error / len(labels),
        calibration=bins,
        classes=_classes(table, names),
        confusion=tuple(map(tuple, cast("Any", table).tolist())),
    )


def _classes(table: Tensor, names: Sequence[str]) -> tuple[OfClass, ...]:
    right, there, said = table.diagonal(), table.sum(1), table.sum(0)

    def part(count: Tensor, of: Tensor) -> float | None:
        return (count / of).item() if of else None

    return tuple(
        OfClass(
            name,
            int(there[i]),
            part(right[i], there[i]),
            part(right[i], said[i]),
        )
        for i, name in enumerate(names)
    )


def _bins(confidence: Tensor, right: Tensor) -> tuple[Bin, ...]:
    where = (confidence * BINS).ceil().sub(1).clamp(0, BINS - 1).long()
    found: list[Bin] = []
    for number in range(BINS):
        own = where == number
        if own.any():
            sure, correct = confidence[own].double(), right[own].double()
            found.append(Bin(int(own.sum()), sure.mean().item(), correct.mean().item()))
    return tuple(found)
