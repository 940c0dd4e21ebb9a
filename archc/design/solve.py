"""Which variant is best within a budget, what limits it, and what forbids one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import combinations as subsets
from typing import Any

from archc.design.conditions import ConditionError, Question, read, read_one
from archc.design.found import Binding, Design, Forbidding, Found, Held
from archc.design.pool import Candidate, Pool
from archc.design.search import run
from archc.design.variants import Variants
from archc.escaping import json_text
from archc.spec.expressions import is_sequence, is_tuple

LIMIT = 4000
"""How many variants are looked at, if nothing else is said."""
RUNNERS_UP = 3
MAX_CONDITIONS = 12
_MEASURED = 200
"""How many memories may be worked out to say why, once the answer is known."""


class Answer(Found):
    """What was found; printed, it says what limits it."""

    def to_json(self) -> str:
        return (
            json_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False)) + "\n"
        )

    def __str__(self) -> str:
        from archc.design.answer import as_text

        return as_text(self).rstrip("\n")


def solve(
    variants: Variants,
    where: Sequence[str],
    *,
    maximize: str | None = None,
    minimize: str | None = None,
    limit: int = LIMIT,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Answer:
    """The variant that satisfies all conditions and has most, or least, of something.

    All combinations are looked at if there are no more than `limit`; else the longest
    range is bisected, if everything asked is monotone along it on all places looked at;
    else `limit` combinations are looked at, and the best of these is given.

    Raises:
        ConditionError: if one of the texts is none, or not exactly one of `maximize`
            and `minimize` is given.
    """
    goal = maximize if minimize is None else minimize
    if goal is None or (maximize is not None and minimize is not None):
        raise ConditionError("give what to maximize, or what to minimize")
    names = variants.spec.params
    conditions = [question for text in where for question in read(text, names)]
    if len(conditions) > MAX_CONDITIONS:
        raise ConditionError(
            f"these are {len(conditions)} conditions; {MAX_CONDITIONS} are enough"
        )
    pool = Pool(
        variants,
        conditions,
        read_one(goal, names),
        maximize=minimize is None,
        limit=limit,
        progress=progress,
    )
    outcome = run(pool)
    best, *others = _best(pool) or [None]
    problem = _problem(pool)
    return Answer(
        name=variants.spec.name,
        goal=pool.goal.text,
        maximize=pool.maximize,
        method=outcome.method,
        certain=outcome.method == "exhaustion",
        looked_at=len(pool.seen),
        combinations=pool.size,
        along=outcome.axis,
        why_search=outcome.why,
        best=None if best is None else _design(pool, best),
        runners_up=tuple(_design(pool, other) for other in others if other is not None),
        binding=() if best is None else _binding(pool, best),
        forbidding=() if best is not None or problem else _forbidding(pool),
        problem=problem,
    )


def _problem(pool: Pool) -> str | None:
    """Why nothing can be compared, if that is so."""
    problems = [c.variant.problem for c in pool.seen.values()]
    if all(problem is not None for problem in problems):
        return f"none is a network: {problems[0]}"
    if all(pool.value(c) is None for c in pool.seen.values()):
        return f"{pool.goal.text}: {pool.unanswered.get(pool.goal.text)}"
    return None


def _best(pool: Pool) -> list[Candidate]:
    """The best, and what comes after it."""
    found: list[Candidate] = []
    cheap = [c for c in pool.seen.values() if pool.hold(c, pool.cheap)]
    for candidate in pool.ranked(cheap):
        if pool.hold(candidate, pool.dear):
            found.append(candidate)
            if len(found) > RUNNERS_UP:
                break
    return found


def _design(pool: Pool, candidate: Candidate) -> Design:
    variant = candidate.variant
    return Design(
        values=_values(candidate),
        goal=_goal(pool, candidate),
        params=variant.params,
        macs=variant.macs,
        receptive_field=variant.receptive_field,
        depth=variant.depth,
        conditions=tuple(_held(pool, candidate, q) for q in pool.conditions),
    )


def _values(candidate: Candidate) -> dict[str, Any]:
    return {name: _plain(value) for name, value in candidate.variant.values.items()}


def _plain(value: Any) -> Any:
    return list(map(_plain, value)) if is_sequence(value) else value


def _goal(pool: Pool, candidate: Candidate) -> float:
    value = pool.value(candidate)
    assert value is not None
    return value if pool.maximize else -value


def _held(pool: Pool, candidate: Candidate, question: Question) -> Held:
    sides = pool.sides(candidate, question)
    return Held(question.text, tuple(list(s) if is_tuple(s) else s for s in sides))


def _binding(pool: Pool, best: Candidate) -> tuple[Binding, ...]:
    """The conditions without which something better would have been found."""
    found: list[Binding] = []
    least = pool.value(best)
    assert least is not None
    better = [
        c for c in pool.seen.values() if (v := pool.value(c)) is not None and v > least
    ]
    # the next better one shows how near the condition is
    ordered = pool.ranked(better)[::-1]
    start = pool.measured
    for number, question in enumerate(pool.conditions):
        others = [n for n in range(len(pool.conditions)) if n != number]
        cheap = [n for n in others if n in pool.cheap]
        dear = [n for n in others if n in pool.dear]
        for candidate in ordered:
            if not pool.hold(candidate, cheap):
                continue
            if pool.measured - start > _MEASURED:
                break
            if pool.hold(candidate, dear) and not pool.holds(candidate, number):
                goal, broken = _goal(pool, candidate), _held(pool, candidate, question)
                found.append(Binding(question.text, _values(candidate), goal, broken))
                break
    return tuple(found)


def _forbidding(pool: Pool) -> tuple[Forbidding, ...]:
    """The smallest sets of conditions that nothing looked at satisfies."""
    candidates = [c for c in pool.seen.values() if c.variant.problem is None]
    # what is small is most likely to fit into memory
    candidates.sort(key=lambda c: (c.variant.macs, c.place))
    count = len(pool.conditions)
    for size in range(1, count + 1):
        found = [
            chosen
            for chosen in subsets(range(count), size)
            if not _together(pool, candidates, chosen)
        ]
        if found:
            return tuple(_set(pool, candidates, chosen) for chosen in found)
    return ()


def _together(
    pool: Pool, candidates: Sequence[Candidate], chosen: tuple[int, ...]
) -> bool:
    start = pool.measured
    cheap = [n for n in chosen if n in pool.cheap]
    dear = [n for n in chosen if n in pool.dear]
    for candidate in candidates:
        if not pool.hold(candidate, cheap):
            continue
        if pool.hold(candidate, dear):
            return True
        if pool.measured - start > _MEASURED:
            break
    return False


def _set(
    pool: Pool, candidates: Sequence[Candidate], chosen: tuple[int, ...]
) -> Forbidding:
    texts = tuple(pool.conditions[n].text for n in chosen)
    number, *others = chosen
    if others:
        return Forbidding(texts, None, None)
    question = pool.conditions[number]
    asked = candidates[:_MEASURED] if number in pool.dear else candidates
    margins = [(m, c) for c in asked if (m := pool.margin(c, question)) is not None]
    if not margins:
        return Forbidding(texts, None, None, pool.unanswered.get(question.text))
    _, nearest = max(margins, key=lambda pair: pair[0])
    return Forbidding(texts, _held(pool, nearest, question), _values(nearest))
