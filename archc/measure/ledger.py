"""Bytes that a training step holds, as they come and go.

An amount is a number that is there for any batch and one for each sample of it, so
that one account serves every batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Literal, NamedTuple

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
    saved: Amount
    """Kept by autograd."""
    transient: Amount
    """Everything else: values in the making, gradients on their way."""

    def at(self, batch: int) -> int:
        """Bytes held, without what lasts: parameters, buffers, state, input."""
        return self.gradients + self.saved.at(batch) + self.transient.at(batch)


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
    """The account; `moments` has every point at which it may have been highest.

    With `counts`, only what is made where that is true: it is asked about the layer at
    work and the phase.
    """

    def __init__(
        self, counts: Callable[[Layer | None, Phase], bool] | None = None
    ) -> None:
        self._counts = counts
        self.phase: Phase = "forward"
        self.layer: Layer | None = None
        self.moments: list[Moment] = []
        self.saved = Amount(0, 0)
        self._fixed = 0
        """What is transient. These change several times for each layer."""
        self._each = 0
        self.gradients = 0
        self._rising = False

    def new(
        self, dims: tuple[int, ...], itemsize: int, *, per_sample: bool = True
    ) -> Storage:
        """A storage with one holder."""
        size = prod(dims) * itemsize
        if self._counts is not None and not self._counts(self.layer, self.phase):
            size = 0
        fixed, each = (0, size) if per_sample else (size, 0)
        self._fixed += fixed
        self._each += each
        storage = Storage(fixed, each, self.layer)
        self._note()
        return storage

    def gradient(self, size: int) -> None:
        """A parameter's gradient, which stays until the step's end."""
        if self._counts is None or self._counts(self.layer, self.phase):
            self.gradients += size
        self._note()

    def hold(self, storage: Storage) -> None:
        storage.holders += 1

    def drop(self, storage: Storage) -> None:
        """One holder less; without any the bytes are free."""
        storage.holders -= 1
        if not storage.holders and not storage.lasting:
            self._fixed -= storage.fixed
            self._each -= storage.each
            self._rising = False

    def keep(self, storage: Storage) -> None:
        """Held by a call that waits for its way back."""
        storage.holders += 1
        storage.keepers += 1
        if storage.keepers == 1 and not storage.lasting:
            self._fixed -= storage.fixed
            self._each -= storage.each
            saved = self.saved
            self.saved = Amount(saved.fixed + storage.fixed, saved.each + storage.each)

    def release(self, storage: Storage) -> None:
        """No longer held by such a call."""
        storage.keepers -= 1
        if not storage.keepers and not storage.lasting:
            saved = self.saved
            self.saved = Amount(saved.fixed - storage.fixed, saved.each - storage.each)
            self._fixed += storage.fixed
            self._each += storage.each
        self.drop(storage)

    def _note(self) -> None:
        # while nothing is freed in between, the later moment is the higher one
        if self._rising and self.moments[-1].phase == self.phase:
            self.moments.pop()
        self._rising = True
        transient = Amount(self._fixed, self._each)
        self.moments.append(
            Moment(self.phase, self.layer, self.gradients, self.saved, transient)
        )
