"""How training images are changed at random: as it is asked for, and as transforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

SETS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    # Krizhevsky et al. 2012, Section 4.1; it moves colours along their principal
    # components
    "alexnet": ("crop", "flip", "color=0.1"),
    # He et al. 2015, Section 4.2
    "cifar": ("crop", "flip"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A change; `usual` is how far it goes, None for one that has no number."""

    usual: float | None
    low: float
    high: float


KINDS: Mapping[str, Kind] = {
    "crop": Kind(None, 0, 0),
    "flip": Kind(None, 0, 0),
    "rotate": Kind(15, 0, 180),
    "translate": Kind(0.1, 0, 1),
    "contrast": Kind(0.2, 0, 10),
    "color": Kind(0.2, 0, 10),
    "equalize": Kind(0.5, 0, 1),
    "erase": Kind(0.5, 0, 1),
    "mixup": Kind(0.2, 0, 100),
}


def parsed(text: str) -> tuple[str, ...]:
    """What `--augment` says, as settings hold it: a name, or `name=number`, in one
    order.

    Raises:
        ValueError: with what is wrong.
    """
    found: dict[str, float | None] = {}
    for part in (part.strip() for part in text.split(",")):
        named = SETS.get(part)
        for one in (part,) if named is None else named:
            name, equals, number = (x.strip() for x in one.partition("="))
            if not one and not equals:
                continue
            kind = KINDS.get(name)
            if kind is None:
                known = ", ".join([*KINDS, *SETS])
                raise ValueError(f"{name!r} is none of {known}")
            found[name] = _number(name, kind, number if equals else None)
    return tuple(
        name if found[name] is None else f"{name}={found[name]:g}"
        for name in KINDS
        if name in found
    )


def _number(name: str, kind: Kind, text: str | None) -> float | None:
    if kind.usual is None:
        if text is not None:
            raise ValueError(f"{name} takes no number")
        return None
    try:
        value = kind.usual if text is None else float(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no number, as in {name}={kind.usual:g}"
        ) from None
    if not kind.low < value <= kind.high:
        raise ValueError(f"{name} is a number above {kind.low:g}, up to {kind.high:g}")
    return value


def amounts(augment: tuple[str, ...]) -> dict[str, float]:
    """The numbers by name, of what was parsed; 1 where there is none."""
    pairs = (each.partition("=") for each in augment)
    return {name: float(number) if number else 1.0 for name, _, number in pairs}


def transforms(augment: tuple[str, ...]) -> list[Any]:
    """Those that change single images of bytes and keep their size."""
    from torchvision.transforms import (  # pyright: ignore[reportMissingTypeStubs]
        v2,
    )

    found = amounts(augment)
    steps: list[Any] = []
    if "flip" in found:
        steps.append(v2.RandomHorizontalFlip())
    if "rotate" in found or "translate" in found:
        shift = found.get("translate", 0.0)
        angle: Any = found.get("rotate", 0.0)
        steps.append(v2.RandomAffine(angle, (shift, shift) if shift else None))
    if "contrast" in found:
        steps.append(v2.ColorJitter(contrast=found["contrast"]))
    if "color" in found:
        change = found["color"]
        steps.append(v2.ColorJitter(change, change, change))
    if "equalize" in found:
        steps.append(v2.RandomEqualize(found["equalize"]))
    if "erase" in found:
        steps.append(v2.RandomErasing(found["erase"]))
    return steps


def mixing(augment: tuple[str, ...], classes: int) -> Callable[..., Any] | None:
    """What mixes the images of a batch with each other, and their labels, N numbers,
    which become N x classes (Zhang et al., "mixup", 2017)."""
    from torchvision.transforms import (  # pyright: ignore[reportMissingTypeStubs]
        v2,
    )

    alpha = amounts(augment).get("mixup")
    return None if alpha is None else v2.MixUp(alpha=alpha, num_classes=classes)
