"""What a trained network takes single images for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archc.run.evaluate.crops import cuts
from archc.run.evaluate.session import averaged
from archc.run.pictures import opened
from archc.run.subject import Subject
from archc.run.train import checks
from archc.run.train.data import IMAGENET
from archc.run.train.preprocessing import Preprocessing, enlarged
from archc.run.train.world import place_of


@dataclass(frozen=True, slots=True)
class Guess:
    """A class that an image may be of."""

    name: str
    number: int
    """Of the network's output, from 0."""
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What an image is taken for, the most probable first."""

    image: str
    top: tuple[Guess, ...]


def predict(
    subject: Subject,
    images: Sequence[Path],
    *,
    top: int = 5,
    crops: int = 1,
    device: str = "cpu",
) -> list[Prediction]:
    """The classes of images, with their probabilities.

    Raises:
        CannotTrain: if the network is no classifier, or a file is no image.
        BrokenModule: if the generated module does not run.
    """
    outputs = checks.outputs(subject, "predict")
    steps = steps_for(subject)
    place = place_of(device)
    names = names_of(subject, outputs)
    model = subject.module(place).eval()
    one, whole = cuts(steps, crops)
    found: list[Prediction] = []
    for path in images:
        pixels = one(opened(path, steps.mode)).unsqueeze(0)
        chances = averaged(subject, model, whole(pixels.to(place)), crops)[0]
        best: Any = chances.topk(min(top, outputs))
        numbers: list[int] = best.indices.tolist()
        guesses = tuple(
            Guess(names[number], number, probability)
            for number, probability in zip(numbers, best.values.tolist(), strict=True)
        )
        found.append(Prediction(str(path), guesses))
    return found


def names_of(subject: Subject, outputs: int) -> tuple[str, ...]:
    """Of the classes, or their numbers where nobody wrote them down."""
    known = subject.weights.weights.classes if subject.weights else ()
    return known if len(known) == outputs else tuple(map(str, range(outputs)))


def steps_for(subject: Subject) -> Preprocessing:
    """How pictures are prepared: as the weights say, or as is usual."""
    known = subject.weights.weights.preprocessing if subject.weights else None
    if known is not None:
        return Preprocessing.of(known, subject.input_shape)
    channels, height, width = subject.input_shape
    mean, std = IMAGENET if channels == 3 else (None, None)
    return Preprocessing(
        mode="RGB" if channels == 3 else "L",
        shorter_side=enlarged(height, width),
        center_crop=(height, width),
        grey=False,
        size=(height, width),
        mean=mean,
        std=std,
        channels=channels,
    )


def assumed(subject: Subject) -> str | None:
    """What is said where the weights do not say how to prepare images."""
    if subject.weights and subject.weights.weights.preprocessing is not None:
        return None
    normalised = (
        "normalised as ImageNet" if subject.input_shape[0] == 3 else "from 0 to 1"
    )
    return (
        "the weights do not say how images are prepared: resized, the middle cut out,"
        f" {normalised}"
    )
