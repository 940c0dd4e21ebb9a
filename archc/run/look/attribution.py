"""What of an image an output depends on, by captum's methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from archc.network.graph import Layer
from archc.run.look.captum import methods
from archc.run.look.layered import Layered
from archc.run.look.units import Unit, by_channel

Score = Callable[[Tensor], Tensor]
"""From N x C x H x W to a number for each image."""
_WINDOWS = 6
"""How many of the hiding squares stand beside each other."""
_AT_ONCE = 32


class Scored(nn.Module):
    """The score of a unit, its largest activation; or of a class, by its number."""

    def __init__(self, whole: Layered, target: Unit | int) -> None:
        super().__init__()
        self.whole = whole
        self._target = target

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self._target, int):
            return self.whole(x)[:, self._target]
        layer = self._target.layer
        value = self.whole.values(x, [layer.output])[layer.output]
        return by_channel(layer, value)[:, self._target.channel].amax(1)


def square(shape: tuple[int, ...]) -> int:
    """The side of the square that hides a part of an image of C x H x W."""
    return max(round(min(shape[1:]) / _WINDOWS), 1)


def occlusion(score: Score, x: Tensor) -> Tensor:
    """How far a score falls where a square of the image's mean colour hides the image.

    Of 1 x C x H x W it gives H x W, the mean over the squares that cover a pixel
    (Zeiler & Fergus 2013, Section 4.2).
    """
    side = square(tuple(x.shape[1:]))
    step = max(side // 2, 1)
    channels = x.shape[1]
    mean = x.mean((2, 3), keepdim=True).expand_as(x)
    with torch.no_grad():
        found: Tensor = (
            methods()
            .Occlusion(score)
            .attribute(
                x,
                sliding_window_shapes=(channels, side, side),
                strides=(channels, step, step),
                baselines=mean,
                perturbations_per_eval=_AT_ONCE,
            )
        )
    # captum gives each channel the whole difference
    return found[0].mean(0)


def gradient(score: Score, x: Tensor) -> Tensor:
    """The absolute gradient of a score, the largest over the channels: H x W (Simonyan
    et al., "Deep inside convolutional networks", 2013, Section 3.1)."""
    with torch.enable_grad():
        found: Tensor = methods().Saliency(score).attribute(x.clone().requires_grad_())
    return found[0].detach().amax(0)


def gradcam(whole: Layered, layer: Layer, target: int, x: Tensor) -> Tensor:
    """Where the maps of a layer speak for a class: H x W, from 0 on (Selvaraju et al.,
    "Grad-CAM", 2017)."""
    with torch.enable_grad():
        found: Tensor = (
            methods()
            .LayerGradCam(whole, whole.part(layer))
            .attribute(
                x.clone().requires_grad_(), target=target, relu_attributions=True
            )
        )
    size = list(x.shape[2:])
    wide: Any = nn.functional.interpolate(found.detach(), size, mode="bilinear")
    return wide[0, 0]


def camera(whole: Layered) -> Layer | None:
    """The layer for Grad-CAM: the last whose maps are as large as those of the last
    convolution that gives maps; None if there is none."""
    maps = [layer for layer in whole.cone([whole.output]) if _is_map(layer)]
    convolved = [layer for layer in maps if layer.op.category == "convolution"]
    if not convolved:
        return None
    size = convolved[-1].output_shape().sizes[1:]
    after = maps[maps.index(convolved[-1]) :]
    return [each for each in after if each.output_shape().sizes[1:] == size][-1]


def _is_map(layer: Layer) -> bool:
    shape = layer.output_shape()
    return len(shape.dims) == 3 and shape.channel_axis == 0 and shape.sizes[1] > 1
