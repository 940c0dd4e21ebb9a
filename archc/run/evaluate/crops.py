"""Images cut for testing: one by one, or as AlexNet was tested."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2  # pyright: ignore[reportMissingTypeStubs]
from torchvision.transforms.v2 import (  # pyright: ignore[reportMissingTypeStubs]
    functional,
)

from archc.run.train.preprocessing import Preprocessing, enlarged

Cut = Callable[[Any], Tensor]


def cuts(steps: Preprocessing, crops: int) -> tuple[Cut, Cut]:
    """How images become what a network reads, in `crops` ways each.

    The first function makes one image, a picture of Pillow's or C x H x W bytes, to
    bytes of a size that a batch can have. The second makes a batch of these, N x C x H
    x W, to (N * crops) x C x H x W: those of an image stand next to each other.

    With 5 crops these are the four corners and the middle of an image a little larger
    than the network's input, with 10 also their mirror images (Krizhevsky et al. 2012,
    Section 4.1).
    """
    if crops == 1:
        return steps.on_images(), steps.on_batches()
    height, width = steps.size
    shorter = steps.shorter_side or enlarged(height, width)
    frame = (
        max(round(height * shorter / max(height, width)), height),
        max(round(width * shorter / max(height, width)), width),
    )
    framing = replace(steps, shorter_side=shorter, center_crop=frame)
    finish = replace(steps, shorter_side=None, center_crop=None).on_batches()

    def several(pixels: Tensor) -> Tensor:
        parts: Any = functional.five_crop(pixels, [height, width])
        if crops == 10:
            parts = (*parts, *map(functional.horizontal_flip, parts))
        return finish(torch.stack(list(parts), 1).flatten(0, 1))

    return v2.Compose([framing.on_images()]), several
