"""Whether a network, a data set and the settings fit each other."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import Any

from archc.measure.refusal import smallest_batch
from archc.run.subject import Subject
from archc.run.train.augment import amounts
from archc.run.train.data import Data
from archc.run.train.errors import CannotTrain
from archc.run.train.settings import Recipe, Settings
from archc.run.train.world import World
from archc.run.weights.fit import param_of_classes


def outputs(subject: Subject, command: str = "train") -> int:
    """How many classes the network tells apart; `command` asks.

    Raises:
        CannotTrain: if it is no classifier of images.
    """
    if subject.network.spec.outputs:
        names = ", ".join(subject.network.outputs)
        raise CannotTrain(
            f"{subject.label} returns {names} by name: archc {command} is for"
            " classifiers, which have one output without a name"
        )
    if subject.network.inputs_have_names:
        names = ", ".join(subject.network.inputs)
        raise CannotTrain(
            f"{subject.label} reads {names} by name: archc {command} is for"
            " classifiers, which have one input without a name"
        )
    (value,) = subject.network.outputs.values()
    output = value.shape
    assert output is not None
    if len(output.dims) != 1 or output.sizes[0] < 2:
        raise CannotTrain(
            f"{subject.label} gives {output}: archc {command} is for classifiers"
        )
    if command == "train" and not subject.facts.params_with_heads:
        raise CannotTrain(f"{subject.label} has no parameters that could be trained")
    for head in subject.network.heads:
        given = head.region.output.shape
        assert given is not None
        if given.channel_axis or given.channels != output.channels:
            raise CannotTrain(
                f"the head {head.name} of {subject.label} gives {given}, and the"
                f" network {output}: all must tell the same classes apart"
            )
    shape = subject.input_shape
    if len(shape) != 3 or shape[0] not in (1, 3):
        sizes = " x ".join(map(str, shape))
        raise CannotTrain(
            f"{subject.label} reads {sizes}: archc {command} is for images of 1 or 3"
            " channels"
        )
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
        raise CannotTrain(other_classes(subject, name, data, wanted))
    if not len(data.train) or not len(data.test):
        raise CannotTrain(f"{name} has no images to train on, or none to test on")
    if recipe.batch % world.size:
        raise CannotTrain(
            f"a batch of {recipe.batch} cannot be divided among {world.size} processes"
        )
    _check_augment(recipe, name, data)
    smallest, smallest_test = _smallest(subject, recipe, data, world)
    chosen: dict[str, Any] = asdict(recipe)
    chosen["device"] = world.device.type
    if subject.weights is not None:
        chosen["weights"] = subject.weights.weights.source
    return Settings(
        **chosen,
        network=subject.network.name,
        code=sha256(subject.source.encode()).hexdigest()[:16],
        input=subject.input_shape,
        data=name,
        train_images=len(data.train),
        test_images=len(data.test),
        processes=world.size,
        smallest_batch=smallest,
        smallest_test_batch=smallest_test,
    )


def _check_augment(recipe: Recipe, name: str, data: Data) -> None:
    """Raises CannotTrain where a change of images would not change any."""
    stored, found = data.train.stored, amounts(recipe.augment)
    if stored is not None:
        height, width = stored.shape[2:]
        reasons = {
            "crop": ("shifts by an eighth of the size", min(height, width) < 8),
            "equalize": ("needs as many pixels as shades", height * width < 256),
        }
        for change, (reason, small) in reasons.items():
            if change in found and small:
                raise CannotTrain(
                    f"{change} {reason}, and the images of {name} are {height} x"
                    f" {width}: leave it out of --augment"
                )
    if "mixup" in found and recipe.batch < 2:
        raise CannotTrain("mixup mixes the images of a batch: --batch 2 or more")


def _smallest(
    subject: Subject, recipe: Recipe, data: Data, world: World
) -> tuple[int, int]:
    """The images that normalisation wants in a batch, in training and in testing.

    Raises:
        CannotTrain: if a process cannot have as many.
    """
    found: list[int] = []
    most = -(-len(data.train) // world.size), len(data.test) // world.size
    for training, share in zip((True, False), most, strict=True):
        wanted, layer = smallest_batch(subject.network, training=training)
        found.append(wanted)
        if layer is None or min(recipe.batch // world.size, share) >= wanted:
            continue
        each = " of each process" if world.size > 1 else ""
        mend = f"--batch {wanted * world.size} or more"
        if share < wanted:
            mend = f"more images to {'train' if training else 'test'} on"
        raise CannotTrain(
            f"{layer.path} of {subject.label} cannot normalise a batch of one image:"
            f" a batch{each} needs {wanted} ({mend})"
        )
    return found[0], found[1]


def other_classes(subject: Subject, name: str, data: Data, wanted: int) -> str:
    """What is said where a data set has another number of classes."""
    param = param_of_classes(subject.network, wanted)
    mend = f": --set {param}={data.classes}" if param else ""
    return (
        f"{name} has {data.classes} classes, and {subject.label} gives {wanted}"
        f" outputs{mend}"
    )
