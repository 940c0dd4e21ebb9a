"""The weights that a command or a caller names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from archc.run.weights.published import published
from archc.run.weights.read import Weights, from_state_dict, read

PUBLISHED = "torchvision"
"""Stands for the weights that torchvision publishes."""


def given(
    weights: str | os.PathLike[str] | Mapping[str, Tensor], label: str
) -> Weights:
    """The weights of a file, of torchvision, or of a state dict.

    `label` is the network's key in the catalogue, or else what it is called.

    Raises:
        BadWeights: if there are none.
    """
    if isinstance(weights, Mapping):
        return from_state_dict(weights, "the state dict")
    if weights == PUBLISHED:
        return published(label)
    return read(Path(weights))
