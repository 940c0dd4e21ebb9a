"""What is done to every image, in training and in use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2  # pyright: ignore[reportMissingTypeStubs]
from torchvision.transforms.v2 import (  # pyright: ignore[reportMissingTypeStubs]
    functional,
)

from archc.run.train.data import Data
from archc.run.train.errors import CannotTrain
from archc.source.kinds import is_list
from archc.spec.expressions import is_tuple

_LARGEST = 16
"""How many times as large as the network's input an image may become on the way."""
_MARGIN = 8 / 7
"""How much larger than the network's input an image is before its middle is cut out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """From an image to the network's input, in the order of its fields.

    It is all that a program needs to use the weights; that training images are changed
    at random stands among the settings.
    """

    mode: str
    """What an image is decoded as: `RGB`, or `L` for grey; bytes in any case."""
    shorter_side: int | None
    """What this side is resized to; None to leave the image as it is."""
    center_crop: tuple[int, int] | None
    """Height and width that are cut out of the middle."""
    grey: bool
    """Whether colours are made grey."""
    size: tuple[int, int]
    """Height and width that what is left is resized to."""
    interpolation: str = "bilinear, antialiased"
    scale: float = 1 / 255
    """What bytes are multiplied by."""
    mean: tuple[float, ...] | None
    """Of each channel, taken off; None to leave numbers from 0 to 1."""
    std: tuple[float, ...] | None
    """Of each channel, divided by."""
    channels: int
    """Of the network's input; grey is repeated."""

    def as_dict(self) -> dict[str, Any]:
        """As JSON and checkpoints hold it."""
        found = asdict(self)
        return {k: list(v) if is_tuple(v) else v for k, v in found.items()}

    @classmethod
    def of(cls, table: Mapping[str, Any], shape: tuple[int, ...]) -> Preprocessing:
        """What `as_dict` gave, for a network that reads `shape`.

        Raises:
            CannotTrain: if it is nothing of the kind, or for another input.
        """
        try:
            chosen: dict[str, Any] = {
                name: tuple(value) if is_list(value) else value
                for name, value in table.items()
            }
            made = cls(**chosen)
            size = made.channels, *made.size
            if size == shape:
                made._try()
        # of the right names with odd values, each raises something else
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise CannotTrain(
                f"the weights have odd preprocessing: {reason}"
            ) from error
        if size != shape:
            read, wanted = (" x ".join(map(str, s)) for s in (size, shape))
            raise CannotTrain(
                f"the weights are for images of {read}, and the network reads {wanted}"
            )
        return made

    def _try(self) -> None:
        """Raises an error of some kind if no image can be prepared so."""
        if self.mode not in ("L", "RGB") or self.scale != 1 / 255:
            raise ValueError(f"mode {self.mode}, scale {self.scale}")
        largest = _LARGEST * max(self.size)
        for side in (self.shorter_side or 1, *(self.center_crop or ())):
            if not 1 <= side <= largest:
                raise ValueError(f"a side of {side}")
        image = torch.zeros(1 if self.mode == "L" else 3, *self.size, dtype=torch.uint8)
        found = self.on_batches()(self.on_images()(image)[None])
        if found.shape[1:] != (self.channels, *self.size) or not found.isfinite().all():
            raise ValueError("an image does not become what the network reads")

    def on_images(self) -> Callable[[Any], Tensor]:
        """What is done to a single image, a picture or bytes, before it is in a batch:
        bytes, of one size if images are resized here at all."""
        kind = self._interpolation()
        steps: list[Any] = [_as_bytes]
        if self.shorter_side is not None:
            steps.append(v2.Resize(self.shorter_side, kind))
        if self.center_crop is not None:
            steps.append(v2.CenterCrop(list(self.center_crop)))
        else:
            steps.append(v2.Resize(list(self.size), kind))
        return v2.Compose(steps)

    def _interpolation(self) -> v2.InterpolationMode:
        return v2.InterpolationMode(self.interpolation.partition(",")[0])

    def on_batches(self) -> Callable[[Tensor], Tensor]:
        """What is left to do for a batch of bytes, on any device."""
        steps: list[Any] = [v2.Grayscale()] if self.grey else []
        steps += [
            v2.Resize(list(self.size), self._interpolation()),
            v2.ToDtype(torch.float32, scale=True),
        ]
        if self.mean is not None and self.std is not None:
            steps.append(v2.Normalize(list(self.mean), list(self.std)))
        whole = v2.Compose(steps)
        return lambda pixels: whole(pixels).expand(-1, self.channels, -1, -1)


def middle(height: int, width: int) -> list[Any]:
    """The steps from a picture of any size to one of this."""
    return [v2.Resize(enlarged(height, width)), v2.CenterCrop((height, width))]


def _as_bytes(image: Any) -> Tensor:
    return image if isinstance(image, Tensor) else functional.pil_to_tensor(image)


def enlarged(height: int, width: int) -> int:
    """The shorter side of an image before its middle of this size is cut out."""
    return round(max(height, width) * _MARGIN)


def preprocessing(data: Data, shape: tuple[int, ...]) -> Preprocessing:
    """For the images of a data set and a network that reads `shape`."""
    channels, height, width = shape
    grey = channels < data.channels
    files = data.test.stored is None
    mean, std = data.normalisation or (None, None)
    if grey and mean is not None and std is not None:
        mean, std = (sum(mean) / len(mean),), (sum(std) / len(std),)
    return Preprocessing(
        mode="RGB" if data.channels == 3 else "L",
        shorter_side=enlarged(height, width) if files else None,
        center_crop=(height, width) if files else None,
        grey=grey,
        size=(height, width),
        mean=None if mean is None else tuple(mean),
        std=None if std is None else tuple(std),
        channels=channels,
    )
