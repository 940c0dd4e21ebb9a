"""One training step in torch's order, with sizes in place of numbers.

Going forward, every recorded call makes its output and keeps what its way back needs.
Going back, calls run in the reverse order of their making, as in torch's engine: each
makes the gradients of what it read, lets go of what it kept, and hands the gradients
on. Those that meet at one tensor are summed up.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from math import prod

from archc.measure.ledger import Ledger, Storage
from archc.network.graph import Layer
from archc.ops.base import sizes_of
from archc.ops.steps import Device, Extra, Step

_FULL, _HALF = 4, 2


@dataclass(slots=True, eq=False)
class Tensor:
    """A value at run time; `call` made it, if it needs a gradient."""

    storage: Storage
    dims: tuple[int, ...]
    itemsize: int
    call: _Call | None = None


@dataclass(slots=True, eq=False)
class _Call:
    """A recorded call; `gradient` is what has come for its output so far."""

    layer: Layer | None
    step: Step
    reads: tuple[Tensor, ...]
    itemsize: int
    kept: list[Storage]
    weights: tuple[int, ...] = ()
    """How many numbers each of its parameters has."""
    gradient: Storage | None = None


class Tape:
    """Runs layers forward, and then all of them back."""

    def __init__(
        self,
        alive: Set[Layer],
        *,
        half: bool,
        device: Device,
        sums_in_place: bool = True,
    ) -> None:
        self.ledger = Ledger()
        self.alive = alive
        """The layers that an output comes from. What others keep goes with what they
        made, which nobody holds."""
        self.half = half
        """Whether autocast is on."""
        self.device: Device = device
        self.sums_in_place = sums_in_place
        """Whether gradients that meet are added in place, as torch does where nothing
        else holds one of them. It does not while a tracker looks on."""
        self._recording = True
        self._calls: list[_Call] = []
        self._copies: list[Storage] = []

    # ---- forward

    def input(self, dims: tuple[int, ...]) -> Tensor:
        """A batch, which its caller holds."""
        size = prod(dims) * _FULL
        return Tensor(Storage(0, size, None, lasting=True), dims, _FULL)

    def layer(self, layer: Layer, inputs: Iterable[Tensor], *, inplace: bool) -> Tensor:
        """Runs one layer."""
        self.ledger.layer = layer
        self._recording = layer in self.alive
        shapes = tuple(value.shape for value in layer.inputs if value.shape)
        steps = layer.op.steps(
            shapes, layer.output_shape(), device=self.device, inplace=inplace
        )
        weights = layer.op.parameters(shapes[0])
        return self.run(
            steps, inputs, tuple(prod(sizes_of(dims)) for dims in weights.values())
        )

    def run(
        self, steps: Iterable[Step], inputs: Iterable[Tensor], weights: tuple[int, ...]
    ) -> Tensor:
        """Runs an op's steps; its caller holds the output."""
        tensors, todo = list(inputs), list(steps)
        before = len(tensors)
        for i, step in enumerate(todo):
            tensors.append(self._step(step, tensors, weights if step.trains else ()))
            later = {number for other in todo[i + 1 :] for number in other.reads}
            for number in set(step.reads) - later:
                if number >= before:
                    self.ledger.drop(tensors[number].storage)
        return tensors[-1]

    def loss(self, output: Tensor) -> None:
        """Cross-entropy as torch computes it: in single precision on the CPU, and on a
        GPU the last part of it."""
        self.ledger.layer, self._recording = None, True
        first = "full" if self.device == "cpu" else "widest"
        # of the classes' weights
        total = Extra((), _FULL, per_sample=False)
        steps = (
            Step(output.dims, keeps=(1,), cast=first),
            # the negative log-likelihood
            Step((), (1,), keeps=(1,), extra=(total,), cast="full"),
        )
        loss = self.run(steps, [output], ())
        if loss.call is not None:
            loss.call.gradient = loss.storage

    def kept(self) -> set[Storage]:
        """What autograd keeps now."""
        held = (storage for call in self._calls for storage in call.kept)
        return {storage for storage in held if not storage.lasting}

    def end_forward(self) -> None:
        """Leaves autocast, which has held its copies of the weights."""
        for copy in self._copies:
            self.ledger.drop(copy)
        self._copies.clear()

    def _step(
        self, step: Step, tensors: list[Tensor], weights: tuple[int, ...]
    ) -> Tensor:
        ledger = self.ledger
        # by number, as autocast gives it to the call
        seen = {i: self._cast(tensors[i], step) for i in dict.fromkeys(step.reads)}
        reads = tuple(seen[i] for i in step.reads)
        copies = self._weight_copies(step, weights)
        itemsize = max(read.itemsize for read in reads)
        if step.cast == "widen" or (step.cast == "promote" and weights):
            itemsize = _FULL
        if step.shares:
            storage = reads[0].storage
            ledger.hold(storage)
        else:
            storage = ledger.new(step.dims, itemsize)
        output = Tensor(storage, step.dims, itemsize)
        extra = [
            ledger.new(e.dims, e.itemsize or itemsize, per_sample=e.per_sample)
            for e in step.extra
        ]
        trained = weights or any(read.call is not None for read in reads)
        if self._recording and trained:
            numbers = [i for i in step.keeps if self._is_needed(i, seen, step)]
            kept = [(seen.get(i) or output).storage for i in numbers]
            kept = [*dict.fromkeys(kept), *extra]
            if step.keeps_weight and not (
                step.weight_for_input and reads[0].call is None
            ):
                kept += copies[:1]
            for held in kept:
                ledger.keep(held)
            output.call = _Call(ledger.layer, step, reads, itemsize, kept, weights)
            self._calls.append(output.call)
        for temporary in extra:
            ledger.drop(temporary)
        for number, read in seen.items():
            if read is not tensors[number]:
                ledger.drop(read.storage)
        return output

    def _is_needed(self, number: int, seen: dict[int, Tensor], step: Step) -> bool:
        """A factor is kept for the gradient of the other one."""
        others = (tensor for i, tensor in seen.items() if i != number)
        return not step.spread or any(other.call is not None for other in others)

    def _cast(self, tensor: Tensor, step: Step) -> Tensor:
        """What autocast makes of an argument."""
        wanted = {"low": _HALF, "full": _FULL}.get(step.cast, tensor.itemsize)
        if not self.half or tensor.itemsize == wanted:
            return tensor
        copy = Tensor(self.ledger.new(tensor.dims, wanted), tensor.dims, wanted)
        if self._recording and tensor.call is not None:
            copy.call = _Call(
                self.ledger.layer, Step(tensor.dims), (tensor,), wanted, []
            )
            self._calls.append(copy.call)
        return copy

    def _weight_copies(self, step: Step, weights: tuple[int, ...]) -> list[Storage]:
        if not self.half or step.cast != "low":
            return []
        copies = [self.ledger.new((size,), _HALF, per_sample=False) for size in weights]
        self._copies += copies
        return copies

    # ---- backward

    def backward(self) -> None:
        """Runs all calls back."""
        self.ledger.phase = "backward"
        while self._calls:
            call = self._calls.pop()
            if call.gradient is not None:
                self._back(call, call.gradient)

    def _back(self, call: _Call, gradient: Storage) -> None:
        ledger, step = self.ledger, call.step
        ledger.layer = call.layer
        scratch = [
            ledger.new(call.step.dims, call.itemsize) for _ in range(step.scratch)
        ]
        made: list[tuple[_Call, Storage]] = []
        # the gradient of what is read last is made first
        for read in reversed(call.reads):
            if read.call is not None:
                made.append((read.call, self._gradient(call, read, gradient)))
            while scratch:
                ledger.drop(scratch.pop())
        halves = [
            ledger.new((size,), _HALF, per_sample=False)
            for size in call.weights
            if self.half and step.cast == "low"
        ]
        if not halves:
            for size in call.weights:
                ledger.gradient(size * _FULL)
        for storage in call.kept:
            ledger.release(storage)
        ledger.drop(gradient)
        for half, size in zip(halves, call.weights, strict=False):
            ledger.gradient(size * _FULL)
            ledger.drop(half)
        for maker, one in made:
            self._deliver(maker, one)

    def _gradient(self, call: _Call, read: Tensor, gradient: Storage) -> Storage:
        """The gradient of what a call read, with one holder."""
        ledger = self.ledger
        if not call.step.fresh_gradient:
            ledger.hold(gradient)
            return gradient
        # summed up where the read was spread, converted where it was narrower
        spread = call.step.spread and read.dims != call.step.dims
        if not spread and read.itemsize == call.itemsize:
            return ledger.new(read.dims, read.itemsize)
        first = ledger.new(call.step.dims if spread else read.dims, call.itemsize)
        made = ledger.new(read.dims, read.itemsize)
        ledger.drop(first)
        return made

    def _deliver(self, call: _Call, gradient: Storage) -> None:
        """Adds a gradient to those that have come for a call's output."""
        before = call.gradient
        if before is None:
            call.gradient = gradient
            return
        size = prod(call.step.dims) * call.itemsize
        for one, other in ((before, gradient), (gradient, before)):
            if self.sums_in_place and one.holders == 1 and one.each == size:
                call.gradient = one
                self.ledger.drop(other)
                return
        call.gradient = self.ledger.new(call.step.dims, call.itemsize)
        self.ledger.drop(before)
        self.ledger.drop(gradient)
