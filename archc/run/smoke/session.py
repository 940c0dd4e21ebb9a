"""A smoke test from the first step to the last check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import isclose, isfinite
from typing import Any, cast

import torch

from archc.measure.refusal import smallest_batch
from archc.run.checks import SMOKE
from archc.run.device import out_of_memory, trouble
from archc.run.layers import Bound
from archc.run.loss import parts
from archc.run.smoke import checks
from archc.run.smoke.batch import affordable, fitting, step_footprint, tidy
from archc.run.smoke.modes import modes
from archc.run.smoke.report import Check, Result
from archc.run.smoke.settings import Settings, Sized, sized
from archc.run.smoke.trial import SEED, Trial
from archc.run.smoke.watch import raising
from archc.run.subject import BrokenModule, Subject

_RATES = (1e-3, 1e-2)
"""Learning rates. The second is for saturating activations, which need larger steps."""
_FEWEST = 3
"""Steps that are timed, even where the loss falls in fewer, or cannot fall."""
_PATIENCE = 4
"""How many times as many steps are done as planned, as long as the loss still falls."""
_FALLING = 0.98
"""It does if the last quarter of the steps brings it below this part of what was."""
_SLOW = 0.9
"""A loss that still falls must be below this part of what needs no image."""
_STEPPED = 0.1
"""How far losses may be apart after a step on a GPU, relative to the larger of them,
or to the one before the step."""
_SOFTMAX = (
    "the module's outputs sum to one, as behind a softmax, and the loss has one of its"
    " own: leave it out"
)

_LOST = "not tested: the GPU answers this process no more"

Tell = Callable[[str], None]
"""Is told what goes on."""


class _Stop(Exception):
    """A check failed, without which no other makes sense."""


def smoke(subject: Subject, settings: Settings, tell: Tell) -> Result:
    """Trains a generated module for some steps, and looks whether it can learn.

    Whatever a broken module does is in the result; nothing is raised for it. One that
    leaves the GPU without an answer leaves those after it untested.
    """
    if settings.device == "cuda" and trouble() is not None:
        return _untested(sized(subject, settings), settings, subject)
    size = affordable(sized(subject, settings), settings)
    result = _empty(size, settings, subject)
    devices = [torch.cuda.current_device()] if settings.device == "cuda" else []
    with cast(Any, torch.random).fork_rng(devices):
        while not _memory_suffices(_Session(size, settings, result, tell)):
            tell("out of memory: looking for a batch that fits")
            fits = fitting(size, settings)
            if fits is None or settings.batch is not None:
                result.fits = fits
                result.checks.append(_out_of_memory(size.batch, fits))
                break
            size = replace(size, batch=fits)
            result = _empty(size, settings, subject)
            result.notes.append(f"memory is too little for more than {fits} images")
    _complete(result)
    tidy()
    return result


def _empty(size: Sized, settings: Settings, subject: Subject) -> Result:
    """A result with nothing found yet."""
    return Result(
        network=subject.label,
        module=str(subject.file or "written anew"),
        input=size.subject.input_shape,
        spec_input=subject.input_shape,
        batch=size.batch,
        predicted=step_footprint(size, settings).at(size.batch).peak.total,
    )


def _untested(size: Sized, settings: Settings, subject: Subject) -> Result:
    """Of a network for which there is no GPU any more."""
    result = _empty(size, settings, subject)
    result.checks.append(Check("runs", "skipped", _LOST))
    result.notes.append(_LOST)
    _complete(result)
    return result


def _memory_suffices(test: _Session) -> bool:
    """Does a test. The error of one that memory was too little for ends here, as it
    holds on to all that was in memory."""
    try:
        test.run()
    except _Stop:
        pass
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return False
    return True


def _complete(result: Result) -> None:
    """Each check once, in their order; those that were not made are skipped."""
    made = {check.name: check for check in result.checks}
    skipped = {name: Check(name, "skipped", "not reached") for name in SMOKE}
    result.checks = list((skipped | made).values())


class _Session:
    """One smoke test; what it finds goes to the result."""

    def __init__(
        self, size: Sized, settings: Settings, result: Result, tell: Tell
    ) -> None:
        self._size = size
        self._settings = settings
        self._result = result
        self._tell = tell
        self._needed = 0.0

    def run(self) -> None:
        self._check_size()
        trial = self._learn()
        steps = len(self._result.losses)
        self._add(Check("runs", "passed", f"{steps} steps forward and back"))
        if self._settings.device == "cuda" and steps > 1:
            self._result.measured = torch.cuda.max_memory_allocated()
        trial.rest()
        self._tell("train() and eval()")
        self._guarded("modes", lambda: modes(trial))
        self._tell("the same seed again")
        self._guarded("same seed", self._repeated)
        self._tell("saving and loading")
        self._guarded("save and load", lambda: checks.saving(trial, self._other()))

    def _check_size(self) -> None:
        """Ends the test where there is nothing to learn, or not enough in a batch."""
        network = self._size.subject.network
        if not self._size.subject.facts.params_with_heads:
            detail = "the network has no parameters: there is nothing to learn"
            self._add(Check("runs", "skipped", detail))
            self._result.notes.append(detail)
            raise _Stop
        smallest, layer = smallest_batch(network, training=True)
        if layer is not None and self._size.batch < smallest:
            detail = (
                f"{layer.path} would normalise one number of a channel, in a batch of"
                f" {self._size.batch}: --batch {smallest} or more"
            )
            self._fail("runs", detail, layer.path)
            raise _Stop

    def _add(self, check: Check) -> None:
        self._result.checks.append(check)

    def _fail(self, name: str, detail: str, layer: str | None = None) -> None:
        self._add(Check(name, "failed", detail, layer))

    def _guarded(self, name: str, look: Callable[[], Check]) -> None:
        """Does a check; what it raises is its failure."""
        try:
            self._add(look())
        # whatever a file that people edit may raise
        except Exception as error:
            if out_of_memory(error):
                raise
            self._fail(name, _in_words(error))

    def _learn(self) -> Trial:
        """Trains at one rate after the other until the loss falls, if it can."""
        for rate in _RATES:
            trial = self._trial(rate)
            self._result.rate = rate
            self._result.losses.clear()
            self._result.seconds.clear()
            try:
                self._train(trial, first=rate == _RATES[0])
            except _Stop:
                raise
            # whatever a file that people edit may raise
            except Exception as error:
                if out_of_memory(error):
                    raise
                layer = raising(trial)
                place = f"{layer} fails" if layer else "a step fails"
                self._fail("runs", f"{place}: {_in_words(error)}", layer or None)
                raise _Stop from error
            settled = self._fell or self._slow(trial) or not self._can_fall(trial)
            if settled or rate == _RATES[-1]:
                self._add(self._descent(trial))
                return trial
            del trial
            tidy()
        raise AssertionError("there is a rate")

    def _trial(self, rate: float) -> Trial:
        try:
            return Trial(self._size, self._settings, rate)
        except BrokenModule as error:
            self._fail("runs", str(error))
            raise _Stop from error

    def _train(self, trial: Trial, *, first: bool) -> None:
        losses = self._result.losses
        while self._goes_on(trial):
            step = len(losses)
            so_far = f", loss {losses[-1]:.3g}" if losses else ""
            self._tell(f"step {step + 1} of at most {self._size.steps}{so_far}")
            look = first and step == 0
            if step == 1 and self._settings.device == "cuda":
                # the checks of the first step have held graphs of their own
                torch.cuda.reset_peak_memory_stats()
            found, took = trial.step((lambda: self._inspected(trial)) if look else None)
            if not isfinite(found):
                break
            losses.append(found)
            self._result.seconds.append(took)
            self._needed = _needed(losses[0], trial)

    def _goes_on(self, trial: Trial) -> bool:
        """Whether another step is to be done."""
        done, planned = len(self._result.losses), self._size.steps
        if done < _FEWEST or self._size.exact:
            return done < (planned if self._size.exact else _FEWEST)
        if self._fell or not self._can_fall(trial):
            return False
        return done < planned or (self._falls and done < _PATIENCE * planned)

    @property
    def _falls(self) -> bool:
        """Whether the loss still falls."""
        losses = self._result.losses
        late = len(losses) // 4
        return late > 0 and min(losses[-late:]) < _FALLING * min(losses[:-late])

    def _slow(self, trial: Trial) -> bool:
        """Whether the loss still falls, from where only the image can have brought it.

        Then the network learns, and it is a matter of more steps.
        """
        enough = min(self._result.losses) < _SLOW * trial.task.blind(trial.labels)
        return not self._size.exact and self._falls and enough

    def _can_fall(self, trial: Trial) -> bool:
        """Whether the loss can come where it must; only known of bounded outputs."""
        return trial.task.has_classes and trial.task.lowest < self._needed

    def _inspected(self, trial: Trial) -> float:
        """The first gradients, after a look at them."""
        found = trial.gradients()
        check = checks.finite(trial, found)
        self._add(check)
        if check.status == "failed":
            raise _Stop
        self._guarded("gradients", lambda: checks.gradients(trial))
        self._guarded("heads", lambda: checks.heads(trial))
        return found

    @property
    def _fell(self) -> bool:
        return min(self._result.losses) <= self._needed

    def _descent(self, trial: Trial) -> Check:
        name = "loss falls"
        if not trial.task.has_classes:
            detail = f"{trial.task.classless}: there are no classes to learn"
            self._result.notes.append(f"skipped whether the loss falls: {detail}")
            return Check(name, "skipped", detail)
        losses = self._result.losses
        detail = (
            f"from {losses[0]:.3g} to {min(losses):.3g} in {len(losses)} steps of Adam"
            f" at {self._result.rate:g}; {self._needed:.3g} was to be reached"
        )
        cause = trial.task.probabilities
        if self._fell:
            if cause is not None:
                self._result.notes.append(f"the loss: {_twice(cause, trial)}")
            return Check(name, "passed", detail)
        if self._slow(trial):
            self._result.notes.append(f"the loss falls slowly, {detail}")
            return Check(name, "passed", detail)
        if cause is not None:
            detail = f"{detail}; {_twice(cause, trial)}"
            return Check(name, "failed", detail, cause.layer.path)
        if trial.task.sum_to_one(parts(trial.output(trial.images))):
            detail = f"{detail}; {_SOFTMAX}"
        elif self._falls:
            detail = f"{detail}; it still falls: --steps gives it more"
        return Check(name, "failed", detail)

    def _other(self) -> Trial:
        """With other weights, which loading must replace."""
        return Trial(self._size, self._settings, _RATES[0], SEED + 1)

    def _repeated(self) -> Check:
        """Whether the first steps from the same seed have the same losses."""
        assert self._result.rate is not None
        other = Trial(self._size, self._settings, self._result.rate)
        before = self._result.losses[:2]
        after = [other.step()[0], other.loss().item()][: len(before)]
        exact = self._settings.device == "cpu"
        apart = [0.0, 0.0] if exact else [checks.rounding(other), _STEPPED]
        same = _near(before, after, apart)
        said = "equal to the bit"
        if not exact:
            said = f"equal within {apart[0]:g} and {apart[1]:g}"
        detail = f"the losses of {len(before)} steps are {said}"
        if not same:
            detail = f"losses of {before} became {after}: something ignores the seed"
        return Check("same seed", "passed" if same else "failed", detail)


def _near(before: list[float], after: list[float], apart: list[float]) -> bool:
    """Whether losses are as near as rounding leaves them.

    Adam's first step goes by the sign of gradients, and so the rounding of those near
    zero moves weights as far as anything. A loss that is hardly there after it is held
    to the one from which it fell.
    """
    return all(
        isclose(a, b, rel_tol=rounding, abs_tol=rounding * before[0])
        for a, b, rounding in zip(before, after, apart, strict=False)
    )


def _needed(first: float, trial: Trial) -> float:
    """The loss that learning must reach.

    Half of what outputs that ignore the image can reach, and half of the first loss.
    """
    blind = trial.task.blind(trial.labels)
    return min(first, blind) / 2 if blind else first / 2


def _twice(bound: Bound, trial: Trial) -> str:
    """Why the loss falls slowly or not at all, and what to do."""
    lowest = trial.task.lowest
    return f"it cannot come below {lowest:.3g}, as {bound.advice}"


# ---- errors


def _in_words(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0] if text else 'no reason'}"


def _out_of_memory(batch: int, fits: int | None) -> Check:
    mend = "no smaller one fits" if fits is None else f"a batch of {fits} fits"
    return Check("runs", "failed", f"out of memory at a batch of {batch}: {mend}")
