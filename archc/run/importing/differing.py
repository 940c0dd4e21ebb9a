"""Where a network computes something else than in its first call."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from archc.importing.trace import Call, Refusal, Trace

_CUTS = frozenset({"torch.Tensor.detach", "torch.detach", "torch.Tensor.data.__get__"})
ALIKE = "let it compute in training what it does in evaluation, beside dropout"


def called_again(first: Trace, again: Trace) -> Refusal | None:
    """The refusal of a network whose second call is another, at the first that is."""
    found = _first(first, again, _whole)
    if found is None:
        return None
    return _at(
        found,
        first,
        "it computes something else when it is called again",
        "let what it computes depend on its inputs alone, and keep nothing from one"
        " call for the next",
    )


def in_training(evaluated: Trace, trained: Trace) -> Refusal:
    """The refusal of a network that does not learn as its spec does, at the first call
    that evaluation does not make."""
    reason = "in training it computes something else than in evaluation"
    if trained.refused:
        (asked, *_) = trained.refused
        return Refusal(asked.module, reason, asked.file, asked.line, ALIKE)
    found = _first(evaluated, trained, _outline)
    if found is not None:
        return _at(found, trained, reason, ALIKE)
    cut = next((c for c in trained.calls if c.function in _CUTS), None)
    if cut is not None:
        mend = "take it out before the network is imported"
        return _at(cut, trained, "it lets no gradient back, and every op does", mend)
    return Refusal(
        "", "a step of training gives something else than one of its spec",
        mend="let what it calls be called for training in training, as batch norms are",
    )  # fmt: skip


def _first(first: Trace, other: Trace, of: Callable[[Call], Any]) -> Call | None:
    """The first call in which two traces differ."""
    pairs = zip_longest(first.calls, other.calls)
    return next(
        (b or a for a, b in pairs if a is None or b is None or of(a) != of(b)), None
    )


def _whole(call: Call) -> Any:
    return call


def _outline(call: Call) -> Any:
    settings = {k: v for k, v in call.settings.items() if k != "training"}
    return call.function, settings, call.makes


def _at(call: Call, trace: Trace, reason: str, mend: str) -> Refusal:
    path = trace.uses[call.use].path if call.use >= 0 else ""
    place = call.place
    where = (place.file, place.line) if place is not None else ("", 0)
    return Refusal(path, reason, *where, mend=mend)
