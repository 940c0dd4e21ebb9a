"""Feature maps: what layers give for an image."""

from __future__ import annotations

import torch
from torch import Tensor

from archc.network.graph import Layer, Value
from archc.run.look import paint
from archc.run.look.album import Grid, Tile
from archc.run.look.layered import Layered

_SHOWN = 32


def is_map(layer: Layer) -> bool:
    """Whether it gives channels of two axes."""
    shape = layer.output_shape()
    return len(shape.dims) == 3 and shape.channel_axis == 0


def _features(whole: Layered) -> list[Layer]:
    """The layers that give maps, from the first that weighs what it reads: those before
    it, such as padding, give the image."""
    weighed: set[Value] = set()
    found: list[Layer] = []
    for layer in whole.cone([whole.output]):
        if layer.trained().parameters() or weighed.intersection(layer.inputs):
            weighed.add(layer.output)
            found += [layer] if is_map(layer) else []
    return found


def stages(whole: Layered) -> list[Layer]:
    """The last layer of each stage: of those in a row whose maps have one size."""
    found = {layer.output_shape().sizes[1:]: layer for layer in _features(whole)}
    return [layer for size, layer in found.items() if size != (1, 1)]


def steps(whole: Layered) -> list[Layer]:
    """The layers whose maps are worth a look: a convolution with its normalisation and
    its activation counts once, by the last of them."""
    layers = _features(whole)
    readers: dict[Value, list[Layer]] = {}
    for layer in layers:
        for value in layer.inputs:
            readers.setdefault(value, []).append(layer)
    return [
        layer for layer in layers if not _goes_on(readers.get(layer.output, []))
    ]  # fmt: skip


def _goes_on(readers: list[Layer]) -> bool:
    after = ("normalization", "activation", "dropout")
    return len(readers) == 1 and readers[0].op.category in after


def maps(layer: Layer, whole: Layered, x: Tensor, image: str) -> Grid:
    """The maps of a layer for one image, on one scale."""
    with torch.no_grad():
        made = whole.values(x, [layer.output])[layer.output][0]
    return _grid(layer, made, image)


def all_maps(layers: list[Layer], whole: Layered, x: Tensor, image: str) -> list[Grid]:
    """The same of several layers, in one pass."""
    with torch.no_grad():
        made = whole.values(x, [layer.output for layer in layers])
    return [_grid(layer, made[layer.output][0], image) for layer in layers]


def _grid(layer: Layer, made: Tensor, image: str) -> Grid:
    shown = made[:_SHOWN]
    low, high = shown.min().clamp_max(0), shown.max()
    tiles = tuple(
        Tile(paint.strength(each, low, high), f"{i}") for i, each in enumerate(shown)
    )
    count = len(made)
    which = (
        f"the first {len(shown)} of {count:,}" if len(shown) < count else f"all {count}"
    )
    sizes = " x ".join(map(str, made.shape[1:]))
    note = f"{which} maps of {sizes} for {image}: black is {low:.3g}, white {high:.3g}"
    return Grid(
        "maps", layer.path, f"feature maps of {layer.path}", note, tiles, 16,
        min(max(made.shape[1], 40), 80),
    )  # fmt: skip
