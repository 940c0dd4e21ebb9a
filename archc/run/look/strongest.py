"""The images of a data set that units answer to most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from archc.network.graph import Layer
from archc.run.look.layered import Layered
from archc.run.look.units import Unit, by_channel, channels

COUNT = 9
"""How many are kept for each unit, as in Zeiler & Fergus 2013, Fig. 2."""


@dataclass(slots=True)
class Strongest:
    """Of each channel of a layer, the strongest first."""

    values: Tensor
    """Channels x COUNT: the largest activation in each image; minus infinity where
    there are fewer images."""
    images: Tensor
    """Their indices."""

    def channels(self, count: int) -> list[int]:
        """Those that answer most to anything."""
        found: Any = self.values[:, 0].topk(min(count, len(self.values))).indices
        return found.tolist()

    def of(self, unit: Unit) -> list[int]:
        """The indices of the images that a unit answers to at all."""
        there = self.values[unit.channel] > 0
        found: Any = self.images[unit.channel][there]
        return found.tolist()


def search(
    whole: Layered,
    layers: Sequence[Layer],
    batches: Iterable[tuple[Sequence[int], Tensor]],
) -> dict[Layer, Strongest]:
    """The strongest images of each channel of these layers.

    A batch is the indices of its images and what the network reads of them.
    """
    found = {
        layer: Strongest(
            torch.full((channels(layer), COUNT), float("-inf")),
            torch.zeros(channels(layer), COUNT, dtype=torch.long),
        )
        for layer in layers
    }
    wanted = [layer.output for layer in layers]
    for indices, x in batches:
        with torch.no_grad():
            made = whole.values(x, wanted)
        own = torch.tensor(list(indices))
        for layer, best in found.items():
            most = by_channel(layer, made[layer.output]).amax(2).t().cpu()
            values = torch.cat([best.values, most], 1)
            images = torch.cat([best.images, own.expand(len(most), -1)], 1)
            best.values, where = values.topk(COUNT, 1)
            best.images = images.gather(1, where)
    return found
