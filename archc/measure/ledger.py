"""Bytes that a training step holds, as they come and go.

An amount is a number that is there for any batch and one for each sample of it, so
that one account serves every batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, NamedTuple

from archc.network.graph import Layer

Phase = Literal["forward", "backward", "step"]


class Amount(NamedTuple):
    """Bytes: `fixed`, and `each` for every sample."""

    fixed: int
    each: int

    def at(self, batch: int) -> int:
        return self.fixed + batch * self.each


class Moment(NamedTuple):
    """What is held at a point where something was just made."""

    phase: Phase
    layer: Layer | None
    """The layer at work; None for the loss and the optimizer."""
    gradients: int
    """Of parameters."""
    saved: int
    saved_each: int
    """Kept by autograd: for any batch, and for each sample."""
    transient: int
    transient_each: int
    """Everything else: values in the making, gradients on their way."""

    def at(self, batch: int) -> int:
        """Bytes held, without what lasts: parameters, buffers, state, input."""
        each = self.saved_each + self.transient_each
        return self.gradients + self.saved + self.transient + batch * each

    def transient_at(self, batch: int) -> int:
        """What autograd does not keep of them."""
        return self.transient + batch * self.transient_each


@dataclass(slots=True, eq=False)
class Storage:
    """Memory that one or several tensors share."""

    fixed: int
    each: int
    layer: Layer | None
    """Where it was made."""
    holders: int = 1
    """How many variables, and how many calls that wait for their way back, hold it."""
    keepers: int = 0
    """The calls among them."""
    lasting: bool = False
    """Whether it is the caller's, and not counted here."""


class Ledger:
    """The account.

    With `counts`, only what is made where that is true: it is asked about the layer at
    work and the phase.
    """

    def __init__(
        self, counts: Callable[[Layer | None, Phase], bool] | None = None
    ) -> None:
        self._counts = counts
        self.phase: Phase = "forward"
        self.layer: Layer | None = None
        self._moments: list[tuple[Any, ...]] = []
        # these change several times for each layer
        self._saved = 0
        self._saved_each = 0
        self._transient = 0
        self._transient_each = 0
        self._gradients = 0
        self._rising = False

    @property
    def moments(self) -> tuple[Moment, ...]:
        """Every point so far at which the account may have been highest."""
        return tuple(map(Moment._make, self._moments))

    @property
    def saved(self) -> Amount:
        """What autograd keeps now."""
        return Amount(self._saved, self._saved_each)

    def begin(self, phase: Phase) -> None:
        """The phase that comes now, no layer yet at work."""
        self.phase, self.layer, self._rising = phase, None, False

    def new(
        self, dims: tuple[int, ...], itemsize: int, *, per_sample: bool = True
    ) -> Storage:
        """A storage with one holder."""
        size = prod(dims) * itemsize
        if self._counts is not None and not self._counts(self.layer, self.phase):
            size = 0
        if per_sample:
            self._transient_each += size
            storage = Storage(0, size, self.layer)
        else:
            self._transient += size
            storage = Storage(size, 0, self.layer)
        self._note()
        return storage

    def gradient(self, size: int) -> None:
        """A parameter's gradient, which stays until the step's end."""
        if self._counts is None or self._counts(self.layer, self.phase):
            self._gradients += size
        self._note()

    def hold(self, storage: Storage) -> None:
        storage.holders += 1

    def drop(self, storage: Storage) -> None:
        """One holder less; without any the bytes are free."""
        storage.holders -= 1
        if not storage.holders and not storage.lasting:
            self._transient -= storage.fixed
            self._transient_each -= storage.each
            self._rising = False

    def keep(self, storage: Storage) -> None:
        """Held by a call that waits for its way back."""
        storage.holders += 1
        storage.keepers += 1
        if storage.keepers == 1 and not storage.lasting:
            self._transient -= storage.fixed
            self._transient_each -= storage.each
            self._saved += storage.fixed
            self._saved_each += storage.each

    def release(self, storage: Storage) -> None:
        """No longer held by such a call."""
        storage.keepers -= 1
        if not storage.keepers and not storage.lasting:
            self._saved -= storage.fixed
            self._saved_each -= storage.each
            self._transient += storage.fixed
            self._transient_each += storage.each
        self.drop(storage)

    def _note(self) -> None:
        # a `Moment`, of which most are never looked at
        moment = (
            self.phase, self.layer, self._gradients,
            self._saved, self._saved_each, self._transient, self._transient_each,
        )  # fmt: skip
        # while nothing is freed in between, the later moment is the higher one
        if self._rising:
            self._moments[-1] = moment
        else:
            self._moments.append(moment)
            self._rising = True
