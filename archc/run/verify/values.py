"""Values worked out on random numbers, where the way they were made says too little.

Each value is a function of others. Those on which both sides agree are given random
numbers; what is computed from them alone can then be held to each other.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import Any
from zlib import crc32

import torch
from torch import Tensor

from archc.run.verify.forms import filled
from archc.run.verify.numbers import Kind, Made, Numbers, View

TOLERANCE = 1e-9
"""Of the largest number. In double precision, sums of up to a million terms in another
order differ by some 1e-12; what is wrong by a setting such as `eps` by 1e-8 or more."""
BACK = 1e-6
"""The same for gradients: torch works out that of `hardsigmoid` with the 1/6 of single
precision."""
DEEPEST = 40
"""Calls in a row that are worked out."""
LARGEST = 1e8
"""Numbers that are held at a time."""


class Unknown(Exception):
    """A value that cannot be worked out here."""


@dataclass(slots=True)
class Budget:
    """What may be spent on one module: some seconds."""

    flops: float = 8e9
    numbers: float = 1e9

    def take(self, flops: float, numbers: float) -> None:
        """Raises Unknown where too little is left."""
        self.flops -= flops
        self.numbers -= numbers
        if self.flops < 0 or self.numbers < 0:
            raise Unknown


class Values:
    """Random numbers for values, and what follows from them.

    `drawn` says which values are random; gradients are for those.
    """

    def __init__(
        self,
        numbers: Numbers,
        drawn: Callable[[int], bool],
        budget: Budget,
        *,
        gradients: bool,
    ) -> None:
        self._numbers = numbers
        self._drawn = drawn
        self._budget = budget
        self._gradients = gradients
        self._kept: dict[int, Tensor] = {}
        self._held = 0
        self._leaves: list[Tensor] = []

    def same(self, a: int, b: int) -> bool:
        """Whether two values have the same numbers and gradients.

        Raises:
            Unknown: if one of them cannot be worked out.
        """
        with _apart(), torch.set_grad_enabled(self._gradients):
            x, y = self._of(a, 0), self._of(b, 0)
            if x.shape != y.shape or x.dtype != y.dtype or not _close(x, y):
                return False
            return not self._gradients or self._same_gradients(x, y)

    def _same_gradients(self, x: Tensor, y: Tensor) -> bool:
        if not x.requires_grad and not y.requires_grad:
            return True
        self._budget.take(0, 4 * x.numel())
        back = _random(Kind(tuple(x.shape), x.dtype), 0)
        return all(
            _close(a, b, BACK)
            for a, b in zip(*(self._gradient(v, back) for v in (x, y)), strict=True)
        )

    def _gradient(self, x: Tensor, back: Tensor) -> list[Tensor]:
        leaves = self._leaves
        if not x.requires_grad:
            return list(map(torch.zeros_like, leaves))
        found = torch.autograd.grad(
            x, leaves, back, retain_graph=True, allow_unused=True
        )
        return [
            torch.zeros_like(leaf) if gradient is None else gradient  # pyright: ignore[reportUnnecessaryComparison]
            for leaf, gradient in zip(leaves, found, strict=True)
        ]

    def _of(self, number: int, depth: int) -> Tensor:
        kept = self._kept.get(number)
        if kept is not None:
            return kept
        if depth > DEEPEST:
            raise Unknown
        made = self._numbers.made[number]
        size = prod(made.kind.shape)
        self._held += size
        if self._held > LARGEST:
            raise Unknown
        if made.form is None or (self._drawn(number) and not is_view(made)):
            self._budget.take(0, size)
            value = self._draw(number, made)
        else:
            reads = [self._of(read, depth + 1) for read in made.reads]
            self._budget.take(made.form.flops, size)
            value = _worked_out(made, reads)
        self._kept[number] = value
        return value

    def _draw(self, number: int, made: Made) -> Tensor:
        if number in self._numbers.nameless:
            raise Unknown
        value = _random(made.kind, number)
        if number in self._numbers.buffers:
            value = value.abs()
        elif self._gradients and value.is_floating_point():
            value.requires_grad_()
            self._leaves.append(value)
        return value


def is_view(made: Made) -> bool:
    """Whether a value only shows the numbers of another one."""
    return _view(made) is not None


def _view(made: Made) -> View | None:
    form, (slot, place) = made.form, made.slot
    return form.views[place] if form is not None and slot == "result" else None


def _worked_out(made: Made, reads: list[Tensor]) -> Tensor:
    """What a call makes of values, which it leaves as they are.

    Raises:
        Unknown: if it fails.
    """
    form = made.form
    assert form is not None
    view = _view(made)
    if view is not None:
        return reads[0].contiguous().as_strided(*view)
    if form.opaque:
        raise Unknown
    given = [x.clone() if i in form.writes else x for i, x in enumerate(reads)]
    args, kwargs = (
        _double(filled(form.args, given)),
        _double(filled(form.kwargs, given)),
    )
    call: Callable[..., Any] = form.call
    if call is torch.Tensor.float:
        call = torch.Tensor.double
    # the same draw for the same settings, on both sides
    draw = crc32(repr((form.function, form.settings)).encode())
    torch.default_generator.manual_seed(draw)
    try:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not form.blocks):
            out = call(*args, **kwargs)
    # what torch may raise of a call that somebody wrote
    except Exception as error:
        raise Unknown from error
    slot, place = made.slot
    if slot == "write":
        return given[place]
    return out[place] if form.several else out


def _double(value: Any) -> Any:
    """Arguments as they are on the CPU in double precision."""
    if isinstance(value, dict):
        return {k: _double(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return list(map(_double, value))  # pyright: ignore[reportUnknownArgumentType]
    if type(value) is tuple:
        return tuple(map(_double, value))  # pyright: ignore[reportUnknownArgumentType]
    if value is torch.float32:
        return torch.float64
    if isinstance(value, torch.device) or value == "meta":
        return torch.device("cpu")
    return value


def _random(kind: Kind, seed: int) -> Tensor:
    """Numbers of all magnitudes that functions tell apart, from 0.01 to 15."""
    generator = torch.Generator().manual_seed(seed)
    shape, dtype = kind
    if not dtype.is_floating_point:
        top = 2 if dtype == torch.bool else 8
        return torch.randint(top, shape, generator=generator).to(dtype)
    size = torch.rand(shape, generator=generator, dtype=torch.float64) * 3.2 - 2
    sign = torch.randint(2, shape, generator=generator) * 2 - 1
    value = sign * 10**size
    return value if dtype == torch.float32 else value.to(dtype)


def _close(x: Tensor, y: Tensor, tolerance: float = TOLERANCE) -> bool:
    if not x.is_floating_point():
        return torch.equal(x, y)
    x, y = x.detach(), y.detach()
    scale = max(x.abs().max().item(), y.abs().max().item()) if x.numel() else 0.0
    # what is infinite or no number says nothing
    return scale < float("inf") and bool(((x - y).abs() <= tolerance * scale).all())


@contextmanager
def _apart() -> Generator[None]:
    """Leaves torch's random numbers, its default type and its warnings as they were."""
    default = torch.get_default_dtype()
    with warnings.catch_warnings(), _same_draws():
        warnings.simplefilter("ignore")
        torch.set_default_dtype(torch.float64)
        try:
            yield
        finally:
            torch.set_default_dtype(default)


@contextmanager
def _same_draws() -> Generator[None]:
    generator = torch.default_generator
    state = generator.get_state()
    try:
        yield
    finally:
        generator.set_state(state)
