"""Numbers for values: equal ones were made in the same way.

A value's number says by which function it was made, with which settings, from which
parameters and values. All recordings that are to be compared share one `Numbers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any, Final, NamedTuple

import torch

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hole:
    """Where a call reads a value: the place among the values that it reads."""

    index: int


class Kind(NamedTuple):
    """What is known of a value but for its numbers."""

    shape: Sizes
    """The batch included."""
    dtype: torch.dtype


class View(NamedTuple):
    """Which numbers of a contiguous tensor another one shows, and in which order.

    The steps are in numbers of the one that is shown. That of an axis with one place
    says nothing and is 0.
    """

    shape: Sizes
    steps: Sizes
    start: int

    @staticmethod
    def of(tensor: torch.Tensor) -> View:
        """Of a tensor that shows a contiguous one."""
        shape = tuple(tensor.shape)
        strides = zip(shape, tensor.stride(), strict=True)
        steps = tuple(0 if size == 1 else step for size, step in strides)
        return View(shape, steps, int(tensor.storage_offset()))

    @staticmethod
    def whole(shape: Sizes) -> View:
        """Of all the numbers in their order."""
        steps: list[int] = []
        step = 1
        for size in reversed(shape):
            steps.append(0 if size == 1 else step)
            step *= size
        return View(shape, tuple(reversed(steps)), 0)


Slot = tuple[str, int]
"""Which value a call makes: a result, or one that it reads and overwrites."""
RESULT: Final = ("result", 0)


@dataclass(slots=True, eq=False)
class Form:
    """A call of one function, whatever the values are that it reads."""

    function: str
    settings: tuple[tuple[Any, Any], ...]
    """Its arguments by name, with holes in the place of tensors."""
    call: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    """What it was called with, with holes in the place of tensors."""
    kinds: tuple[Kind, ...]
    """Of its results."""
    several: bool = False
    """Whether it gives several tensors, or one."""
    flops: int = 0
    writes: tuple[int, ...] = ()
    """The values that it reads and overwrites."""
    returns: int | None = None
    """Which of the values that it reads is its result: the same tensor."""
    aliases: bool = False
    """Whether a result shares its memory with a value that is read."""
    passes: int | None = None
    """Which of the values that it reads is its result, unchanged."""
    views: tuple[View | None, ...] = (None,)
    """Of results that show the first value that it reads."""
    commutes: bool = False
    joins: int | None = None
    """The axis along which it puts what it reads one after the other."""
    opaque: bool = False
    """Whether its numbers cannot be worked out: it is under autocast."""
    blocks: bool = False
    """Whether no gradient goes back through it."""
    identity: int = -1
    """The same number for forms that do the same."""


class Made(NamedTuple):
    """How a value is made; its form is None for one that comes from outside."""

    form: Form | None
    reads: tuple[int, ...]
    slot: Slot
    kind: Kind


_MOST_PARTS = 200


class Numbers:
    """The numbers of values."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._parts: dict[tuple[int, int], tuple[int, ...]] = {}
        """What was joined, by the axis and the result."""
        self.made: list[Made] = []
        """By number."""
        self.buffers: set[int] = set()
        """Those from outside that are not trained, such as variances."""
        self.nameless: set[int] = set()
        """Values from outside of which nothing is known."""

    def outside(self, key: Any, kind: Kind) -> int:
        """Of a value that comes from outside: `key` is all that is known of it."""
        number = self._numbers.get(key)
        if number is None:
            number = self._new(key, Made(None, (), RESULT, kind))
        return number

    def unknown(self, kind: Kind) -> int:
        """Of a value of which nothing is known; no other has the same number."""
        number = self._new(object(), Made(None, (), RESULT, kind))
        self.nameless.add(number)
        return number

    def of(self, form: Form, reads: tuple[int, ...], slot: Slot = RESULT) -> int:
        """Of what a call makes of values."""
        if slot[0] == "result":
            if form.passes is not None:
                return reads[form.passes]
            view = form.views[slot[1]]
            if view is not None:
                return self._shown(form, reads[0], view, slot)
        if form.joins is not None:
            return self._joined(form, form.joins, reads)
        if form.commutes and reads[0] > reads[-1]:
            reads = reads[::-1]
        key = form.identity, reads, slot
        number = self._numbers.get(key)
        if number is None:
            written = slot[0] == "write"
            kind = self.made[reads[slot[1]]].kind if written else form.kinds[slot[1]]
            number = self._new(key, Made(form, reads, slot, kind))
        return number

    def _joined(self, form: Form, axis: int, reads: tuple[int, ...]) -> int:
        """Of values one after the other, however they were joined before."""
        parts: tuple[int, ...] = ()
        for read in reads:
            before = self._parts.get((axis, read), (read,))
            parts += before if len(before) <= _MOST_PARTS else (read,)
        if len(parts) == 1:
            return parts[0]
        key = "joined", axis, parts
        number = self._numbers.get(key)
        if number is None:
            number = self._new(key, Made(form, reads, RESULT, form.kinds[0]))
            self._parts[axis, number] = parts
        return number

    def _shown(self, form: Form, x: int, view: View, slot: Slot) -> int:
        """Of a view: what was laid out otherwise before is looked through."""
        kind = form.kinds[slot[1]]
        if _keeps_order(view, self.made[x].kind):
            base = self.made[x]
            while (
                base.form is not None
                and base.slot[0] == "result"
                and (inner := base.form.views[base.slot[1]]) is not None
                and _keeps_order(inner, self.made[base.reads[0]].kind)
            ):
                x = base.reads[0]
                base = self.made[x]
            if base.kind == kind:
                return x
        key = "view", view, x
        number = self._numbers.get(key)
        if number is None:
            number = self._new(key, Made(form, (x,), slot, kind))
        return number

    def _new(self, key: Any, made: Made) -> int:
        number = self._numbers[key] = len(self.made)
        self.made.append(made)
        return number


def _keeps_order(view: View, x: Kind) -> bool:
    """Whether a view shows all numbers of `x`, in the order in which they are."""
    return prod(view.shape) == prod(x.shape) and view == View.whole(view.shape)
