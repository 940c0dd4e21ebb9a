"""Pictures as PNG."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import (  # pyright: ignore[reportMissingTypeStubs]
    functional,
)

_FINER = 2


def image(pixels: Tensor) -> Image.Image:
    """3 x H x W bytes as a picture of Pillow's."""
    known: Any = functional
    return known.to_pil_image(pixels.contiguous())


def png(picture: Image.Image) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def data_url(pixels: Tensor, size: int) -> str:
    """3 x H x W bytes as a picture in a page or an SVG; one that is more than twice as
    fine as it is shown is made smaller."""
    own = image(pixels)
    width, height = shown_size(pixels, size * _FINER)
    if own.width > width:
        own = own.resize((width, height), Image.Resampling.LANCZOS)
    return f"data:image/png;base64,{b64encode(png(own)).decode()}"


def in_blocks(pixels: Tensor, size: int) -> Tensor:
    """Each pixel as a block of several, for a picture whose longer side is shown `size`
    long: many programs smooth what they enlarge, whatever an SVG asks for."""
    times = max(size * _FINER // max(pixels.shape[1:]), 1)
    return pixels.repeat_interleave(times, 1).repeat_interleave(times, 2)


def shown_size(pixels: Tensor, size: int) -> tuple[int, int]:
    """Width and height of a picture whose longer side is shown so long."""
    height, width = pixels.shape[1:]
    longer = max(height, width)
    return max(round(width * size / longer), 1), max(round(height * size / longer), 1)
