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
    further axes, or a named tuple of such, the network's own first.
    """
    each = [cross_entropy(part, labels, smoothing) for part in parts(output)]
    return weighted(each, output, model)


def parts(output: Any) -> tuple[Tensor, ...]:
    """The network's own output, and those of its heads where it gives them."""
    return (output,) if isinstance(output, Tensor) else tuple(output)


def weighted(losses: Sequence[Tensor], output: Any, model: nn.Module) -> Tensor:
    """The losses of the parts of an output, those of heads with their weights."""
    total, *others = losses
    if not others:
        return total
    weights: Any = model.loss_weights
    for name, head in zip(output._fields[1:], others, strict=True):
        total = total + weights[name] * head
    return total


def cross_entropy(output: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Of one output; all places of a map have the label of their image."""
    places = output.shape[2:]
    spread = labels.reshape(-1, *(1 for _ in places)).expand(-1, *places)
    return F.cross_entropy(output, spread, label_smoothing=smoothing)
