"""What stands in place of random numbers, so that two modules can be compared."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_DROPOUTS = {f"dropout{axes}": 2 if axes else None for axes in ("", "1d", "2d", "3d")}
"""Functions that drop numbers, with how many axes tell what is dropped together."""


class Fixed(TorchFunctionMode):
    """While it is on, what would be drawn is a row of numbers that depends on how
    likely it is, on its size, and on nothing else."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in _DROPOUTS:
            return _dropped(_DROPOUTS[name], *args, **kwargs)
        if name == "bernoulli_":
            return _drawn(*args, **kwargs)
        return func(*args, **kwargs)


def _dropped(
    axes: int | None,
    input: Tensor,
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> Tensor:
    if not training:
        return input
    shape = [*input.shape[:axes], *(1 for _ in input.shape[axes:] if axes)]
    kept = 1 - _row(shape) * p
    return input.mul_(kept) if inplace else input * kept


def _drawn(tensor: Tensor, p: float = 0.5, generator: Any = None) -> Tensor:
    # it tells how likely it is also where it is divided by that
    return tensor.copy_(1 - _row(tensor.shape) * (1 - p))


def _row(shape: Sequence[int]) -> Tensor:
    return torch.linspace(0.5, 1, int(torch.Size(shape).numel())).reshape(shape)


def generators() -> tuple[Any, ...]:
    """What random numbers come next; the same where none were drawn since."""
    own: Any = torch.get_rng_state()
    numpy: Any = sys.modules.get("numpy")
    drawn = () if numpy is None else (numpy.random.get_state()[1].tobytes(),)
    return (own.tolist(), random.getstate(), *drawn)
