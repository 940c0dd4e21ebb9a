"""Images as the network reads them, and as people see them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from archc.escaping import visible
from archc.run.evaluate.crops import cuts
from archc.run.look import paint
from archc.run.pictures import opened
from archc.run.train.batches import View, chunked
from archc.run.train.data import Data
from archc.run.train.preprocessing import Preprocessing

_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """An image."""

    name: str
    x: Tensor
    """1 x C x H x W, as the network reads it."""
    pixels: Tensor
    """3 x H x W bytes of what it reads."""


class Pictures:
    """The images of files, and the test images of a data set."""

    def __init__(
        self, steps: Preprocessing, place: torch.device, data: Data | None
    ) -> None:
        self._steps = steps
        self._place = place
        self._data = data
        self._one, self._whole = cuts(steps, 1)

    def of_file(self, path: Path) -> Shown:
        """Raises CannotTrain if the file is no image."""
        pixels = self._one(opened(path, self._steps.mode)).unsqueeze(0)
        x = self._whole(pixels.to(self._place))
        return Shown(visible(path.name), x, self.seen(x[0]))

    def batches(self) -> Iterator[tuple[list[int], Tensor]]:
        """All test images, in batches: their indices, and what the network reads."""
        assert self._data is not None
        for indices in chunked(range(len(self._data.test)), _BATCH, 1):
            yield indices, self.read(indices)

    def read(self, indices: Sequence[int]) -> Tensor:
        """These test images, N x C x H x W."""
        assert self._data is not None
        view = View(self._data.test, self._one, 0)
        pixels, _ = view.__getitems__(list(indices))
        return self._whole(pixels.to(self._place))

    def label(self, index: int) -> str:
        """The class of a test image."""
        assert self._data is not None
        number = int(self._data.test.labels[index])
        names = self._data.names
        return visible(names[number]) if number < len(names) else f"{number}"

    def seen(self, x: Tensor) -> Tensor:
        """What the network reads of an image, as the image that it was."""
        steps = self._steps
        mean, std = (
            None if numbers is None else torch.tensor(numbers, device=x.device)
            for numbers in (steps.mean, steps.std)
        )
        return paint.picture(x, mean, std)
