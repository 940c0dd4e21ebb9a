"""What of an image speaks for its class, or for a unit, as pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from archc.escaping import visible
from archc.run.look import attribution, paint
from archc.run.look.album import Grid, Tile
from archc.run.look.attribution import Scored
from archc.run.look.layered import Layered
from archc.run.look.pictures import Shown
from archc.run.look.units import Unit

_SIZE = 140
_BRIGHT = 0.995
"""The part of the pixels that is not white where gradients are shown."""


class Reasons:
    """For the most probable class of an image, and for units."""

    def __init__(
        self, whole: Layered, units: Sequence[Unit], names: Sequence[str]
    ) -> None:
        """`names` are those of the classes; none where there are no classes."""
        self._whole = whole
        self._units = units
        self._names = names

    def _targets(self, image: Shown) -> list[tuple[Unit | int, str]]:
        found: list[tuple[Unit | int, str]] = [(u, u.name) for u in self._units]
        if self._names:
            number = self._class(image)
            found.insert(0, (number, visible(self._names[number])))
        return found

    def _class(self, image: Shown) -> int:
        with torch.no_grad():
            return int(self._whole(image.x)[0].argmax())

    def _grid(
        self,
        method: str,
        title: str,
        note: str,
        image: Shown,
        made: Callable[[Scored], Tensor],
    ) -> Grid:
        tiles = [Tile(image.pixels, image.name)]
        for target, name in self._targets(image):
            tiles.append(Tile(made(Scored(self._whole, target)), name))
        return Grid(method, "", title, note, tuple(tiles), 6, _SIZE)

    def occlusion(self, image: Shown) -> Grid:
        """Where hiding a part of the image lowers the score."""
        side = attribution.square(tuple(image.x.shape[1:]))
        return self._grid(
            "occlusion",
            f"occlusion of {image.name}",
            f"a square of {side} x {side} in the image's mean colour hides a part: red"
            " where the score falls, blue where it rises",
            image,
            lambda score: paint.heat(
                image.pixels, attribution.occlusion(score, image.x).cpu()
            ),
        )

    def gradient(self, image: Shown) -> Grid:
        """Which pixels the score depends on."""

        def made(score: Scored) -> Tensor:
            found = attribution.gradient(score, image.x).cpu()
            high = found.flatten().quantile(_BRIGHT)
            return paint.strength(found, found.new_zeros(()), high)

        return self._grid(
            "gradient",
            f"gradient for {image.name}",
            "the absolute gradient of the score, the largest of the channels",
            image,
            made,
        )

    def gradcam(self, image: Shown) -> Grid | None:
        """Where the last maps speak for the class; None if there are none."""
        layer = attribution.camera(self._whole)
        if layer is None:
            return None
        number = self._class(image)
        found = attribution.gradcam(self._whole, layer, number, image.x).cpu()
        tiles = (
            Tile(image.pixels, image.name),
            Tile(paint.heat(image.pixels, found), visible(self._names[number])),
        )
        return Grid(
            "gradcam",
            layer.path,
            f"Grad-CAM for {image.name}",
            f"where the maps of {layer.path} speak for the class",
            tiles,
            6,
            _SIZE,
        )
