"""Numbers as colours."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

_WARM = torch.tensor([215.0, 48.0, 39.0])
_COLD = torch.tensor([69.0, 117.0, 180.0])
_TINY = 1e-12


def signed(values: Tensor, scale: Tensor | None = None) -> Tensor:
    """C x H x W around zero, which is grey: dark is below, bright above.

    Three channels are the colours; any other number must be one. `scale` is what is
    black or white, by default the largest of the values.
    """
    most = values.abs().max() if scale is None else scale
    return _bytes(127.5 + 127.5 * values / most.clamp_min(_TINY))


def strength(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """H x W from black at `low` to white at `high`."""
    return _bytes(255 * ((values - low) / (high - low).clamp_min(_TINY))[None])


def picture(x: Tensor, mean: Tensor | None, std: Tensor | None) -> Tensor:
    """C x H x W as the network reads it, as the image that it was."""
    if mean is not None and std is not None:
        x = x * std.view(-1, 1, 1) + mean.view(-1, 1, 1)
    return _bytes(255 * x)


def heat(image: Tensor, values: Tensor) -> Tensor:
    """H x W over a grey image: red above zero, blue below, the largest strongest."""
    share = values / values.abs().max().clamp_min(_TINY)
    grey = image.float().mean(0, keepdim=True).expand(3, -1, -1) * 0.7 + 60
    color = torch.where(share > 0, _WARM.view(3, 1, 1), _COLD.view(3, 1, 1))
    alpha = share.abs() * 0.8
    return _bytes(grey * (1 - alpha) + color * alpha)


def _bytes(values: Tensor) -> Tensor:
    made: Any = values.detach().cpu().float().clamp(0, 255).round().to(torch.uint8)
    return cast("Tensor", made.expand(3, -1, -1))
