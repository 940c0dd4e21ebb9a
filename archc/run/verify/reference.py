"""What the layers of a network should do: each carried out as its op says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archc.network.graph import Layer, Network, Value
from archc.ops.own import OwnOp
from archc.ops.sizes import Shape
from archc.run.fills import Start
from archc.run.live import module, named_tensors, result, written
from archc.run.subject import BrokenModule
from archc.run.verify.numbers import Form, Kind, Numbers, Slot
from archc.run.verify.recorder import Recorder

BATCH = 2
"""Batch normalisation of a single pixel needs two samples to train."""


def input_key(name: str) -> tuple[str, str]:
    """What is known of the value of an input before a forward pass."""
    return "input", name


def tensor_key(path: str) -> tuple[str, str]:
    """What is known of the value of a parameter or buffer before a forward pass."""
    return "tensor", path


def layers_of(network: Network, *, heads: bool = True) -> Iterator[Layer]:
    """All layers in execution order, those of the heads last."""
    yield from network.layers()
    for head in network.heads if heads else ():
        yield from head.region.layers()


def path_of(layer: Layer, name: str) -> str:
    """Of a parameter or buffer in the `state_dict`."""
    return layer.path if layer.op.bare_parameter else f"{layer.path}.{name}"


@dataclass(frozen=True, slots=True)
class Sample:
    """What an op calls, on values that stand for any others of their shapes."""

    tensors: tuple[str, ...]
    """The names of its parameters and buffers, which it reads behind its inputs."""
    types: tuple[Kind, ...]
    """Theirs."""
    trained: tuple[bool, ...]
    """Which of them are parameters."""
    starts: tuple[Start, ...]
    """How they start, if the spec says nothing."""
    calls: tuple[tuple[Form, tuple[int, ...], Slot], ...]
    """Each reads inputs and tensors, then what came before it, by their places."""
    output: int
    """The place of what it gives."""
    after: tuple[tuple[int, int], ...]
    """The places of the tensors that it changes, before and after."""
    shape: tuple[int, ...]
    """Of what it gives, the batch included."""
    flops: int
    last: int | None
    """The last of its calls; None if it passes on what it reads."""


_samples: dict[Any, Sample] = {}
"""By op and the shapes of what it reads; networks have many of them in common."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a layer should do, in numbers of values."""

    number: int
    """Of its output."""
    reads: tuple[int, ...]
    """Its inputs."""
    tensors: tuple[int, ...]
    """Its parameters and buffers."""
    made: tuple[int, ...]
    """What its calls make."""
    sample: Sample


class Reference:
    """A network's layers in numbers, in training or in evaluation."""

    def __init__(
        self,
        network: Network,
        numbers: Numbers,
        *,
        training: bool,
        other: Reference | None = None,
    ) -> None:
        self.numbers = numbers
        self._other = other
        """The same network in the other mode, with which it has much in common."""
        self.layers: dict[Layer, Wanted] = {}
        self.values: dict[Value, int] = {}
        for name, value in network.inputs.items():
            assert value.shape is not None
            kind = Kind((BATCH, *value.shape.sizes), torch.float32)
            self.values[value] = numbers.outside(input_key(name), kind)
        self.buffers: dict[str, int] = {}
        """What buffers are after a forward pass, where that changes them."""
        self.known: set[int] = set(self.values.values())
        """All values that the layers read and make."""
        self._training = training
        # by op, and whether training matters to it:
        # the instances of a block share their ops, and writing one out takes its time
        self._written: dict[int, tuple[str, bool]] = {}
        for layer in layers_of(network, heads=training):
            self._add(layer)

    def _add(self, layer: Layer) -> None:
        numbers, sample = self.numbers, self._sample(layer)
        inputs = tuple(self.values[value] for value in layer.inputs)
        there = None if self._other is None else self._other.layers.get(layer)
        if there is not None and there.sample is sample and there.reads == inputs:
            # its tensors are known, and buffers are changed in one mode alone
            self.known.update(there.made, there.tensors)
            self.values[layer.output] = there.number
            self.layers[layer] = there
            return
        tensors: list[int] = []
        paths = [path_of(layer, name) for name in sample.tensors]
        for path, kind, trained in zip(
            paths, sample.types, sample.trained, strict=True
        ):
            number = numbers.outside(tensor_key(path), kind)
            if not trained:
                numbers.buffers.add(number)
            # a module that is used again reads what it has left
            tensors.append(self.buffers.get(path, number))
        places = [*inputs, *tensors]
        for form, reads, slot in sample.calls:
            places.append(numbers.of(form, tuple(places[i] for i in reads), slot))
        made = tuple(places[len(inputs) + len(tensors) :])
        self.known.update(places)
        output = self.values[layer.output] = places[sample.output]
        for before, after in sample.after:
            self.buffers[paths[before - len(inputs)]] = places[after]
        self.layers[layer] = Wanted(output, inputs, tuple(tensors), made, sample)

    def _sample(self, layer: Layer) -> Sample:
        op = layer.op
        known = self._written.get(id(op))
        if known is None:
            changes = op.category == "dropout" or isinstance(op, OwnOp)
            changes |= bool(op.buffers(layer.input_shape()))
            known = self._written[id(op)] = written(op), changes
        text, changes = known
        training = self._training or not changes
        key = text, training, *(value.shape for value in layer.inputs)
        found = _samples.get(key)
        if found is None:
            shapes = [value.shape for value in layer.inputs]
            assert all(shape is not None for shape in shapes)
            given: list[Any] = shapes
            found = _samples[key] = _carried_out(layer, given, training=training)
        return found


def _carried_out(layer: Layer, shapes: Sequence[Shape], *, training: bool) -> Sample:
    """Runs an op on meta tensors."""
    op = layer.op
    try:
        return _recorded(layer, shapes, training=training)
    except Exception as error:
        if not isinstance(op, OwnOp):
            raise  # archc is wrong about its own ops
        reason = f"{type(error).__name__}: {error}"
        message = f"`{layer.path}`, `{op.op}` on {shapes[0]}, does not run: {reason}"
        raise BrokenModule(message) from error


def _recorded(layer: Layer, shapes: Sequence[Shape], *, training: bool) -> Sample:
    op = layer.op
    shape = layer.output.shape if op.merges else shapes[0]
    assert shape is not None
    recorder = Recorder(Numbers())
    inputs = [torch.empty(BATCH, *x.sizes, device="meta") for x in shapes]
    made, starts = (None, None) if op.merges else module(op, shapes[0])
    named: dict[str, Tensor] = {}
    if isinstance(made, nn.Module):
        made.train(training)
        named = named_tensors(made)
    elif made is not None:
        named = {"": made}
    read = [*inputs, *named.values()]
    places = {recorder.name(tensor, i): i for i, tensor in enumerate(read)}
    with recorder, torch.enable_grad():
        output = recorder.number(result(op, *inputs, shape=shape))
    assert output is not None
    calls: list[tuple[Form, tuple[int, ...], Slot]] = []
    flops, last = 0, None
    for number, form, reads, slot in recorder.entries:
        if number in places:
            continue
        last = len(calls)
        places[number] = len(read) + last
        calls.append((form, tuple(places[n] for n in reads), slot))
        flops += form.flops
    after = [
        (i, places[number])
        for i, tensor in enumerate(read)
        if (number := recorder.number(tensor)) is not None
        and places[number] != i
        and i >= len(inputs)
    ]
    return Sample(
        tuple(named),
        tuple(Kind(tuple(t.shape), t.dtype) for t in named.values()),
        tuple(isinstance(t, nn.Parameter) for t in named.values()),
        tuple(starts.start(t) for t in named.values()) if starts else (),
        tuple(calls),
        places[output],
        tuple(after),
        recorder.kind(output).shape,
        flops,
        last,
    )
