"""Whether a network, a data set and the settings fit each other."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from archc.run.subject import Subject
from archc.run.train.data import Data
from archc.run.train.errors import CannotTrain
from archc.run.train.settings import Recipe, Settings
from archc.run.train.world import World


def outputs(subject: Subject) -> int:
    """How many classes the network tells apart.

    Raises:
        CannotTrain: if it is no classifier of images.
    """
    output = subject.network.output.shape
    assert output is not None
    if len(output.dims) != 1:
        shape = " x ".join(map(str, output.dims))
        raise CannotTrain(
            f"{subject.label} gives {shape}: archc train trains classifiers"
        )
    shape = subject.input_shape
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise CannotTrain(f"{subject.label} reads no images of 1 or 3 channels")
    return output.sizes[0]


def settled(
    subject: Subject, recipe: Recipe, name: str, data: Data, world: World
) -> Settings:
    """The settings, once it is known that the data fit the network.

    Raises:
        CannotTrain: if they do not, or the batch cannot be divided.
    """
    wanted = outputs(subject)
    if data.classes != wanted:
        raise CannotTrain(
            f"{name} has {data.classes} classes, and {subject.label} gives"
            f" {wanted} outputs{_mend(subject, data.classes, wanted)}"
        )
    if not len(data.train) or not len(data.test):
        raise CannotTrain(f"{name} has no images to train on, or none to test on")
    if recipe.batch % world.size:
        raise CannotTrain(
            f"a batch of {recipe.batch} cannot be divided among {world.size} processes"
        )
    chosen: dict[str, Any] = asdict(recipe)
    chosen["device"] = world.device.type
    return Settings(
        **chosen,
        network=subject.network.name,
        code=sha256(subject.source.encode()).hexdigest()[:16],
        input=subject.input_shape,
        data=name,
        train_images=len(data.train),
        test_images=len(data.test),
        processes=world.size,
    )


def _mend(subject: Subject, classes: int, wanted: int) -> str:
    params = subject.network.params
    fitting = [name for name, value in params.items() if value == wanted]
    names = [name for name in fitting if "class" in name] or fitting
    return f": --set {names[0]}={classes}" if names else ""
