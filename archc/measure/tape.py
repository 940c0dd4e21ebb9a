"""One training step in torch's order, with sizes in place of numbers.

Going forward, every recorded call makes its output and keeps what its way back needs.
Going back, calls run in the reverse order of their making, as in torch's engine: each
makes the gradients of what it read, lets go of what it kept, and hands the gradients
on. Those that meet at one tensor are summed up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

from archc.measure.layout import (
    Strides,
    channels_last,
    contiguous,
    is_channels_last,
    joined,
    kept,
    split,
)
from archc.measure.ledger import Ledger, Storage
from archc.network.graph import Layer
from archc.ops.base import Shape, sizes_of
from archc.ops.steps import Device, Extra, Step

_FULL, _HALF = 4, 2
Weights = tuple[tuple[int, ...], ...]
"""The shapes of parameters."""


@dataclass(slots=True, eq=False)
class Tensor:
    """A value at run time; `call` made it, if it needs a gradient."""

    storage: Storage
    dims: tuple[int, ...]
    itemsize: int
    strides: Strides
    per_sample: bool = True
    call: _Call | None = None
    base: Tensor | None = None
    """What it is a view of."""


class _Gradient(NamedTuple):
    """Of what a call made: where it is, and how it lies there."""

    storage: Storage
    strides: Strides


@dataclass(slots=True, eq=False)
class _Call:
    """A recorded call; it lives as long as what it made, or what was made of that."""

    layer: Layer | None
    step: Step
    reads: tuple[Tensor, ...]
    itemsize: int
    kept: list[Storage]
    weights: Weights = ()
    gradient: _Gradient | None = None
    """What has come for its output so far."""
    holders: int = 1
    """Its output, and the calls that have read that."""


class Tape:
    """Runs layers forward, and then all of them back."""

    def __init__(self, *, half: bool, device: Device) -> None:
        self.ledger = Ledger()
        self.half = half
        """Whether autocast is on."""
        self.device: Device = device
        self._calls: list[_Call] = []
        self._copies: list[Storage] = []
        self._loss: Tensor | None = None

    # ---- forward

    def input(self, dims: tuple[int, ...]) -> Tensor:
        """A batch, which its caller holds."""
        size = prod(dims) * _FULL
        storage = Storage(0, size, None, lasting=True)
        return Tensor(storage, dims, _FULL, contiguous(dims))

    def layer(
        self, layer: Layer, inputs: Sequence[Tensor], *, in_place: bool
    ) -> Tensor:
        """Runs one layer, or a step of a merge."""
        self.ledger.layer = layer
        y, shapes = layer.output_shape(), (layer.input_shape(),)
        if layer.op.merges:
            shapes = tuple(Shape(x.dims, y.channel_axis) for x in inputs)
        steps = layer.op.steps(shapes, y, device=self.device, inplace=in_place)
        weights = layer.op.parameters(shapes[0])
        return self.run(steps, inputs, tuple(map(sizes_of, weights.values())))

    def run(
        self,
        steps: Iterable[Step],
        inputs: Iterable[Tensor],
        weights: Weights,
    ) -> Tensor:
        """Runs an op's steps; its caller holds the output."""
        tensors, todo = list(inputs), list(steps)
        before = len(tensors)
        for i, step in enumerate(todo):
            tensors.append(self._step(step, tensors, weights if step.trains else ()))
            later = {n for other in todo[i + 1 :] for n in (*other.reads, *other.holds)}
            for number in {*step.reads, *step.holds} - later:
                if number >= before:
                    self.drop(tensors[number])
        return tensors[-1]

    def drop(self, tensor: Tensor) -> None:
        """A variable holds it no longer, and what was recorded for it alone goes."""
        self.ledger.drop(tensor.storage)
        todo = [tensor.call]
        while todo:
            call = todo.pop()
            if call is None:
                continue
            call.holders -= 1
            if not call.holders:
                for storage in call.kept:
                    self.ledger.release(storage)
                todo += [read.call for read in call.reads]

    def loss(self, outputs: Sequence[Tensor]) -> None:
        """The cross-entropy of all outputs, those of heads with a weight."""
        self.ledger.layer = None
        losses = [self._cross_entropy(output) for output in outputs]
        total = losses[0]
        for other in losses[1:]:
            weighted = self.run([Step((), per_sample=False)], [other], ())
            before = total
            both = Step((), (0, 1), fresh_gradient=False, per_sample=False)
            total = self.run([both], [before, weighted], ())
            self.drop(weighted)
            if before is not losses[0]:
                self.drop(before)
        for one in losses:
            if one is not total:
                self.drop(one)
        self._loss = total

    def _cross_entropy(self, output: Tensor) -> Tensor:
        """As torch computes it: in single precision on the CPU, and on a GPU the last
        part of it."""
        first = "full" if self.device == "cpu" else "widest"
        # of the classes' weights
        total = Extra((), _FULL, per_sample=False)
        steps = (
            Step(output.dims, keeps=(1,), cast=first, layout="ordered"),
            # the negative log-likelihood
            Step((), (1,), keeps=(1,), extra=(total,), cast="full", per_sample=False),
        )
        return self.run(steps, [output], ())

    def kept(self) -> set[Storage]:
        """What autograd keeps now."""
        alive = (call for call in self._calls if call.holders)
        held = (storage for call in alive for storage in call.kept)
        return {storage for storage in held if not storage.lasting}

    def end_forward(self) -> None:
        """Leaves autocast, which has held its copies of the weights."""
        for copy in self._copies:
            self.ledger.drop(copy)
        self._copies.clear()

    def _step(self, step: Step, tensors: list[Tensor], weights: Weights) -> Tensor:
        ledger = self.ledger
        # by number, as autocast gives it to the call
        seen = {i: self._cast(tensors[i], step) for i in dict.fromkeys(step.reads)}
        reads = tuple(seen[i] for i in step.reads)
        copies = self._weight_copies(step, weights)
        itemsize = max(read.itemsize for read in reads)
        if step.cast == "widen" or (step.cast == "promote" and weights):
            itemsize = _FULL
        strides = _view(step, reads[0])
        if strides is not None:
            storage = reads[0].storage
            ledger.hold(storage)
        else:
            strides = _strides(step, reads)
            storage = ledger.new(step.dims, itemsize, per_sample=step.per_sample)
        copied = reads[0].storage is not tensors[0].storage
        if step.rows is not None and len(weights) > 1 and copied:
            # not one call with a bias; what this is added to goes
            product, storage = storage, ledger.new(step.dims, itemsize)
            ledger.drop(product)
        output = Tensor(storage, step.dims, itemsize, strides, step.per_sample)
        if step.shares is not None and storage is reads[0].storage:
            output.base = reads[0].base
            if step.shares == "view":
                output.base = reads[0].base or reads[0]
        extra = [
            ledger.new(e.dims, e.itemsize or itemsize, per_sample=e.per_sample)
            for e in step.extra
        ]
        trained = weights or any(read.call is not None for read in reads)
        if trained:
            numbers = [i for i in step.keeps if self._is_needed(i, seen, step)]
            keeps = [(seen.get(i) or output).storage for i in numbers]
            keeps = [*dict.fromkeys(keeps), *extra]
            if step.keeps_weight and not (
                step.weight_for_input and reads[0].call is None
            ):
                keeps += copies[:1]
            for held in keeps:
                ledger.keep(held)
            if step.shares == "overwritten" and output.base is not None:
                self._record_written(output, step, output.base, keeps)
            else:
                self._record(output, step, reads, keeps, weights)
        for temporary in extra:
            ledger.drop(temporary)
        for number, read in seen.items():
            if read is not tensors[number]:
                self.drop(read)
        return output

    def _record(
        self,
        output: Tensor,
        step: Step,
        reads: tuple[Tensor, ...],
        keeps: list[Storage],
        weights: Weights = (),
    ) -> None:
        for read in reads:
            if read.call is not None:
                read.call.holders += 1
        layer, itemsize = self.ledger.layer, output.itemsize
        output.call = _Call(layer, step, reads, itemsize, keeps, weights)
        self._calls.append(output.call)

    def _record_written(
        self, view: Tensor, step: Step, base: Tensor, keeps: list[Storage]
    ) -> None:
        """What is written to a view is written to its base, which goes back through a
        copy of the whole; the view is then made anew of that."""
        whole = replace(base, call=None, base=None)
        part = Step(base.dims, scratch=2, part=step.dims, per_sample=base.per_sample)
        self._record(whole, part, (base,), keeps)
        self._record(view, Step(step.dims), (whole,), [])
        view.base = whole
        assert whole.call is not None
        whole.call.holders -= 1

    def _is_needed(self, number: int, seen: dict[int, Tensor], step: Step) -> bool:
        """A factor is kept for the gradient of the other one."""
        others = (tensor for i, tensor in seen.items() if i != number)
        return not step.spread or any(other.call is not None for other in others)

    def _cast(self, tensor: Tensor, step: Step) -> Tensor:
        """What autocast makes of an argument."""
        wanted = {"low": _HALF, "full": _FULL}.get(step.cast, tensor.itemsize)
        if not self.half or tensor.itemsize == wanted:
            return tensor
        step = Step(tensor.dims, per_sample=tensor.per_sample)
        copy = Tensor(
            self.ledger.new(tensor.dims, wanted, per_sample=tensor.per_sample),
            tensor.dims,
            wanted,
            kept(tensor.dims, tensor.strides),
            tensor.per_sample,
        )
        if tensor.call is not None:
            self._record(copy, step, (tensor,), [])
        return copy

    def _weight_copies(self, step: Step, weights: Weights) -> list[Storage]:
        if not self.half or step.cast != "low":
            return []
        copies = [self.ledger.new(dims, _HALF, per_sample=False) for dims in weights]
        self._copies += copies
        return copies

    # ---- backward

    def backward(self) -> None:
        """Runs all calls back."""
        loss = self._loss
        assert loss is not None
        self.ledger.phase, self.ledger.layer = "backward", None
        # of the loss by itself, which its caller holds as well
        one = self.ledger.new((), _FULL, per_sample=False)
        if loss.call is not None:
            self.ledger.hold(one)
            loss.call.gradient = _Gradient(one, contiguous(()))
        while self._calls:
            call = self._calls.pop()
            if call.gradient is not None:
                self._back(call, call.gradient)
        self.ledger.drop(one)
        self.ledger.drop(loss.storage)

    def _back(self, call: _Call, gradient: _Gradient) -> None:
        ledger, step = self.ledger, call.step
        ledger.layer = call.layer
        gradient = self._in_rows(step, gradient)
        scratch = [
            ledger.new(
                step.part or step.dims, call.itemsize, per_sample=step.per_sample
            )
            for _ in range(step.scratch)
        ]
        made: list[tuple[Tensor, _Gradient]] = []
        # the gradient of what is read last is made first
        for read in reversed(call.reads):
            if read.call is not None:
                made.append((read, self._gradient(call, read, gradient)))
            while scratch:
                ledger.drop(scratch.pop())
        # and that of what is read first is handed on first
        made.reverse()
        if step.spreads_weight:
            scratch.append(ledger.new(step.dims, call.itemsize))
        halves = self._weight_gradients(call)
        while scratch:
            ledger.drop(scratch.pop())
        if step.fresh_gradient:
            made = [(read, self._fitted(call, read, one)) for read, one in made]
        for storage in call.kept:
            ledger.release(storage)
        ledger.drop(gradient.storage)
        for half, dims in zip(halves, call.weights, strict=False):
            ledger.gradient(prod(dims) * _FULL)
            ledger.drop(half)
        if step.weight_as_map:
            self._copy_weight_gradients(call)
        for read, one in made:
            assert read.call is not None
            self._deliver(read.call, one)

    def _in_rows(self, step: Step, gradient: _Gradient) -> _Gradient:
        """A gradient of which a call goes through the rows, copied where its axes do
        not lie so."""
        if step.rows is None or joined(step.dims, gradient.strides, *step.rows):
            return gradient
        copy = self.ledger.new(step.dims, _FULL, per_sample=step.per_sample)
        self.ledger.drop(gradient.storage)
        return _Gradient(copy, contiguous(step.dims))

    def _weight_gradients(self, call: _Call) -> list[Storage]:
        """Makes the gradients of parameters, first in half precision where these were
        copied to it; those are given."""
        if self.half and call.step.cast == "low":
            return [
                self.ledger.new(dims, _HALF, per_sample=False) for dims in call.weights
            ]
        for dims in call.weights:
            self.ledger.gradient(prod(dims) * _FULL)
        return []

    def _copy_weight_gradients(self, call: _Call) -> None:
        """A weight's gradient lies as the map that it was made from, and is copied into
        the weight's own order."""
        read = call.reads[0]
        if not is_channels_last(read.dims, read.strides):
            return
        for dims in call.weights:
            if prod(dims[2:]) > 1:
                self.ledger.drop(self.ledger.new(dims, _FULL, per_sample=False))

    def _gradient(self, call: _Call, read: Tensor, gradient: _Gradient) -> _Gradient:
        """The gradient of what a call read, with one holder, as the call makes it."""
        step = call.step
        if not step.fresh_gradient:
            self.ledger.hold(gradient.storage)
            return _Gradient(gradient.storage, _back_view(step, read, gradient))
        dims = step.dims if step.spread else read.dims
        storage = self.ledger.new(dims, call.itemsize, per_sample=read.per_sample)
        if step.layout == "kept" and len(gradient.strides) == len(dims) + 1:
            return _Gradient(storage, kept(dims, gradient.strides))
        if step.layout == "map" and is_channels_last(read.dims, read.strides):
            return _Gradient(storage, channels_last(dims))
        return _Gradient(storage, contiguous(dims))

    def _fitted(self, call: _Call, read: Tensor, gradient: _Gradient) -> _Gradient:
        """The same summed up where what was read was spread, converted where it was
        narrower."""
        spread = call.step.spread and read.dims != call.step.dims
        if not spread and read.itemsize == call.itemsize:
            return gradient
        made = self.ledger.new(read.dims, read.itemsize, per_sample=read.per_sample)
        self.ledger.drop(gradient.storage)
        return _Gradient(made, kept(read.dims, gradient.strides))

    def _deliver(self, call: _Call, gradient: _Gradient) -> None:
        """Adds a gradient to those that have come for a call's output."""
        before, step = call.gradient, call.step
        if before is None:
            call.gradient = gradient
            return
        # torch adds in place where nothing else holds the first of them, but not while
        # a tracker looks on; so this is what was held to its account, and the upper end
        total = self.ledger.new(step.dims, call.itemsize, per_sample=step.per_sample)
        call.gradient = _Gradient(total, kept(step.dims, before.strides))
        self.ledger.drop(before.storage)
        self.ledger.drop(gradient.storage)


def _back_view(step: Step, read: Tensor, gradient: _Gradient) -> Strides:
    """How a gradient that is handed on lies with the axes of what was read."""
    if step.order:
        strides = [0] * len(step.order)
        for axis, stride in zip(step.order, gradient.strides, strict=True):
            strides[axis] = stride
        return tuple(strides)
    if step.joins is not None and len(step.dims) < len(read.dims):
        return split(read.dims, gradient.strides, *step.joins)
    return gradient.strides


def _view(step: Step, read: Tensor) -> Strides | None:
    """How a step's output lies in the memory of what is read; None if not there."""
    if step.joins is not None:
        strides = joined(read.dims, read.strides, *step.joins)
        if strides is None or len(step.dims) < len(read.dims):
            return strides
        return read.strides
    if step.shares is None:
        return None
    if step.order:
        return tuple(read.strides[axis] for axis in step.order)
    return read.strides


def _strides(step: Step, reads: tuple[Tensor, ...]) -> Strides:
    """How the numbers of a new tensor lie."""
    # what is spread over the others has no say
    read = next((r for r in reads if r.dims == step.dims), reads[0])
    if step.layout == "map" and all(is_channels_last(r.dims, r.strides) for r in reads):
        return channels_last(step.dims)
    if step.layout == "kept" and len(read.dims) == len(step.dims):
        return kept(step.dims, read.strides)
    return contiguous(step.dims)
