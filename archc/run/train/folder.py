"""Images in directories, one for each class."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from archc.run.pictures import fault
from archc.run.train.errors import CannotTrain

_SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"),
)
"""Those that torchvision's ImageFolder reads; other files are left alone."""


def classes(directory: Path) -> dict[str, list[str]]:
    """The images of each class, in the order of ImageFolder; each can be decoded.

    A class is a directory with all that lies below it. Hidden directories are none.

    Raises:
        CannotTrain: if there are fewer than two classes, one has no images, or a file
            is no image.
    """
    try:
        names = sorted(
            entry.name
            for entry in os.scandir(directory)
            if entry.is_dir() and not entry.name.startswith(".")
        )
        found = {name: _images(directory / name) for name in names}
    except OSError as error:
        reason = error.strerror or error
        raise CannotTrain(f"{_wanted(directory)} ({reason})") from error
    if len(names) < 2:
        there = f"only {names[0]}/" if names else "no directory"
        raise CannotTrain(f"{_wanted(directory)}, two or more: there is {there}")
    empty = [name for name, images in found.items() if not images]
    if empty:
        raise CannotTrain(
            f"{directory}: {empty[0]}/ has no images{_more(empty)}; images end in"
            f" {', '.join(_SUFFIXES)}"
        )
    _check([path for images in found.values() for path in images])
    return found


def _wanted(directory: Path) -> str:
    return f"{directory} must be a directory with a directory of images for each class"


def _more(names: list[str]) -> str:
    more = len(names) - 1
    return f", nor {'has' if more == 1 else 'have'} {more} more" if more else ""


def _images(directory: Path) -> list[str]:
    """Below a directory; a link back to where one has been is not followed."""
    found: list[str] = []
    walked: list[tuple[str, list[str]]] = []
    seen: set[tuple[int, int]] = set()
    for root, below, files in os.walk(directory, followlinks=True, onerror=_raise):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in seen:
            below.clear()
            continue
        below.sort()
        seen.add((status.st_dev, status.st_ino))
        walked.append((root, sorted(files)))
    for root, files in sorted(walked):
        found += [
            os.path.join(root, file)
            for file in files
            if file.lower().endswith(_SUFFIXES)
        ]
    return found


def _raise(error: OSError) -> None:
    raise error


def _check(paths: list[str]) -> None:
    """That each file is an image, to its end.

    Raises:
        CannotTrain: naming the first that is not.
    """
    with ThreadPoolExecutor() as pool:
        reasons = list(pool.map(fault, paths))
    bad = [(p, why) for p, why in zip(paths, reasons, strict=True) if why is not None]
    if bad:
        path, reason = bad[0]
        more = f"; {len(bad) - 1} more cannot be read either" if len(bad) > 1 else ""
        raise CannotTrain(f"cannot read {path}: {reason}{more}")
