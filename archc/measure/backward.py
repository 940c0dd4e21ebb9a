"""The way back of a training step: gradients are made, summed up and let go of."""

from __future__ import annotations

from math import prod

from archc.measure.calls import FULL, HALF, Call, Gradient, Tensor
from archc.measure.layout import (
    Strides,
    channels_last,
    contiguous,
    is_channels_last,
    joined,
    kept,
    split,
    viewed,
)
from archc.measure.ledger import Ledger, Storage
from archc.network.graph import Layer
from archc.ops.steps import Step


class Backward:
    """Runs calls back; `half` says whether autocast was on."""

    def __init__(self, ledger: Ledger, *, half: bool) -> None:
        self.ledger = ledger
        self.half = half
        self._came: set[Layer] = set()
        """The layers whose parameters have gradients."""
        self._gradients: dict[Call, dict[int, Gradient]] = {}
        """What has come so far for the outputs of calls."""

    def run(self, calls: list[Call], loss: Tensor) -> None:
        """Runs recorded calls, from the last to the first; their list is used up."""
        self.ledger.begin("backward")
        # the gradient of the loss by itself, which its caller holds as well
        one = self.ledger.new((), FULL, per_sample=False)
        if loss.call is not None:
            self.ledger.hold(one)
            self._gradients[loss.call] = {0: Gradient(one, contiguous(()))}
        while calls:
            call = calls.pop()
            gradients = self._gradients.pop(call, None)
            if gradients is not None and call.step.siblings:
                self._join(call, gradients)
            elif gradients is not None:
                self._back(call, gradients[0])
        self.ledger.drop(one)
        self.ledger.drop(loss.storage)

    def _back(self, call: Call, gradient: Gradient) -> None:
        ledger, step = self.ledger, call.step
        ledger.layer = call.layer
        gradient = self._in_rows(step, gradient)
        scratch = self._scratch(call)
        made: list[tuple[Tensor, Gradient]] = []
        # the gradient of what is read last is made first
        for read in reversed(call.reads):
            if read.call is not None:
                made.append((read, self._gradient(call, read, gradient)))
            while scratch:
                ledger.drop(scratch.pop())
        # and that of what is read first is handed on first
        made.reverse()
        if step.makes_both and not made:
            scratch.append(ledger.new(step.dims, call.itemsize))
        if step.spreads_weight:
            scratch.append(ledger.new(step.dims, call.itemsize))
        summed = bool(call.weights) and self._is_further(call)
        halves = self._weight_gradients(call, summed=summed) if call.weights else []
        while scratch:
            ledger.drop(scratch.pop())
        if step.fresh_gradient and (step.spread or self.half):
            made = [(read, self._fitted(call, read, one)) for read, one in made]
        for storage in call.kept:
            ledger.release(storage)
        ledger.drop(gradient.storage)
        if summed:
            self._sum(call, halves)
        for half, dims in zip(halves, () if summed else call.weights, strict=False):
            ledger.gradient(prod(dims) * FULL)
            ledger.drop(half)
        if step.weight_as_map:
            self._copy_weight_gradients(call)
        for read, one in made:
            self._deliver(read, one)

    def _join(self, call: Call, gradients: dict[int, Gradient]) -> None:
        """Makes the gradient of what a call gives parts of."""
        ledger, step = self.ledger, call.step
        ledger.layer = call.layer
        missing = step.siblings + 1 - len(gradients)
        zeros = [ledger.new(step.dims, call.itemsize) for _ in range(missing)]
        (read,) = call.reads
        one = self._gradient(call, read, next(iter(gradients.values())))
        for storage in (*zeros, *(g.storage for g in gradients.values())):
            ledger.drop(storage)
        self._deliver(read, one)

    def _scratch(self, call: Call) -> list[Storage]:
        """What else there is while a call makes its gradients."""
        ledger, step = self.ledger, call.step
        # a quotient's is for the gradient of what it divides by
        spared = step.divides and call.reads[-1].call is None
        count, dims = 0 if spared else step.scratch, step.part or step.dims
        made = [
            ledger.new(dims, call.itemsize, per_sample=step.per_sample)
            for _ in range(count)
        ]
        for e in step.temporary:
            size = e.itemsize or call.itemsize
            made.append(ledger.new(e.dims, size, per_sample=e.per_sample))
        return made

    def _in_rows(self, step: Step, gradient: Gradient) -> Gradient:
        """A gradient of which a call goes through the rows, copied where its axes do
        not lie so."""
        if step.rows is None or joined(step.dims, gradient.strides, *step.rows):
            return gradient
        copy = self.ledger.new(step.dims, FULL, per_sample=step.per_sample)
        self.ledger.drop(gradient.storage)
        return Gradient(copy, contiguous(step.dims))

    def _weight_gradients(self, call: Call, *, summed: bool) -> list[Storage]:
        """Makes the gradients of parameters, first in half precision where these were
        copied to it; those are given, and all that are `summed` with earlier ones."""
        size = HALF if self.half and call.step.cast == "low" else FULL
        if summed or size == HALF:
            return [
                self.ledger.new(dims, size, per_sample=False) for dims in call.weights
            ]
        for dims in call.weights:
            self.ledger.gradient(prod(dims) * FULL)
        return []

    def _sum(self, call: Call, gradients: list[Storage]) -> None:
        """Adds the gradients of one more use of parameters to those that are there,
        which is done when all else of the call is gone; as in `_deliver`."""
        size = HALF if self.half and call.step.cast == "low" else FULL
        parts = [*zip(call.weights, gradients, strict=True)]
        for dims, one in reversed(parts) if call.step.bias_first else parts:
            total = self.ledger.new(dims, size, per_sample=False)
            self.ledger.drop(one)
            self.ledger.drop(total)

    def _is_further(self, call: Call) -> bool:
        """Whether another use of a call's parameters has brought their gradients."""
        assert call.layer is not None
        owner = call.layer.trained()
        further = owner in self._came
        self._came.add(owner)
        return further

    def _copy_weight_gradients(self, call: Call) -> None:
        """A weight's gradient lies as the map that it was made from, and is copied into
        the weight's own order."""
        read = call.reads[0]
        if not is_channels_last(read.dims, read.strides):
            return
        for dims in call.weights:
            if prod(dims[2:]) > 1:
                self.ledger.drop(self.ledger.new(dims, FULL, per_sample=False))

    def _gradient(self, call: Call, read: Tensor, gradient: Gradient) -> Gradient:
        """The gradient of what a call read, with one holder, as the call makes it."""
        step = call.step
        if not step.fresh_gradient and step.spread and read.dims != step.dims:
            storage = self.ledger.new(
                read.dims, read.itemsize, per_sample=read.per_sample
            )
            return Gradient(storage, contiguous(read.dims))
        if step.reshapes:
            strides = viewed(step.dims, gradient.strides, read.dims)
            if strides is not None:
                self.ledger.hold(gradient.storage)
                return Gradient(gradient.storage, strides)
            copy = self.ledger.new(read.dims, call.itemsize, per_sample=read.per_sample)
            return Gradient(copy, contiguous(read.dims))
        if not step.fresh_gradient:
            self.ledger.hold(gradient.storage)
            return Gradient(gradient.storage, _back_view(step, read, gradient))
        dims = step.dims if step.spread else read.dims
        storage = self.ledger.new(dims, call.itemsize, per_sample=read.per_sample)
        if step.shares == "view" and not step.siblings:
            return Gradient(storage, contiguous(dims))  # zeros, and a part of them
        return Gradient(storage, _gradient_strides(step, dims, read, gradient))

    def _fitted(self, call: Call, read: Tensor, gradient: Gradient) -> Gradient:
        """The same summed up where what was read was spread, converted where it was
        narrower."""
        spread = call.step.spread and read.dims != call.step.dims
        if not spread and read.itemsize == call.itemsize:
            return gradient
        made = self.ledger.new(read.dims, read.itemsize, per_sample=read.per_sample)
        self.ledger.drop(gradient.storage)
        return Gradient(made, kept(read.dims, gradient.strides))

    def _deliver(self, tensor: Tensor, gradient: Gradient) -> None:
        """Adds a gradient to those that have come for a tensor."""
        call = tensor.call
        assert call is not None
        gradients, step = self._gradients.setdefault(call, {}), call.step
        before = gradients.setdefault(tensor.part, gradient)
        if before is gradient:
            return
        # torch adds in place where nothing else holds the first of them, but not while
        # a tracker looks on; so this is what was held to its account, and the upper end
        total = self.ledger.new(step.dims, call.itemsize, per_sample=step.per_sample)
        gradients[tensor.part] = Gradient(total, kept(step.dims, before.strides))
        self.ledger.drop(before.storage)
        self.ledger.drop(gradient.storage)


def _back_view(step: Step, read: Tensor, gradient: Gradient) -> Strides:
    """How a gradient that is handed on lies with the axes of what was read."""
    if step.order:
        strides = [0] * len(step.order)
        for axis, stride in zip(step.order, gradient.strides, strict=True):
            strides[axis] = stride
        return tuple(strides)
    if step.joins is not None and len(step.dims) < len(read.dims):
        return split(read.dims, gradient.strides, *step.joins)
    if len(step.dims) < len(read.dims):
        return contiguous(read.dims)  # a sum's, spread over what it was of
    return gradient.strides


def _gradient_strides(
    step: Step, dims: tuple[int, ...], read: Tensor, gradient: Gradient
) -> Strides:
    """How a gradient of these `dims` lies that a call makes for what it read."""
    as_read = step.gradient_as_read
    if as_read is None:
        as_read = step.layout != "kept"
    strides, of = (
        (read.strides, read.dims) if as_read else (gradient.strides, step.dims)
    )
    if step.layout == "kept" and len(strides) == len(dims) + 1:
        return kept(dims, strides)
    if step.layout == "map" and is_channels_last(of, strides):
        return channels_last(dims)
    return contiguous(dims)
