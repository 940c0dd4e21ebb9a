"""Images in files, as Pillow reads them."""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archc.run.train.errors import CannotTrain


def opened(path: str | Path, mode: str) -> Any:
    """A picture of Pillow's, in this mode.

    Raises:
        CannotTrain: if the file is none.
    """
    try:
        with _begun(path) as picture:
            return picture.convert(mode)
    # a damaged file raises nearly anything
    except Exception as error:
        raise CannotTrain(f"cannot read {path}: {_reason(error)}") from error


def fault(path: str) -> str | None:
    """Why a file cannot be read as an image, to its end.

    A JPEG is decoded at an eighth of its size, which reads it whole and takes a third
    of the time.
    """
    try:
        with _begun(path) as picture:
            picture.draft("RGB", (picture.width // 8 or 1, picture.height // 8 or 1))
            picture.load()
    except Exception as error:
        return _reason(error)
    return None


@contextmanager
def _begun(path: str | Path) -> Generator[Any, None, None]:
    """A picture that is not decoded yet.

    What has more than a byte for each number is refused, as Pillow would cut off all
    above 255: of an X-ray in 16 bits nothing but white is left.
    """
    from PIL import Image

    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe may never have an end
        raise ValueError("it is not a regular file")
    with Image.open(path) as picture:
        if picture.mode.startswith(("I", "F")):
            raise ValueError(
                f"it has more than 8 bits for each number (Pillow's mode"
                f" {picture.mode}), which would be cut off: save it with 8"
            )
        yield picture


def _reason(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return "it is no image"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
