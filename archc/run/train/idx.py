"""Files in the idx format, which MNIST and Fashion-MNIST have."""

from __future__ import annotations

import gzip
import os
import zlib
from math import prod
from pathlib import Path

import torch
from torch import Tensor

from archc.run.train.errors import CannotTrain

_NAMES = {
    True: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    False: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def find(directory: Path, *, train: bool) -> tuple[Path, Path] | None:
    """The files of images and of labels, packed or not; None if one is missing."""
    images, labels = (_one(directory, name) for name in _NAMES[train])
    return (images, labels) if images and labels else None


def _one(directory: Path, name: str) -> Path | None:
    paths = (directory / name, directory / f"{name}.gz")
    return next((path for path in paths if os.path.isfile(path)), None)


def read(path: Path, *, rank: int) -> Tensor:
    """The bytes of a file, in its shape, which has `rank` axes.

    Raises:
        CannotTrain: if it cannot be read, is no such file, or is empty.
    """
    try:
        packed = path.read_bytes()
        content = gzip.decompress(packed) if path.suffix == ".gz" else packed
    except (OSError, EOFError, zlib.error) as error:
        raise CannotTrain(f"cannot read {path}: {error}") from error
    # two zero bytes, the type (8: bytes), the number of dimensions, each as 4 bytes
    start = 4 + 4 * rank
    if content[:4] != bytes([0, 0, 8, rank]):
        raise _damaged(path, f"it does not begin as an idx file of {rank} axes does")
    dims = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    size, found = start + prod(dims), len(content)
    if found < start or found != size:
        raise _damaged(path, f"it is {found:,} bytes long and says {size:,}")
    if 0 in dims:
        shape = " x ".join(map(str, dims))
        raise CannotTrain(f"{path} is empty: it says that it holds {shape}")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start).view(
        dims
    )


def _damaged(path: Path, reason: str) -> CannotTrain:
    return CannotTrain(f"{path} is damaged: {reason}")
