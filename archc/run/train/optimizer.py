"""The optimizer, and which parameters it moves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from archc.escaping import visible
from archc.run.train.errors import CannotTrain
from archc.run.train.settings import Settings


def optimizer(
    parameters: Iterable[Tensor], settings: Settings
) -> torch.optim.Optimizer:
    """Of the parameters that are not frozen.

    Without decay for biases, those with one axis, which are biases and what normalises,
    are a group of their own (He et al., "Bag of tricks", 2018, Section 3.1).
    """
    moved = [p for p in parameters if p.requires_grad]
    groups: list[Any] = moved
    if settings.no_bias_decay:
        flat = [p for p in moved if p.dim() <= 1]
        groups = [
            {"params": [p for p in moved if p.dim() > 1]},
            {"params": flat, "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
    lr, decay = settings.lr, settings.weight_decay
    if settings.optimizer == "adam":
        return torch.optim.Adam(groups, lr, weight_decay=decay)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr, weight_decay=decay)
    return torch.optim.SGD(
        groups, lr, settings.momentum, weight_decay=decay, nesterov=settings.nesterov
    )


def freeze(model: nn.Module, patterns: Iterable[str]) -> list[nn.Module]:
    """Keeps parameters as they are, by their names or the names of what holds them,
    with `*` for anything; returns the modules that stay in evaluation for it, so that
    their statistics stay too.

    Raises:
        CannotTrain: if a pattern fits nothing, or all is frozen.
    """
    named = dict(model.named_parameters())
    for pattern in patterns:
        fitting = [name for name in named if _fits(name, pattern)]
        if not fitting:
            known = [*dict.fromkeys(part for name in named for part in _parts(name))]
            near = get_close_matches(pattern, known[:2000], 1, 0.5)
            help = f"; the nearest is {visible(near[0])}" if near else ""
            raise CannotTrain(f"--freeze {visible(pattern)} fits no parameter{help}")
        for name in fitting:
            named[name].requires_grad_(False)
    if not any(p.requires_grad for p in named.values()):
        raise CannotTrain("--freeze leaves nothing to train")
    return [part for part in model.modules() if _is_still(part)]


def _is_still(part: nn.Module) -> bool:
    own = list(part.parameters())
    return bool(own) and not any(p.requires_grad for p in own)


def _fits(name: str, pattern: str) -> bool:
    return any(fnmatchcase(part, pattern) for part in _parts(name))


def _parts(name: str) -> Iterator[str]:
    """`a`, `a.b` and `a.b.weight`."""
    pieces = name.split(".")
    for i in range(1, len(pieces) + 1):
        yield ".".join(pieces[:i])
