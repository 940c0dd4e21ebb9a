"""How a smoke test is run, and at which size."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from archc.diagnostics.model import Sink
from archc.emit.module import emit
from archc.measure.cost import measure
from archc.network.elaborator import Elaborator
from archc.network.graph import Layer, Network
from archc.run.subject import Subject

_SIZES = (32, 48, 64, 96, 128)
"""Shorter sides of an input to try where the CPU must do; a sequence has as many
numbers as a square of that size."""
_NORMALISED = 16
"""Numbers of a channel that a batch normalisation sees at least. From two it makes
plus and minus one whatever they are, and nothing before it learns."""
_HEAVY = 6e9
"""Multiply-adds of a forward pass from which the CPU gets a smaller batch."""
_BUDGET = 4e11
"""Multiply-adds of a training on the CPU: some seconds on two cores."""
_FEW = 30
"""Steps for a network of any size. After fewer, the loss of one that overshoots at
first, such as MLP-Mixer's, has not come down again."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says; None leaves the choice to `sized`."""

    device: Literal["cpu", "cuda"] = "cpu"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    batch: int | None = None
    steps: int | None = None
    compile: bool = False
    channels_last: bool = False
    keep_input: bool = False
    """Whether the input was chosen by hand, and must not be made smaller."""


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """What is run: the subject at an input, a batch, and at most so many steps."""

    subject: Subject
    batch: int
    steps: int
    exact: bool
    """Whether all steps are done, even where the loss has fallen before."""


def sized(subject: Subject, settings: Settings) -> Sized:
    """The size of a smoke test: on the CPU one that ends in seconds."""
    exact = settings.steps is not None
    if settings.device == "cuda":
        return Sized(subject, settings.batch or 32, settings.steps or 100, exact)
    batch = settings.batch or 4
    if not settings.keep_input:
        subject = smaller(subject, batch)
    if settings.batch is None and subject.facts.macs * batch > _HEAVY:
        batch = 2
    affordable = int(_BUDGET / (3 * max(subject.facts.macs, 1) * batch))
    steps = settings.steps or min(max(affordable, _FEW), 300)
    return Sized(subject, batch, steps, exact)


def smaller(subject: Subject, batch: int) -> Subject:
    """The subject at a smaller input, where its code is the same for that.

    So it is where a network is convolutional up to a pooling to a fixed size. Behind a
    flattened map the code depends on the input's size, and the subject is kept; so is
    one of several inputs, of which nobody knows how their sizes go together.
    """
    network, dims = subject.network, subject.input_shape
    if len(dims) < 2 or len(network.inputs) > 1:
        return subject
    code = _structure(network)
    # of a clip all frames are kept
    kept, sides = dims[:-2], dims[-2:]
    sizes = _SIZES
    if len(dims) == 2:
        kept, sides, sizes = dims[:1], dims[1:], tuple(size**2 for size in _SIZES)
    shorter = min(sides)
    for size in sizes:
        if 3 * size > 2 * shorter:
            break
        scaled = (*kept, *(side * size // shorter for side in sides))
        sink = Sink()
        other = Elaborator(network.spec, sink, scaled).run()
        if other is None or sink.failed or _structure(other) != code:
            continue
        if all(_varied(layer, batch) for layer in other.all_layers()):
            return replace(subject, network=other, facts=measure(other))
    return subject


def _structure(network: Network) -> str:
    """The code without its comments, which name sizes, and the digest of them."""
    module = ast.parse(emit(network))
    return ast.dump(ast.Module(module.body[1:], []))


def _varied(layer: Layer, batch: int) -> bool:
    if not layer.op.op.startswith("batch_norm"):
        return True
    return batch * prod(layer.input_shape().sizes[1:]) >= _NORMALISED
