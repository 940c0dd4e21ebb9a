"""Where a network computes something else than in its first call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archc.importing.calls import live
from archc.importing.modules import WHOLE, drops_branches
from archc.importing.trace import Call, Refusal, Trace

_CUTS = frozenset({"torch.Tensor.detach", "torch.detach", "torch.Tensor.data.__get__"})
_MODES = ("training", "use_input_stats")
"""What functions call whether they are called for training."""
ALIKE = "let it compute in training what it does in evaluation, beside dropout"
TRAINED = "let what it calls be called for training in training, as batch norms are"


def called_again(first: Trace, again: Trace) -> Refusal | None:
    """The refusal of a network whose second call is another, at the first that is."""
    found = _first(first, again, _whole)
    if found is None:
        return None
    return _at(
        *found,
        "it computes something else when it is called again",
        "let what it computes depend on its inputs alone, and keep nothing from one"
        " call for the next",
    )


def unlike_in_training(evaluated: Trace, trained: Trace) -> Refusal | None:
    """The refusal of a network whose calls in training show that it does not learn as
    its spec does, at the first that does."""
    reason = "in training it computes something else than in evaluation"
    if trained.refused:
        (asked, *_) = trained.refused
        return Refusal(asked.module, reason, asked.file, asked.line, ALIKE)
    found = _first(evaluated, trained, _outline)
    if found is not None:
        return _at(*found, reason, ALIKE)
    calls = live(trained)
    fixed = next((c for c in calls if _is_fixed(c)), None)
    if fixed is not None:
        reason = "in training it is computed as in evaluation, and no op is so"
        return _at(fixed, trained, reason, TRAINED)
    cut = next((c for c in calls if c.function in _CUTS), None)
    if cut is not None:
        mend = "take it out before the network is imported"
        return _at(cut, trained, "it lets no gradient back, and every op does", mend)
    if evaluated.outputs != trained.outputs:
        reason = "in training it gives other values than in evaluation"
        return Refusal("", reason, mend="let it give the same values in both")
    return None


def in_training(evaluated: Trace, trained: Trace) -> Refusal:
    """The refusal of a network that does not learn as its spec does."""
    return unlike_in_training(evaluated, trained) or Refusal(
        "", "a step of training gives something else than one of its spec", mend=TRAINED
    )


def _is_fixed(call: Call) -> bool:
    """Whether it is called for evaluation, where that makes a difference."""
    if call.function in WHOLE and not drops_branches(call.function):
        return False
    return any(call.settings.get(name) is False for name in _MODES)


def _first(
    first: Trace, other: Trace, of: Callable[[Call], Any]
) -> tuple[Call, Trace] | None:
    """The first call in which two traces differ, and the trace that has it."""
    for a, b in zip(first.calls, other.calls, strict=False):
        if of(a) != of(b):
            return b, other
    for longer, shorter in ((other, first), (first, other)):
        for call in longer.calls[len(shorter.calls) :]:
            return call, longer
    return None


def _whole(call: Call) -> Any:
    return call


def _outline(call: Call) -> Any:
    settings = {k: v for k, v in call.settings.items() if k not in _MODES}
    return call.function, settings, call.makes


def _at(call: Call, trace: Trace, reason: str, mend: str) -> Refusal:
    path = trace.uses[call.use].path if call.use >= 0 else ""
    place = call.place
    where = (place.file, place.line) if place is not None else ("", 0)
    return Refusal(path, reason, *where, mend=mend)
