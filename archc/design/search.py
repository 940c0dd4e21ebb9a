"""Three ways to the best variant: all of them, bisection, and a search with an end."""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import prod
from typing import Literal

from archc.design.pool import Candidate, OutOfTime, Place, Pool

Method = Literal["exhaustion", "bisection", "search"]
_SAMPLES = 9
"""How many places of a line are looked at before it is bisected."""
_BESIDE = 4
"""How many neighbours of the best are looked at, on each side."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a search has done; what it has found is in its pool."""

    method: Method
    lines: int = 0
    """Of bisection: along how many lines."""
    axis: str | None = None
    """Of bisection: which parameter changes along a line."""
    why: str | None = None
    """Of a search: why it was no bisection."""


def run(pool: Pool) -> Outcome:
    """Look at what has to be looked at."""
    if pool.size <= pool.limit:
        for place in product(*map(range, pool.shape)):
            pool.look(place)
        return Outcome("exhaustion")
    axis = max(range(len(pool.shape)), key=lambda n: pool.shape[n])
    name = pool.ranges[axis].name
    lines = prod(pool.shape) // pool.shape[axis]
    halvings = pool.shape[axis].bit_length() * len(pool.conditions)
    if lines * (_SAMPLES + halvings + 4 * _BESIDE + 2) > pool.limit:
        _search(pool)
        why = f"{lines:,} lines along {name} are too many to bisect"
        return Outcome("search", why=why)
    for line in _lines(pool, axis):
        broken = line.bisect()
        if broken is not None:
            _search(pool)
            return Outcome("search", why=f"{broken} is not monotone in {name}")
    return Outcome("bisection", lines, name)


def _lines(pool: Pool, axis: int) -> Iterator[_Line]:
    others = [range(n) if i != axis else (0,) for i, n in enumerate(pool.shape)]
    for fixed in product(*others):
        yield _Line(pool, axis, fixed)


class _Line:
    """The variants that differ in one parameter."""

    def __init__(self, pool: Pool, axis: int, fixed: Place) -> None:
        self.pool, self.axis, self.fixed = pool, axis, fixed
        self.numbers: list[int] = []
        """The places looked at, along the line."""

    def at(self, number: int) -> Candidate:
        if number not in self.numbers:
            insort(self.numbers, number)
        place = (*self.fixed[: self.axis], number, *self.fixed[self.axis + 1 :])
        return self.pool.look(place)

    def bisect(self) -> str | None:
        """Finds where each condition begins or ends to hold, and looks at the ends of
        what all of them leave; or says what is not monotone on the places looked at."""
        last = self.pool.shape[self.axis] - 1
        for n in range(_SAMPLES):
            self.at(last * n // (_SAMPLES - 1))
        broken = self._broken()
        for condition in range(len(self.pool.conditions)):
            if broken is None:
                self._narrow(condition)
                broken = self._broken()
        if broken is not None:
            return broken
        inside = [n for n in self.numbers if self._all_hold(n)]
        if inside:
            # the runners-up stand beside the best
            for end in (inside[0], inside[-1]):
                for number in range(end - _BESIDE, end + _BESIDE + 1):
                    if 0 <= number <= last:
                        self.at(number)
        return self._broken()

    def _all_hold(self, number: int) -> bool:
        pool = self.pool
        return pool.hold(self.at(number), range(len(pool.conditions)))

    def _narrow(self, condition: int) -> None:
        """Looks at places until those where a condition changes are neighbours."""
        pool, known = self.pool, list(self.numbers)
        holds = [pool.holds(self.at(n), condition) for n in known]
        for low, high, a, b in zip(known, known[1:], holds, holds[1:], strict=False):
            while a != b and high - low > 1:
                middle = (low + high) // 2
                if pool.holds(self.at(middle), condition) == a:
                    low = middle
                else:
                    high = middle

    def _broken(self) -> str | None:
        """What is not monotone on the places looked at; None if all is."""
        pool = self.pool
        found = [self.at(n) for n in self.numbers]
        wrong = next((c for c in found if c.variant.problem is not None), None)
        if wrong is not None:
            return "what the spec allows"
        goals = [pool.value(c) for c in found]
        if None in goals or not _is_monotone([g for g in goals if g is not None]):
            return pool.goal.text
        for number, question in enumerate(pool.conditions):
            margins = [pool.margin(c, question) for c in found]
            if None in margins:
                margins = [float(pool.holds(c, number)) for c in found]
            if not _is_monotone([m for m in margins if m is not None]):
                return question.text
        return None


def _is_monotone(values: list[float]) -> bool:
    pairs = list(pairwise(values))
    return all(a <= b for a, b in pairs) or all(a >= b for a, b in pairs)


def _search(pool: Pool) -> None:
    """Half of what may be looked at is spread over all combinations, the rest goes
    from the best of these to better neighbours. The same each time."""
    draw = random.Random(1)
    try:
        for place in product(*({0, n - 1} for n in pool.shape)):
            if len(pool.seen) * 4 >= pool.limit:
                break
            pool.look(place)
        for _ in range(4 * pool.limit):
            if len(pool.seen) * 2 >= pool.limit:
                break
            pool.look(tuple(draw.randrange(n) for n in pool.shape))
        climbed: set[Place] = set()
        while True:
            start = _start(pool, climbed)
            if start is None:
                pool.look(tuple(draw.randrange(n) for n in pool.shape))
                continue
            climbed.add(start.place)
            for place in _around(start.place, pool.shape):
                pool.look(place)
    except OutOfTime:
        return


def _start(pool: Pool, climbed: set[Place]) -> Candidate | None:
    """The best that was not climbed from yet: one that satisfies all, or, as long as
    there is none, one that breaks few conditions by little."""
    todo = [c for c in pool.seen.values() if c.place not in climbed]
    for candidate in pool.ranked(c for c in todo if pool.hold(c, pool.cheap)):
        if pool.hold(candidate, pool.dear):
            return candidate
    todo = [c for c in todo if c.variant.problem is None]
    return min(todo, key=lambda c: _distance(pool, c), default=None)


def _distance(pool: Pool, candidate: Candidate) -> tuple[int, float]:
    broken, short = 0, 0.0
    for number in pool.cheap:
        if pool.holds(candidate, number):
            continue
        broken += 1
        question = pool.conditions[number]
        margin, sides = (
            pool.margin(candidate, question),
            pool.sides(candidate, question),
        )
        scale = max((abs(s) for s in sides if isinstance(s, int | float)), default=0)
        short += abs(margin) / scale if margin is not None and scale else 1
    return broken, short


def _around(place: Place, shape: tuple[int, ...]) -> Iterator[Place]:
    """The neighbours of a place, those far along an axis too."""
    for axis, size in enumerate(shape):
        step = 1
        while step < size:
            for number in (place[axis] - step, place[axis] + step):
                if 0 <= number < size:
                    yield (*place[:axis], number, *place[axis + 1 :])
            step *= 2
    for a, b in product(range(len(shape)), repeat=2):
        # what one gives another may take
        moved = list(place)
        moved[a] += 1
        moved[b] -= 1
        if a != b and moved[a] < shape[a] and moved[b] >= 0:
            yield tuple(moved)
