"""The memory that training a network takes, worked out from its layers.

Nothing is run. `footprint` follows one training step of the generated code through
torch's autograd (`tape`), which gives every amount as a fixed part and a part for each
sample; so any batch is a matter of arithmetic, and so is the largest that fits.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any, Literal, NamedTuple

from archc.measure.ledger import Amount, Ledger, Moment, Phase, Storage
from archc.measure.tape import Tape, Tensor
from archc.network.execution import Execution, Run
from archc.network.graph import Layer, Network
from archc.network.places import places
from archc.ops.sizes import sizes_of
from archc.ops.steps import Device
from archc.ops.to import To

Optimizer = Literal["none", "sgd", "momentum", "adam"]
Precision = Literal["fp32", "bf16", "fp16"]

_COPIES = {"none": 0, "sgd": 0, "momentum": 1, "adam": 2}
"""How many numbers an optimizer keeps for each parameter."""
_FLOAT, _INT64 = 4, 8


class LayerMemory(NamedTuple):
    """What one layer has a share in, in bytes."""

    path: str
    op: str
    saved: int
    """Made by it and kept for the backward pass, by whichever layer."""
    parameters: int
    """Its parameters, and if an output comes from it also their gradients and the
    optimizer's state."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Where a training step holds most, and what that is, in bytes."""

    total: int
    phase: Phase
    layer: str | None
    """The layer at work; None for the loss and the optimizer."""
    gradients: int
    saved: int
    transient: int


@dataclass(frozen=True, slots=True)
class PlaceMemory:
    """What one of several devices holds, in bytes."""

    place: str
    parameters: int
    peak: Peak


@dataclass(frozen=True, slots=True)
class Memory:
    """One training step in bytes."""

    name: str
    batch: int
    optimizer: Optimizer
    precision: Precision
    device: Device
    parameters: int
    buffers: int
    gradients: int
    """Of all parameters that an output comes from, as they are at the end of the
    backward pass."""
    optimizer_state: int
    input: int
    """With the labels."""
    saved: int
    """What autograd keeps at the end of the forward pass, each storage once."""
    transient_forward: int
    """The most that is held beside it going forward,"""
    transient_backward: int
    """and going back."""
    peak: Peak
    layers: tuple[LayerMemory, ...] = field(repr=False)
    places: tuple[PlaceMemory, ...] = ()
    """What is held where, if the network lives in several places."""

    def to_dict(self) -> dict[str, Any]:
        """As `archc memory --format json` gives it."""
        from dataclasses import asdict

        found = asdict(replace(self, layers=()))
        found["layers"] = [layer._asdict() for layer in self.layers]
        if not self.places:
            del found["places"]
        return found


@dataclass(frozen=True, eq=False)
class Footprint:
    """The memory of a training step for any batch."""

    network: Network = field(repr=False)
    optimizer: Optimizer
    precision: Precision
    device: Device
    weights: Mapping[Layer, int] = field(repr=False)
    """Bytes of each layer's parameters."""
    gradients: int
    """Bytes of the parameters that an output comes from. The others get no gradient,
    and the optimizer passes them by."""
    buffers: int
    alive: frozenset[Layer] = field(repr=False)
    """The layers whose parameters an output comes from."""
    moments: tuple[Moment, ...] = field(repr=False)
    input: Amount
    saved: Amount
    kept: dict[Layer, Amount] = field(repr=False)
    """What autograd keeps, by the layer that made it."""
    places: Mapping[str, Footprint] = field(
        default_factory=dict[str, "Footprint"], repr=False
    )
    """The part of it that each of several places has."""

    @cached_property
    def parameters(self) -> int:
        """Bytes of all parameters."""
        return sum(self.weights.values())

    @property
    def lasting(self) -> Amount:
        """What is there from the first step to the last."""
        fixed = self.parameters + self.buffers + self.state
        return Amount(fixed + self.input.fixed, self.input.each)

    @property
    def state(self) -> int:
        """What the optimizer keeps from step to step."""
        return self.gradients * _COPIES[self.optimizer]

    def peak(self, batch: int) -> Peak:
        """Where a step of that batch size holds most."""
        top = max(self.moments, key=lambda moment: moment.at(batch))
        return Peak(
            total=self.lasting.at(batch) + top.at(batch),
            phase=top.phase,
            layer=None if top.layer is None else top.layer.path,
            gradients=top.gradients,
            saved=top.saved + batch * top.saved_each,
            transient=top.transient_at(batch),
        )

    def at(self, batch: int) -> Memory:
        """The memory at a batch size."""
        return Memory(
            name=self.network.name,
            batch=batch,
            optimizer=self.optimizer,
            precision=self.precision,
            device=self.device,
            parameters=self.parameters,
            buffers=self.buffers,
            gradients=self.gradients,
            optimizer_state=self.state,
            input=self.input.at(batch),
            saved=self.saved.at(batch),
            transient_forward=self._transient("forward", batch),
            transient_backward=self._transient("backward", batch),
            peak=self.peak(batch),
            layers=self._layers(batch),
            places=tuple(
                PlaceMemory(place, found.parameters, found.peak(batch))
                for place, found in self.places.items()
            ),
        )

    def largest(self, limit: int) -> int | None:
        """The largest batch whose peak is within `limit` bytes; None if not even 1."""
        lasting = self.lasting
        fits = [
            (limit - lasting.fixed - m.at(0))
            // (lasting.each + m.saved_each + m.transient_each)
            for m in self.moments
        ]
        return min(fits) if min(fits) > 0 else None

    def _transient(self, phase: Phase, batch: int) -> int:
        found = [m.transient_at(batch) for m in self.moments if m.phase == phase]
        return max(found, default=0)

    def _layers(self, batch: int) -> tuple[LayerMemory, ...]:
        trained = 2 + _COPIES[self.optimizer]
        return tuple(
            LayerMemory(
                layer.path,
                layer.op.op,
                self.kept[layer].at(batch) if layer in self.kept else 0,
                weights * (trained if layer in self.alive else 1),
            )
            for layer, weights in self.weights.items()
        )


def footprint(
    network: Network,
    execution: Execution,
    *,
    optimizer: Optimizer = "sgd",
    precision: Precision = "fp32",
    device: Device = "cuda",
) -> Footprint:
    """The memory of a training step with the generated module, whose forward pass is
    `execution`.

    The loss is the cross-entropy of every output. In `bf16` and `fp16` weights, their
    gradients and the optimizer's state are in single precision, and forward and loss
    run under autocast.
    """
    lives = places(network)
    step = (network, execution, optimizer, precision, device, lives)
    parts = {place: _footprint(*step, place) for place in network.spec.places}
    return replace(_footprint(*step, None), places=parts)


def _footprint(
    network: Network,
    execution: Execution,
    optimizer: Optimizer,
    precision: Precision,
    device: Device,
    lives: Mapping[Layer, str],
    place: str | None,
) -> Footprint:
    """The whole step, or its part in one place."""
    ledger = None if place is None else Ledger(_counted(network, lives, place))
    tape = Tape(half=precision != "fp32", device=device, ledger=ledger)
    outputs = _forward(network, execution, tape)
    tape.loss(outputs)
    saved, kept = tape.ledger.saved, _by_layer(tape.kept())
    tape.end_forward()
    tape.backward()
    here = [x for x in network.all_layers() if place in (None, lives.get(x))]
    alive = frozenset(layer.trained() for layer in _alive(network)) & set(here)
    tensors = _tensors(here)
    trained = [size for layer in alive for size in tensors[layer][0]]
    _optimizer_step(tape.ledger, optimizer, device, trained)
    given = Amount(0, 0)
    if place in (None, *network.spec.places[:1]):
        shapes = [v.shape for v in network.inputs.values() if v.shape is not None]
        labels = sum(_INT64 * prod(o.dims[1:]) for o in outputs)
        given = Amount(0, _FLOAT * sum(prod(s.sizes) for s in shapes) + labels)
    return Footprint(
        network=network,
        optimizer=optimizer,
        precision=precision,
        device=device,
        weights={layer: sum(sizes) for layer, (sizes, _) in tensors.items()},
        gradients=sum(trained),
        buffers=sum(buffers for _, buffers in tensors.values()),
        alive=alive,
        moments=tape.ledger.moments,
        input=given,
        saved=saved,
        kept=kept,
    )


def _counted(
    network: Network, lives: Mapping[Layer, str], place: str
) -> Callable[[Layer | None, Phase], bool]:
    """Whether what a layer makes is in a place: the loss is where the output is, and
    the gradient of what was moved where that came from."""
    (output, *_) = network.results()
    last = lives[output.layer] if output.layer is not None else network.spec.places[0]

    def counts(layer: Layer | None, phase: Phase) -> bool:
        if phase == "step":
            return True
        if layer is not None and phase == "backward" and isinstance(layer.op, To):
            layer = layer.inputs[0].layer
            return layer is not None and lives[layer] == place
        return (last if layer is None else lives[layer]) == place

    return counts


def _alive(network: Network) -> frozenset[Layer]:
    """The layers that an output comes from."""
    found: set[Layer] = set()
    todo = [value.layer for value in network.results()]
    while todo:
        layer = todo.pop()
        if layer is not None and layer not in found:
            found.add(layer)
            todo.extend(value.layer for value in layer.inputs)
    return frozenset(found)


def _forward(network: Network, execution: Execution, tape: Tape) -> list[Tensor]:
    """Runs all layers; the outputs of the network and of its heads."""
    tensors = {
        number: tape.input(value.shape.sizes)
        for number, value in enumerate(network.inputs.values())
        if value.shape is not None
    }
    for event in execution.events:
        if isinstance(event, Run):
            reads = [tensors[number] for number in event.reads]
            made = tape.layer(event.layer, reads, in_place=event.in_place)
            if event.together is not None:
                tape.join(made, event.together)
            tensors[event.makes] = made
        else:
            tape.drop(tensors.pop(event.tensor))
    return [tensors[number] for number in execution.outputs]


def _optimizer_step(
    ledger: Ledger, optimizer: Optimizer, device: Device, sizes: list[int]
) -> None:
    ledger.begin("step")
    if optimizer == "adam" and sizes:
        # the root of the second moments: on a GPU of all parameters together,
        # otherwise of one after the other, and there also divided
        size = sum(sizes) if device == "cuda" else 2 * max(sizes)
        ledger.drop(ledger.new((size,), 1, per_sample=False))


def _by_layer(storages: set[Storage]) -> dict[Layer, Amount]:
    found: dict[Layer, Amount] = {}
    for storage in storages:
        if storage.layer is not None:
            fixed, each = found.get(storage.layer, (0, 0))
            found[storage.layer] = Amount(fixed + storage.fixed, each + storage.each)
    return found


def _tensors(layers: Iterable[Layer]) -> dict[Layer, tuple[list[int], int]]:
    """Bytes of each parameter that a layer brings, and of all its buffers.

    Instances of a block have the same ops, so each is asked once.
    """
    known: dict[Hashable, tuple[list[int], int]] = {}
    found: dict[Layer, tuple[list[int], int]] = {}
    for layer in layers:
        x = layer.input_shape()
        key = (id(layer.op), x.dims, x.channel_axis, layer.again is None)
        if key not in known:
            parameters, buffers = layer.parameters().values(), layer.buffers().values()
            sizes = [_FLOAT * prod(sizes_of(dims)) for dims in parameters]
            # a buffer without axes is a counter, an int64
            counted = (_FLOAT * prod(sizes_of(d)) if d else _INT64 for d in buffers)
            known[key] = sizes, sum(counted)
        found[layer] = known[key]
    return found
