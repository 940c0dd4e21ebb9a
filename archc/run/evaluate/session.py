"""A test of a trained network on a data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from archc.measure.refusal import smallest_batch
from archc.run.evaluate.crops import cuts
from archc.run.evaluate.metrics import Metrics, metrics
from archc.run.layers import bound
from archc.run.subject import Subject
from archc.run.train import checks
from archc.run.train.batches import View, chunked
from archc.run.train.data import Data, Wanted, load
from archc.run.train.errors import CannotTrain
from archc.run.train.preprocessing import Preprocessing, preprocessing
from archc.run.train.world import place_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a network is tested."""

    crops: int = 1
    batch: int = 128
    """Images in a batch, each in all its crops."""
    device: str = "cpu"
    """auto, cpu or cuda."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a test found, and what was tested."""

    network: str
    weights: str
    data: str
    crops: int
    preprocessing: Preprocessing
    metrics: Metrics
    notes: tuple[str, ...]
    """What may not be meant, a line each."""


def evaluate(
    subject: Subject,
    wanted: Wanted,
    options: Options,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Evaluation:
    """Tests a network with its weights on the test images of a data set.

    Images are prepared as the weights say, or else as `archc train` would. `tell` is
    told how many are done.

    Raises:
        CannotTrain: if the data cannot be read, or do not fit the network.
        BrokenModule: if the generated module does not run.
    """
    outputs = checks.outputs(subject, "evaluate")
    data = load(wanted, subject.input_shape, outputs)
    if data.classes != outputs:
        raise CannotTrain(checks.other_classes(subject, wanted.name, data, outputs))
    if not len(data.test):
        raise CannotTrain(f"{wanted.name} has no images to test on")
    weights = subject.weights
    notes, place = _notes(subject, data), place_of(options.device)
    steps = prepared(subject, data)
    model = subject.module(place).eval()
    chances = _probabilities(subject, model, data, steps, options, tell)
    return Evaluation(
        subject.label,
        weights.weights.source if weights else "as initialised",
        wanted.name,
        options.crops,
        steps,
        metrics(chances, data.test.labels, data.names),
        tuple(notes),
    )


def prepared(subject: Subject, data: Data) -> Preprocessing:
    """How images of a data set are prepared: as the weights say, if they do."""
    known = subject.weights.weights.preprocessing if subject.weights else None
    if known is None:
        return preprocessing(data, subject.input_shape)
    steps = Preprocessing.of(known, subject.input_shape)
    colour = data.channels == 3
    return replace(
        steps,
        grey=steps.grey or (colour and (steps.mode == "L" or steps.channels == 1)),
    )


def _notes(subject: Subject, data: Data) -> list[str]:
    names = subject.weights.weights.classes if subject.weights else ()
    if not names or names == data.names:
        return []
    if len(names) != len(data.names):
        return [
            f"the weights know {len(names)} classes, and the data {len(data.names)}"
        ]
    first = next(i for i, name in enumerate(names) if name != data.names[i])
    return [
        f"the weights know other classes than the data: {first} is {names[first]} to"
        f" them, and {data.names[first]} here"
    ]


def _probabilities(
    subject: Subject,
    model: nn.Module,
    data: Data,
    steps: Preprocessing,
    options: Options,
    tell: Callable[[int, int], None],
) -> Tensor:
    """N x classes, each the mean over the crops of an image."""
    one, whole = cuts(steps, options.crops)
    as_stored = data.test.stored is not None and options.crops == 1
    plain = as_stored and steps.shorter_side is None
    view = View(data.test, None if plain else one, 0)
    smallest, _ = smallest_batch(subject.network, training=False)
    total, done, place = len(data.test), 0, place_of(options.device)
    found: list[Tensor] = []
    for indices in chunked(range(total), options.batch, smallest):
        pixels, _ = view.__getitems__(indices)
        x = whole(pixels.to(place))
        found.append(averaged(subject, model, x, options.crops))
        done += len(indices)
        tell(done, total)
    return torch.cat(found)


def averaged(subject: Subject, model: nn.Module, x: Tensor, crops: int) -> Tensor:
    """The probabilities of N images, (N * crops) x C x H x W; on the CPU."""
    wanted = checks.outputs(subject, "evaluate")
    with subject.running(), torch.no_grad():
        output: Any = model(x)
        logits: Tensor = output if isinstance(output, Tensor) else output[0]
        if logits.shape[1:] != (wanted,):
            raise ValueError(f"gives {tuple(logits.shape[1:])} instead of {wanted}")
    limit = bound(next(iter(subject.network.outputs.values())))
    already = limit is not None and limit.probabilities and _sums_to_one(logits)
    chances = logits.float() if already else logits.float().softmax(1)
    by_image: Tensor = cast(Any, chances).unflatten(0, (-1, crops))
    return by_image.mean(1).cpu()


def _sums_to_one(output: Tensor) -> bool:
    return bool((output.sum(1) - 1).abs().max() < 1e-3)
