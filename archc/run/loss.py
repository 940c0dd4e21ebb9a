"""What training minimises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn


def loss(
    output: Any, labels: Tensor, model: nn.Module, smoothing: float = 0.0
) -> Tensor:
    """The cross entropy of the output, and of the heads with the module's weights.

    `output` is what the generated module gives in training: N x classes, which may have
    further axes, or a named tuple of such: the network's own outputs, then its heads.
    """
    each = [cross_entropy(part, labels, smoothing) for part in parts(output)]
    return weighted(each, output, model)


def check_scores(output: Tensor, classes: int) -> None:
    """That an output has a score for each class; with fewer a GPU would find a label
    out of range, and answer no more.

    Raises:
        ValueError: if it has not.
    """
    if output.shape[1] < classes:
        raise ValueError(f"{output.shape[1]} scores are too few for {classes} classes")


def parts(output: Any) -> tuple[Tensor, ...]:
    """The network's own outputs, and those of its heads where it gives them."""
    if isinstance(output, Tensor):
        return (output,)
    return tuple(part for part in output if part is not None)


def weighted(
    losses: Sequence[Tensor], output: Any, model: nn.Module, own: int = 1
) -> Tensor:
    """The losses of the parts of an output, of which so many are the network's `own`,
    and the others those of heads, with their weights."""
    total, *others = losses[:own]
    for loss in others:
        total = total + loss
    if len(losses) == own:
        return total
    weights: Any = model.loss_weights
    for name, head in zip(output._fields[own:], losses[own:], strict=True):
        total = total + weights[name] * head
    return total


def cross_entropy(output: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Of one output; all places of a map have the label of their image, which is a
    number, or a probability for each class."""
    places = output.shape[2:]
    spread = labels.reshape(*labels.shape, *(1 for _ in places))
    spread = spread.expand(*labels.shape, *places)
    return F.cross_entropy(output, spread, label_smoothing=smoothing)
