"""What units answer to: images, and what of them is led back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from archc.network.graph import Layer
from archc.run.look import paint
from archc.run.look.album import Grid, Tile
from archc.run.look.layered import Layered
from archc.run.look.maps import is_map
from archc.run.look.pictures import Pictures, Shown
from archc.run.look.projection import form_for, project
from archc.run.look.strongest import COUNT, Strongest, search
from archc.run.look.units import Unit, by_channel, channels
from archc.run.subject import Subject

_OF_DATA, _OF_IMAGE = 4, 9
"""Units of a layer that are taken where none are named."""
_MOST = 64
"""Those of a layer that is named without a channel."""
_SIZE = 84


def stages(whole: Layered) -> list[Layer]:
    """The last layer of each size of maps that weighs what it reads, or merges, before
    its activation."""
    weighs = ("convolution", "normalization", "merge")
    found: dict[tuple[int, ...], Layer] = {}
    for layer in whole.cone([whole.output]):
        op = layer.op
        if is_map(layer) and op.category in weighs and op.projected != "passed":
            found[layer.output_shape().sizes[1:]] = layer
    return list(found.values())


class Answers:
    """Of the units that were chosen, or of some of each stage."""

    def __init__(
        self,
        subject: Subject,
        whole: Layered,
        pictures: Pictures,
        chosen: Sequence[tuple[Layer, int | None]],
    ) -> None:
        self._subject = subject
        self._whole = whole
        self._pictures = pictures
        self._chosen = list(chosen) or [(layer, None) for layer in stages(whole)]
        self._named = bool(chosen)

    def _count(self, layer: Layer, usual: int) -> int:
        return min(channels(layer), _MOST if self._named else usual)

    def of_data(self, images: bool, led_back: bool) -> list[Grid]:
        """The strongest images of each unit, and their projections."""
        layers = list(dict.fromkeys(layer for layer, _ in self._chosen))
        best = search(self._whole, layers, self._pictures.batches())
        grids: list[Grid] = []
        for layer, channel in self._chosen:
            numbers = [channel] if channel is not None else None
            for number in numbers or best[layer].channels(self._count(layer, _OF_DATA)):
                unit = Unit(layer, number)
                grids.append(self._grid(unit, best[layer], images, led_back))
        return grids

    def _grid(self, unit: Unit, best: Strongest, images: bool, led_back: bool) -> Grid:
        method = "strongest" if images else "deconv"
        title = f"what {unit.name} answers to"
        indices = best.of(unit)
        if not indices:
            note = "it is above zero for no image of the data set"
            return Grid(method, unit.layer.path, title, note, (), COUNT, _SIZE)
        x = self._pictures.read(indices)
        seen = [self._pictures.seen(image) for image in x]
        notes = [
            "the images with its largest activations, which stand below, and classes"
        ]
        tiles: list[Tile] = []
        led = None
        if led_back:
            _, led = project(self._whole, unit, x)
            side, notes = self._side(unit.layer), notes if images else []
            boxes = [_box(each, side) for each in led]
            cut = any(box != _all(led[0]) for box in boxes)
            seen = [
                p[:, t:b, le:r] for p, (t, b, le, r) in zip(seen, boxes, strict=True)
            ]
            led = [p[:, t:b, le:r] for p, (t, b, le, r) in zip(led, boxes, strict=True)]
            notes.append(f"projections by {form_for(self._whole, unit)}: zero is grey")
            if cut:
                notes.append(f"cut to the {side} x {side} pixels that it sees")
        values: Any = best.values[unit.channel]
        labels = [
            f"{float(value):.3g}, {self._pictures.label(index)}"
            for value, index in zip(values, indices, strict=False)
        ]
        if images:
            tiles += map(Tile, seen, labels)
        if led is not None:
            own = [""] * len(led) if images else labels
            tiles += [
                Tile(paint.signed(p), name) for p, name in zip(led, own, strict=True)
            ]
        return Grid(
            method, unit.layer.path, title, "; ".join(notes), tuple(tiles),
            len(indices), _SIZE,
        )  # fmt: skip

    def of_image(self, image: Shown) -> list[Grid]:
        """The projections of units in one image: those that answer most to it."""
        layers = list(dict.fromkeys(layer for layer, _ in self._chosen))
        with torch.no_grad():
            made = self._whole.values(image.x, [layer.output for layer in layers])
        grids: list[Grid] = []
        for layer in layers:
            most = by_channel(layer, made[layer.output]).amax(2)[0]
            best: Any = most.topk(self._count(layer, _OF_IMAGE)).indices
            own = [n for each, n in self._chosen if each is layer and n is not None]
            units = [Unit(layer, n) for n in own or best.tolist()]
            tiles = [Tile(image.pixels, image.name)]
            for unit in units:
                value, led = project(self._whole, unit, image.x)
                label = f"{unit.channel}: {value.item():.3g}"
                tiles.append(Tile(paint.signed(led[0]), label))
            note = (
                f"channels and their activations, led back by"
                f" {form_for(self._whole, units[0])}: zero is grey"
            )
            title = f"what units of {layer.path} see in {image.name}"
            grids.append(
                Grid("deconv", layer.path, title, note, tuple(tiles), 10, _SIZE)
            )
        return grids

    def _side(self, layer: Layer) -> int | None:
        """How far a unit of a layer sees."""
        found = self._subject.facts.layers[layer].receptive_field
        return found if isinstance(found, int) else None


Box = tuple[int, int, int, int]
"""Top, bottom, left and right."""


def _all(led: Tensor) -> Box:
    return 0, led.shape[1], 0, led.shape[2]


def _box(led: Tensor, side: int | None) -> Box:
    """The square of a side around what a projection reaches, within the image."""
    reached = led.abs().amax(0) > 0
    if side is None or not reached.any():
        return _all(led)
    top, bottom = _around(reached.any(1), side)
    left, right = _around(reached.any(0), side)
    return top, bottom, left, right


def _around(reached: Tensor, side: int) -> tuple[int, int]:
    places: Any = reached.nonzero()
    size = len(reached)
    if side >= size:
        return 0, size
    middle = (int(places[0]) + int(places[-1]) + 1) // 2
    start = min(max(middle - side // 2, 0), size - side)
    return start, start + side
