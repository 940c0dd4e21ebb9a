"""The data sets: images as bytes, their classes, and how to get what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor
from torchvision import datasets  # pyright: ignore[reportMissingTypeStubs]
from torchvision.transforms.v2 import (  # pyright: ignore[reportMissingTypeStubs]
    functional,
)

from archc.run.pictures import opened
from archc.run.train import idx
from archc.run.train.errors import CannotTrain
from archc.run.train.folder import classes

_DEFAULT = Path("data")
_DEBIAN = Path("/usr/share/datasets/fashion-mnist")
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
_CIFAR10_NAMES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
_CIFAR10 = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class Images(Protocol):
    """Images of a data set with their classes."""

    @property
    def labels(self) -> Tensor: ...

    @property
    def stored(self) -> Tensor | None:
        """All of them, N x C x H x W bytes; None if they are read one by one."""
        ...

    def __len__(self) -> int: ...

    def image(self, index: int) -> Any:
        """One: C x H x W bytes, or a picture of Pillow's."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """Images of one size, in memory."""

    stored: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def image(self, index: int) -> Tensor:
        return self.stored[index]


@dataclass(frozen=True, slots=True)
class Files:
    """Images of any size, in files that are read when they are needed."""

    paths: tuple[str, ...]
    labels: Tensor

    stored = None

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, index: int) -> Any:
        return opened(self.paths[index], "RGB")


@dataclass(frozen=True, slots=True)
class Data:
    """What is learnt and what it is tested on."""

    train: Images
    test: Images
    classes: int
    channels: int
    normalisation: tuple[Sequence[float], Sequence[float]] | None = None
    """Mean and deviation of each channel, to be taken out; None to leave 0 to 1."""
    names: tuple[str, ...] = ()
    """Of the classes, in the order of the network's outputs."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which data set, and where it is looked for."""

    name: str
    """Of a data set, or `folder:` and a path."""
    directory: Path | None
    download: bool


def load(wanted: Wanted, shape: tuple[int, ...], outputs: int) -> Data:
    """The data set; `shape` and `outputs` are the network's, for what is made for it.

    Raises:
        CannotTrain: if it is not there or cannot be read.
    """
    if wanted.name == "fake":
        return _fake(shape, outputs)
    if wanted.name.startswith("folder:"):
        return _folder(Path(wanted.name.removeprefix("folder:")))
    return _LOADERS[wanted.name](wanted)


def _split(count: int) -> tuple[list[int], list[int]]:
    """A fifth to test on, always the same."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    indices: list[int] = cast(Any, order).tolist()
    test = count // 5
    return sorted(indices[test:]), sorted(indices[:test])


def _fashion_mnist(wanted: Wanted) -> Data:
    return _idx(wanted, "FashionMNIST", "Fashion-MNIST", _CLOTHES, (_DEBIAN,))


def _mnist(wanted: Wanted) -> Data:
    return _idx(wanted, "MNIST", "MNIST", _numbers(10), ())


def _numbers(count: int) -> tuple[str, ...]:
    """Names of classes that have none."""
    return tuple(map(str, range(count)))


def _idx(
    wanted: Wanted,
    kind: str,
    title: str,
    names: tuple[str, ...],
    installed: tuple[Path, ...],
) -> Data:
    root = wanted.directory or _DEFAULT
    if wanted.download:
        _download(kind, root)
    places = [root, root / kind / "raw"]
    if wanted.directory is None:
        places += installed
    for place in places:
        train, test = idx.find(place, train=True), idx.find(place, train=False)
        if train and test:
            halves = [_read(*files, len(names)) for files in (train, test)]
            return Data(
                halves[0], halves[1], classes=len(names), channels=1, names=names
            )
    package = "`apt-get install dataset-fashion-mnist` installs it on Debian, "
    raise CannotTrain(
        f"{title} is not in {root}: --download fetches it,"
        f" {package if installed else ''}and --data-dir names a directory that holds"
        " its four idx files, packed or not"
    )


def _read(images: Path, labels: Path, count: int) -> Stored:
    """Images with their labels, which are below `count`."""
    pixels, kinds = idx.read(images, rank=3), idx.read(labels, rank=1)
    if len(pixels) != len(kinds):
        raise CannotTrain(
            f"{images} holds {len(pixels):,} images and {labels} {len(kinds):,}"
            " labels: they do not belong together"
        )
    highest = int(kinds.max())
    if highest >= count:
        raise CannotTrain(
            f"{labels} holds the label {highest}, and there are the classes 0 to"
            f" {count - 1}"
        )
    return Stored(pixels.unsqueeze(1), kinds.long())


def _download(kind: str, root: Path) -> None:
    """Fetches a data set with torchvision, unless it is there."""
    try:
        getattr(datasets, kind)(root, download=True)
    # a server, a file system and an archive each fail in their own ways
    except Exception as error:
        raise CannotTrain(f"the download failed: {error}") from error


def _cifar10(wanted: Wanted) -> Data:
    root = wanted.directory or _DEFAULT
    if wanted.download:
        _download("CIFAR10", root)

    def half(train: bool) -> Stored:
        found: Any = datasets.CIFAR10(root, train=train)
        pixels = torch.as_tensor(found.data).permute(0, 3, 1, 2).contiguous()
        return Stored(pixels, torch.tensor(found.targets))

    try:
        halves = half(True), half(False)
    except (OSError, RuntimeError) as error:
        raise CannotTrain(
            f"CIFAR-10 is not in {root}: --download fetches it, and --data-dir names"
            " a directory that holds cifar-10-batches-py/"
        ) from error
    return Data(halves[0], halves[1], 10, 3, _CIFAR10, _CIFAR10_NAMES)


def _digits(wanted: Wanted) -> Data:
    try:
        from sklearn.datasets import load_digits  # pyright: ignore
    # one that does not fit NumPy fails in a way of its own
    except Exception as error:
        raise CannotTrain(
            "the digits are scikit-learn's: pip install 'archc-compiler[train]'"
        ) from error
    found: Any = cast(Any, load_digits)()
    # they have 17 shades
    pixels = torch.as_tensor(found.images).mul(255 / 16).round().to(torch.uint8)
    labels = torch.as_tensor(found.target).long()
    train, test = _split(len(labels))
    pixels = pixels.unsqueeze(1)
    halves = [Stored(pixels[half], labels[half]) for half in (train, test)]
    return Data(halves[0], halves[1], classes=10, channels=1, names=_numbers(10))


def _fake(shape: tuple[int, ...], outputs: int) -> Data:
    def made(count: int, offset: int) -> Stored:
        size: Any = shape
        found: Any = datasets.FakeData(count, size, outputs, random_offset=offset)
        pairs = [found[i] for i in range(count)]
        pixels = torch.stack([functional.pil_to_tensor(image) for image, _ in pairs])
        return Stored(pixels, torch.tensor([int(label) for _, label in pairs]))

    train, test = 1024, 256
    names = _numbers(outputs)
    return Data(made(train, 0), made(test, train), outputs, shape[0], names=names)


def _folder(root: Path) -> Data:
    """train/ and val/ with a directory for each class, or only such directories."""
    if not os.path.isdir(root / "train"):
        found = classes(root)
        images = _files(found)
        halves = [
            Files(tuple(images.paths[i] for i in half), images.labels[half])
            for half in _split(len(images))
        ]
    else:
        found, others = classes(root / "train"), classes(root / "val")
        if [*found] != [*others]:
            odd = sorted(found.keys() ^ others.keys())
            raise CannotTrain(
                f"{root}: train and val have different classes: {', '.join(odd[:5])}"
            )
        halves = [_files(found), _files(others)]
    return Data(halves[0], halves[1], len(found), 3, IMAGENET, tuple(found))


def _files(found: dict[str, list[str]]) -> Files:
    """The images of each class, one class after the other."""
    paths = [path for images in found.values() for path in images]
    labels = [i for i, images in enumerate(found.values()) for _ in images]
    return Files(tuple(paths), torch.tensor(labels))


_LOADERS: dict[str, Callable[[Wanted], Data]] = {
    "fashion-mnist": _fashion_mnist,
    "mnist": _mnist,
    "cifar10": _cifar10,
    "digits": _digits,
}
