"""What training minimises."""

from __future__ import annotations

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
    if isinstance(output, Tensor):
        return cross_entropy(output, labels, smoothing)
    weights: Any = model.loss_weights
    total = cross_entropy(output[0], labels, smoothing)
    for name, head in zip(output._fields[1:], output[1:], strict=True):
        total = total + weights[name] * cross_entropy(head, labels, smoothing)
    return total


def cross_entropy(output: Tensor, labels: Tensor, smoothing: float = 0.0) -> Tensor:
    """Of one output; all places of a map have the label of their image."""
    places = output.shape[2:]
    spread = labels.reshape(-1, *(1 for _ in places)).expand(-1, *places)
    return F.cross_entropy(output, spread, label_smoothing=smoothing)
