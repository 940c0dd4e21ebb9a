"""Holds a generated module to what the compiler inferred, on meta tensors.

Compared are the parameters and buffers with their shapes; for each layer what it
computes, from what, the shape of its result and its multiply-adds, which torch counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from archc.network.graph import Layer, Value
from archc.ops.base import sizes_of
from archc.run.live import result, tensors
from archc.run.subject import BrokenModule, Subject
from archc.run.trace import Call, Numbers, Recorder
from archc.spec.expressions import is_tuple

BATCH = 2
"""Batch normalisation of a single pixel needs two samples to train."""


CHECKS = {
    "module": "the generated code runs and its class can be built",
    "tensors": "parameters and buffers have the names and shapes of the network's",
    "layers": "every layer computes what it should, from what it should",
    "shapes": "every layer's output has the inferred shape",
    "macs": "torch counts as many multiply-adds for each layer",
    "outputs": "training returns the output and those of the heads, with their weights",
}
"""What is held, in this order; where one fails, the later ones are not reached."""

Check = Literal["module", "tensors", "layers", "shapes", "macs", "outputs"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that the module does otherwise than the network."""

    check: Check
    layer: str
    """The path; of a parameter or a layer, or empty for the module as a whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.message}" if self.layer else self.message


@dataclass(slots=True)
class Verification:
    """What was compared, and what did not agree; in the order of the network."""

    subject: Subject
    tensors: int = 0
    """Parameters and buffers whose names and shapes were compared."""
    layers: int = 0
    """Layers whose computation and output shape were compared."""
    macs: int = 0
    """That torch counted in the main path, for one sample."""
    disagreements: list[Disagreement] = field(default_factory=list[Disagreement])

    @property
    def passed(self) -> bool:
        return not self.disagreements

    def refuse(self, check: Check, layer: str, message: str) -> None:
        self.disagreements.append(Disagreement(check, layer, message))


def verify(subject: Subject) -> Verification:
    """Compares the module of a subject with its network."""
    found = Verification(subject)
    try:
        built = subject.module("meta")
    except BrokenModule as error:
        found.refuse("module", "", str(error))
        return found
    _compare_tensors(built, found)
    if not found.disagreements:
        _compare_layers(built, found)
    return found


# ---- parameters and buffers


def _compare_tensors(built: nn.Module, found: Verification) -> None:
    parameters = dict(built.named_parameters())
    state = built.state_dict()
    expected: dict[str, tuple[int, ...]] = {}
    for layer in _layers(found.subject):
        x = layer.input_shape()
        trained = layer.op.parameters(x)
        for name, dims in (trained | layer.op.buffers(x)).items():
            key = _key(layer, name)
            expected[key] = sizes_of(dims)
            found.tensors += 1
            if key not in state:
                found.refuse(
                    "tensors", key, f"the module has no such tensor of {_size(dims)}"
                )
            elif tuple(state[key].shape) != tuple(dims):
                shape = _size(state[key].shape)
                found.refuse("tensors", key, f"is {shape} instead of {_size(dims)}")
            elif (name in trained) != (key in parameters):
                kind = "parameter" if name in trained else "buffer"
                found.refuse("tensors", key, f"is no {kind}, as it should be")
    for key in state.keys() - expected.keys():
        found.refuse("tensors", key, "the network has no such tensor")


def _key(layer: Layer, name: str) -> str:
    return layer.path if layer.op.bare_parameter else f"{layer.path}.{name}"


def _size(dims: Any) -> str:
    return "x".join(map(str, dims)) or "a single number"


def _layers(subject: Subject) -> Iterator[Layer]:
    yield from subject.network.layers()
    for head in subject.network.heads:
        yield from head.region.layers()


# ---- layers


def _compare_layers(built: nn.Module, found: Verification) -> None:
    network, numbers = found.subject.network, Numbers()
    expected = _expected(found.subject, numbers)
    actual = Recorder(numbers)
    x = _input(found.subject, actual)
    for name, tensor in (*built.named_parameters(), *built.named_buffers()):
        actual.name(tensor, ("tensor", name))
    try:
        with actual, torch.no_grad():
            outputs = built.train()(x)
    # whatever a file that people edit may raise
    except Exception as error:
        _refuse_failure(error, expected, actual, found)
        return
    for layer in _layers(found.subject):
        if not _agrees(layer, expected, actual, found):
            return
    _compare_outputs(built, outputs, actual, expected, found)
    macs = sum(expected[layer.output].flops // 2 // BATCH for layer in network.layers())
    found.macs = macs


def _input(subject: Subject, recorder: Recorder) -> Tensor:
    x = torch.empty(BATCH, *subject.input_shape, device="meta")
    recorder.name(x, "input")
    return x


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a layer should do: the number of its value, and its calls."""

    number: int
    calls: tuple[int, ...]
    recorder: Recorder

    @property
    def flops(self) -> int:
        return sum(self.recorder.calls[call].flops for call in self.calls)

    @property
    def last(self) -> Call | None:
        return self.recorder.calls.get(self.number)


def _expected(subject: Subject, numbers: Numbers) -> dict[Value, _Expected]:
    """The layers of the network, each carried out as its op says."""
    recorder = Recorder(numbers)
    x = _input(subject, recorder)
    first = recorder.number(x)
    assert first is not None
    table = {subject.network.input: _Expected(first, (), recorder)}
    # the instances of a block share their ops, and writing one out takes its time
    written: dict[int, str] = {}
    with recorder, torch.no_grad():
        for layer in _layers(subject):
            op = written.setdefault(id(layer.op), "") or repr(layer.op)
            written[id(layer.op)] = op
            key = (op, *(value.shape for value in layer.inputs))
            sample = _samples.get(key)
            if sample is None:
                sample = _samples[key] = _carried_out(layer, recorder)
            reads = [table[value].number for value in layer.inputs]
            for name in sample.tensors:
                path = f"{layer.path}.{name}" if name else layer.path
                reads.append(numbers.of(("tensor", path)))
            given = dict(zip(sample.reads, reads, strict=True))
            recorder.repeat(sample.calls, given)
            calls = tuple(given[call] for call in sample.calls)
            table[layer.output] = _Expected(given[sample.number], calls, recorder)
    return table


@dataclass(frozen=True, slots=True)
class _Sample:
    """What an op calls, on values that stand for any others of their shapes."""

    reads: tuple[int, ...]
    """Its inputs, and then its parameters and buffers."""
    tensors: tuple[str, ...]
    """The names of these."""
    calls: dict[int, Call]
    number: int
    """Of what it gives."""


_samples: dict[Any, _Sample] = {}
"""By op and the shapes of what it reads; networks have many of them in common."""


def _carried_out(layer: Layer, recorder: Recorder) -> _Sample:
    """Runs an op on meta tensors."""
    inputs: list[Tensor] = []
    for value in layer.inputs:
        assert value.shape is not None
        inputs.append(torch.empty(BATCH, *value.shape.sizes, device="meta"))
    x = layer.input_shape()
    own = () if layer.op.merges else tensors(layer.op, x)
    read = [*inputs, *(tensor for _, tensor in own)]
    # keys that nothing else has, so that no other call is the same
    reads = tuple(recorder.name(tensor, object()) for tensor in read)
    before = len(recorder.calls)
    number = recorder.number(result(layer.op, *inputs, shape=x))
    assert number is not None
    made = list(recorder.calls)[before:]
    calls = {made_number: recorder.calls.pop(made_number) for made_number in made}
    return _Sample(reads, tuple(name for name, _ in own), calls, number)


def _agrees(
    layer: Layer,
    expected: dict[Value, _Expected],
    actual: Recorder,
    found: Verification,
) -> bool:
    """Compares one layer; what comes after the first that is wrong is not judged."""
    wanted = expected[layer.output]
    found.layers += 1
    if wanted.last is None:  # it passes on what it reads
        return True
    done = actual.calls.get(wanted.number)
    if done is None:
        found.refuse("layers", layer.path, _what_is_done(layer, expected, actual))
        return False
    shape = (BATCH, *layer.output_shape().dims)
    if done.shape != shape:
        message = f"gives {_size(done.shape[1:])} instead of {_size(shape[1:])}"
        found.refuse("shapes", layer.path, message)
    macs = found.subject.facts.layers[layer].macs
    counted = wanted.flops // 2 // BATCH
    if counted != macs:
        message = f"torch counts {counted:,} multiply-adds, the compiler {macs:,}"
        found.refuse("macs", layer.path, message)
    return not found.disagreements


def _compare_outputs(
    built: nn.Module,
    outputs: Any,
    actual: Recorder,
    expected: dict[Value, _Expected],
    found: Verification,
) -> None:
    """What the module returns while it is trained, and its weights for heads."""
    network = found.subject.network
    values = [network.output, *(head.region.output for head in network.heads)]
    given: list[Any] = [outputs]
    if is_tuple(outputs):
        given = list(outputs)
    if len(given) != len(values):
        message = f"training gives {len(given)} outputs instead of {len(values)}"
        found.refuse("outputs", "", message)
        return
    names = ["the output", *(f"head {head.name}" for head in network.heads)]
    for name, value, tensor in zip(names, values, given, strict=True):
        if actual.number(tensor) != expected[value].number:
            layer = value.layer.path if value.layer else "the input"
            found.refuse("outputs", "", f"{name} is not what {layer} gives")
    weights = {head.name: head.loss_weight for head in network.heads}
    stated = getattr(built, "loss_weights", {})
    if stated != weights:
        found.refuse("outputs", "", f"loss_weights is {stated} instead of {weights}")


# ---- what went wrong


def _what_is_done(
    layer: Layer, expected: dict[Value, _Expected], actual: Recorder
) -> str:
    """How what the module does differs from what a layer should do."""
    wanted = expected[layer.output].last
    assert wanted is not None
    sources = [expected[value].number for value in layer.inputs]
    tensors = [n for n in wanted.reads if n not in sources]
    alike = [c for c in actual.calls.values() if c.function == wanted.function]
    mine = [c for c in alike if tensors and set(tensors) <= set(c.reads)]
    if tensors and not mine:
        return f"{_called(wanted)} is never called with its parameters"
    others = mine or [c for c in alike if set(sources) & set(c.reads)]
    for call in others:
        changes = _settings(wanted, call)
        if changes:
            return f"{_called(wanted)} has {changes}"
    read = {
        made.number: value.layer.path if value.layer else "the input"
        for value, made in expected.items()
    }
    names = [read.get(n, "?") for n in sources]
    if mine or others:
        given = [
            read.get(n, "another value") for n in others[0].reads if n not in tensors
        ]
        return f"{_called(wanted)} reads {_listed(given)} instead of {_listed(names)}"
    return f"{_called(wanted)} of {_listed(names)} is missing"


def _settings(wanted: Call, call: Call) -> str:
    """Settings that differ, but for the values that are read."""
    ours, theirs = dict(wanted.settings), dict(call.settings)
    words: list[str] = []
    for name in ours.keys() | theirs.keys():
        a, b = ours.get(name), theirs.get(name)
        if a != b and not _is_value(a) and not _is_value(b):
            words.append(f"{name} {_shown(b)} instead of {_shown(a)}")
    return ", ".join(sorted(words))


def _is_value(setting: Any) -> bool:
    return is_tuple(setting) and "value" in str(setting)


def _shown(setting: Any) -> str:
    return str(setting).replace("None", "none")


def _called(call: Call) -> str:
    return call.function.rpartition(".")[2]


def _listed(names: list[str]) -> str:
    return " and ".join(names) or "nothing"


def _refuse_failure(
    error: Exception,
    expected: dict[Value, _Expected],
    actual: Recorder,
    found: Verification,
) -> None:
    """Names the first layer that was not carried out as it should be."""
    message = f"forward fails: {type(error).__name__}: {error}"
    for layer in _layers(found.subject):
        wanted = expected[layer.output]
        if wanted.last is None or wanted.number in actual.calls:
            continue
        other = _what_is_done(layer, expected, actual)
        if " has " in other:
            message = f"{other}; {message}"
        found.refuse("layers", layer.path, message)
        return
    found.refuse("layers", "", message)
