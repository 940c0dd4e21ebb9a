"""One training step in torch's order, with sizes in place of numbers.

Going forward, every recorded call makes its output and keeps what its way back needs.
Going back, calls run in the reverse order of their making, as in torch's engine: each
makes the gradients of what it read, lets go of what it kept, and hands the gradients
on. Those that meet at one tensor are summed up.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import replace
from math import prod

from archc.measure.backward import Backward
from archc.measure.calls import FULL, HALF, Call, Tensor, Weights
from archc.measure.layout import (
    Strides,
    agree,
    channels_last,
    contiguous,
    expanded,
    is_channels_last,
    joined,
    kept,
    viewed,
)
from archc.measure.ledger import Ledger, Storage
from archc.network.graph import Layer
from archc.ops.sizes import Shape, sizes_of
from archc.ops.steps import Device, Extra, Step
from archc.ops.to import To

Plan = Sequence[tuple[Step, Weights, Collection[int]]]
"""Steps, each with the parameters that come in there and the numbers of the tensors
that nothing reads behind it."""


class Tape:
    """Runs layers forward, and then all of them back.

    Its `ledger` may count the part of them that lives in one place; then what crosses
    from one place to another is copied.
    """

    def __init__(
        self, *, half: bool, device: Device, ledger: Ledger | None = None
    ) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self._crosses = ledger is not None
        self.half = half
        """Whether autocast is on."""
        self.device: Device = device
        self._calls: list[Call] = []
        self._copies: dict[Layer | None, list[Storage]] = {}
        """What autocast has made of the weights of a layer."""
        self._loss: Tensor | None = None
        self._together: dict[object, Call] = {}
        """The calls that give several values."""
        self._known: dict[Hashable, Plan] = {}
        """What ops on inputs of these shapes do: all instances of a block have the same
        ops."""

    # ---- forward

    def input(self, dims: tuple[int, ...]) -> Tensor:
        """A batch, which its caller holds."""
        size = prod(dims) * FULL
        storage = Storage(0, size, None, lasting=True)
        return Tensor(storage, dims, FULL, contiguous(dims))

    def layer(
        self, layer: Layer, inputs: Sequence[Tensor], *, in_place: bool
    ) -> Tensor:
        """Runs one layer, or a step of a merge."""
        self.ledger.layer = layer
        op, x, y = layer.op, layer.input_shape(), layer.output_shape()
        if self._crosses and isinstance(op, To):
            return self.run((Step(y.dims),), *inputs)
        # without their shapes, whose hashes take longer
        read = [x.dims for x in inputs] if op.merges else (x.dims, x.channel_axis)
        key = (id(op), in_place, y.dims, y.channel_axis, *read)
        plan = self._known.get(key)
        if plan is None:
            shapes = (x,)
            if op.merges:
                shapes = tuple(Shape(x.dims, y.channel_axis) for x in inputs)
            steps = op.steps(shapes, y, device=self.device, inplace=in_place)
            weights = tuple(map(sizes_of, op.parameters(shapes[0]).values()))
            plan = self._known[key] = _plan(steps, weights, len(inputs))
        return self._planned(plan, inputs)

    def join(self, made: Tensor, together: object) -> None:
        """Makes what was recorded last one call with what it was called `together`
        with."""
        call = made.call
        if call is None:
            return
        first = self._together.setdefault(together, call)
        if first is not call:
            assert self._calls[-1] is call
            self._calls.pop()
            for read in call.reads:
                if read.call is not None:
                    read.call.holders -= 1
            made.call, made.part = first, first.outputs
            first.outputs += 1
            first.holders += 1

    def run(self, steps: Sequence[Step], *inputs: Tensor) -> Tensor:
        """Runs steps that have no parameters; its caller holds the output."""
        return self._planned(_plan(steps, (), len(inputs)), inputs)

    def _planned(self, plan: Plan, inputs: Iterable[Tensor]) -> Tensor:
        tensors = list(inputs)
        for step, weights, last in plan:
            tensors.append(self._step(step, tensors, weights))
            for number in last:
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
            weighted = self.run([Step((), per_sample=False)], other)
            before = total
            both = Step((), (0, 1), fresh_gradient=False, per_sample=False)
            total = self.run([both], before, weighted)
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
        total = Extra((), FULL, per_sample=False)
        steps = (
            Step(output.dims, keeps=(1,), cast=first, layout="ordered"),
            # the negative log-likelihood
            Step((), (1,), keeps=(1,), extra=(total,), cast="full", per_sample=False),
        )
        return self.run(steps, output)

    def kept(self) -> set[Storage]:
        """What autograd keeps now."""
        alive = (call for call in self._calls if call.holders)
        held = (storage for call in alive for storage in call.kept)
        return {storage for storage in held if not storage.lasting}

    def end_forward(self) -> None:
        """Leaves autocast, which has held its copies of the weights."""
        for copies in self._copies.values():
            for copy in copies:
                self.ledger.drop(copy)
        self._copies.clear()

    def _step(self, step: Step, tensors: list[Tensor], weights: Weights) -> Tensor:
        ledger = self.ledger
        reads = tuple([tensors[i] for i in step.reads])
        copies, itemsize = (), FULL
        if self.half:
            reads = self._cast_reads(step, tensors)
            copies = self._weight_copies(step, weights)
            itemsize = _itemsize(step, reads, weights)
        strides = _view(step, reads[0])
        if strides is not None:
            storage = reads[0].storage
            ledger.hold(storage)
            ordered = step.shares == "same" and step.layout != "kept"
            if ordered and reads[0] is tensors[step.reads[0]]:
                return _again(reads[0])
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
        trained = weights or any([read.call is not None for read in reads])
        extra: list[Storage] = []
        for e in step.extra:
            if trained or not e.for_gradient:
                size = e.itemsize or itemsize
                extra.append(ledger.new(e.dims, size, per_sample=e.per_sample))
        if trained:
            keeps = [*_kept(step, reads, output), *extra]
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
            if step.rows is not None and len(weights) > 1 and not copied:
                # of one call on the rows, with its bias, the output is a view
                output.base = replace(output)
        for temporary in extra:
            ledger.drop(temporary)
        if self.half:
            for number, read in dict(zip(step.reads, reads, strict=True)).items():
                if read is not tensors[number]:
                    self.drop(read)
        return output

    def _cast_reads(self, step: Step, tensors: list[Tensor]) -> tuple[Tensor, ...]:
        """What a step reads, as autocast gives it to the call."""
        first = tensors[0].itemsize
        numbers = dict.fromkeys(step.reads)
        seen = {i: self._cast(tensors[i], step, first) for i in numbers}
        return tuple([seen[i] for i in step.reads])

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
        output.call = Call(layer, step, reads, itemsize, keeps, weights)
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

    def _cast(self, tensor: Tensor, step: Step, first: int) -> Tensor:
        """What autocast makes of an argument; `first` is the size of the numbers that
        the op read."""
        sizes = {"low": HALF, "full": FULL, "back": first}
        wanted = sizes.get(step.cast, tensor.itemsize)
        if tensor.itemsize == wanted:
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

    def _weight_copies(self, step: Step, weights: Weights) -> Sequence[Storage]:
        """What autocast makes of parameters."""
        if step.cast != "low":
            return []
        layer = self.ledger.layer
        owner = None if layer is None else layer.trained()
        if layer is not owner and owner in self._copies:
            return self._copies[owner]
        copies = [self.ledger.new(dims, HALF, per_sample=False) for dims in weights]
        self._copies.setdefault(owner, []).extend(copies)
        return copies

    def backward(self) -> None:
        """Runs all calls back."""
        assert self._loss is not None
        Backward(self.ledger, half=self.half).run(self._calls, self._loss)


def _plan(steps: Sequence[Step], weights: Weights, inputs: int) -> Plan:
    """Steps on so many inputs, ready to be run."""
    found: list[tuple[Step, Weights, frozenset[int]]] = []
    later: set[int] = set()
    for step in reversed(steps):
        used = {n for n in (*step.reads, *step.holds) if n >= inputs}
        last = frozenset(used - later)
        found.append((step, weights if step.trains else (), last))
        later |= used
    return found[::-1]


def _again(tensor: Tensor) -> Tensor:
    """The same tensor as another variable, whose storage is held for it."""
    if tensor.call is not None:
        tensor.call.holders += 1
    return Tensor(
        tensor.storage,
        tensor.dims,
        tensor.itemsize,
        tensor.strides,
        tensor.per_sample,
        tensor.call,
        tensor.base,
        tensor.part,
    )


def _itemsize(step: Step, reads: tuple[Tensor, ...], weights: Weights) -> int:
    """Bytes of a number that a step gives under autocast."""
    if step.cast == "widen" or (step.cast == "promote" and weights):
        return FULL
    return max(read.itemsize for read in reads)


def _kept(step: Step, reads: tuple[Tensor, ...], output: Tensor) -> Collection[Storage]:
    """What is kept of a step that is recorded, each storage once."""
    numbers = step.keeps
    if step.spread:
        numbers = [i for i in numbers if _is_needed(i, step, reads)]
    found = [
        (reads[step.reads.index(i)] if i in step.reads else output).storage
        for i in numbers
    ]
    return found if len(found) < 2 else dict.fromkeys(found)


def _is_needed(number: int, step: Step, reads: tuple[Tensor, ...]) -> bool:
    """Whether a factor is kept, which is for the gradient of the other one."""
    both = step.divides and number == step.reads[-1]
    read = zip(step.reads, reads, strict=True)
    return any(x.call is not None for i, x in read if both or i != number)


def _view(step: Step, read: Tensor) -> Strides | None:
    """How a step's output lies in the memory of what is read; None if not there."""
    if step.joins is not None:
        strides = joined(read.dims, read.strides, *step.joins)
        if strides is None or len(step.dims) < len(read.dims):
            return strides
        return read.strides
    if step.reshapes:
        return viewed(read.dims, read.strides, step.dims)
    if step.shares is None:
        return None
    if step.expands:
        return expanded(read.dims, read.strides, step.dims)
    if step.order:
        return tuple(read.strides[axis] for axis in step.order)
    if step.layout != "kept" and not agree(
        read.dims, read.strides, _strides(step, (read,))
    ):
        return None
    return read.strides


def _strides(step: Step, reads: tuple[Tensor, ...]) -> Strides:
    """How the numbers of a new tensor lie."""
    # what is spread over the others has no say
    read = reads[0]
    if len(reads) > 1:
        read = next((r for r in reads if r.dims == step.dims), read)
    if step.layout == "map" and all(is_channels_last(r.dims, r.strides) for r in reads):
        return channels_last(step.dims)
    if step.layout == "kept" and len(read.dims) == len(step.dims):
        return kept(step.dims, read.strides)
    return contiguous(step.dims)
