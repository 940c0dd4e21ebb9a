"""The variants that a search has looked at, each with what was asked of it.

Memory takes longer than all the rest, so it is worked out when nothing else
decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

from archc.design.conditions import Question
from archc.design.ranges import Range
from archc.design.variants import Step, Variant, Variants
from archc.spec.expressions import ExpressionError

Place = tuple[int, ...]
"""Which value each range takes, by its number."""


class OutOfTime(Exception):
    """As many variants were looked at as the search may."""


@dataclass(slots=True, eq=False)
class Candidate:
    """One variant; what it was not asked yet is not known."""

    place: Place
    variant: Variant
    memory: dict[Step, int] = field(default_factory=dict[Step, int])
    goal: float | None = None
    """What is to be large, or the negative of what is to be small."""
    holds: dict[int, bool] = field(default_factory=dict[int, bool])
    """Which conditions hold, by their numbers."""


class Pool:
    """All that a search has looked at."""

    def __init__(
        self,
        variants: Variants,
        conditions: Sequence[Question],
        goal: Question,
        *,
        maximize: bool,
        limit: int,
        progress: Callable[[int, int], None],
    ) -> None:
        self.variants = variants
        self.conditions = tuple(conditions)
        self.goal = goal
        self.maximize = maximize
        self.limit = limit
        self.progress = progress
        self.seen: dict[Place, Candidate] = {}
        self.measured = 0
        """How often memory was worked out."""
        self.unanswered: dict[str, str] = {}
        """Why a question has no answer for some variant, by its text."""

    @property
    def ranges(self) -> tuple[Range, ...]:
        return self.variants.ranges

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """How many values each range has."""
        return tuple(len(r.values) for r in self.ranges)

    @property
    def size(self) -> int:
        """How many combinations there are."""
        return prod(self.shape)

    @cached_property
    def cheap(self) -> tuple[int, ...]:
        """The conditions that need no memory, by their numbers."""
        numbered = enumerate(self.conditions)
        return tuple(n for n, question in numbered if not question.steps)

    @cached_property
    def dear(self) -> tuple[int, ...]:
        """The others."""
        numbered = enumerate(self.conditions)
        return tuple(n for n, question in numbered if question.steps)

    def look(self, place: Place) -> Candidate:
        """The variant at a place.

        Raises:
            OutOfTime: if it is a new one, and the limit is reached.
        """
        found = self.seen.get(place)
        if found is None:
            if len(self.seen) >= self.limit:
                raise OutOfTime
            values = {
                r.name: r.values[n] for r, n in zip(self.ranges, place, strict=True)
            }
            found = self.seen[place] = Candidate(place, self.variants.at(values))
            self.progress(len(self.seen), min(self.limit, self.size))
        return found

    # ---- what is asked of a candidate

    def value(self, candidate: Candidate) -> float | None:
        """How good it is, larger being better; None if that cannot be said."""
        if candidate.goal is None and candidate.variant.problem is None:
            found = self.ask(candidate, self.goal)
            if isinstance(found, int | float):
                candidate.goal = found if self.maximize else -found
            elif found is not None:
                self.unanswered.setdefault(self.goal.text, "it is no number")
        return candidate.goal

    def ask(self, candidate: Candidate, question: Question) -> Any:
        """What it answers; None if it has no answer."""
        try:
            return question.answer(candidate.variant, self._memory(candidate, question))
        except ExpressionError as error:
            self.unanswered.setdefault(question.text, error.message)
            return None

    def margin(self, candidate: Candidate, question: Question) -> float | None:
        """By how much a condition holds, where it is a comparison of numbers."""
        try:
            return question.margin(candidate.variant, self._memory(candidate, question))
        except ExpressionError:
            return None

    def sides(self, candidate: Candidate, question: Question) -> tuple[Any, ...]:
        """What it compares."""
        try:
            return question.sides(candidate.variant, self._memory(candidate, question))
        except ExpressionError:
            return ()

    def _memory(self, candidate: Candidate, question: Question) -> dict[Step, int]:
        for step in question.steps.values():
            if step not in candidate.memory:
                self.measured += 1
                found = self.variants.memory(candidate.variant.values, step)
                assert found is not None
                candidate.memory[step] = found
        return candidate.memory

    def holds(self, candidate: Candidate, number: int) -> bool:
        """Whether a condition holds."""
        if candidate.variant.problem is not None:
            return False
        if number not in candidate.holds:
            answer = self.ask(candidate, self.conditions[number])
            candidate.holds[number] = bool(answer)
        return candidate.holds[number]

    def hold(self, candidate: Candidate, numbers: Iterable[int]) -> bool:
        """Whether all of them hold; one that needs memory is asked last."""
        ordered = sorted(numbers, key=lambda n: n in self.dear)
        return candidate.variant.problem is None and all(
            self.holds(candidate, number) for number in ordered
        )

    def ranked(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Those that can be judged, the best first; of equals, the earlier place."""
        judged = [c for c in candidates if self.value(c) is not None]
        return sorted(judged, key=lambda c: (-(self.value(c) or 0), c.place))
