"""Random choices, all from one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Draw:
    """One stream of random choices."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def chance(self, percent: float) -> bool:
        return self.random.random() * 100 < percent

    def pick(self, options: Sequence[T]) -> T:
        return options[self.random.randrange(len(options))]

    def number(self, least: int, most: int) -> int:
        return self.random.randint(least, most)

    def weighted(self, options: Mapping[T, float]) -> T:
        return self.random.choices(list(options), list(options.values()))[0]

    def some(self, options: Sequence[T], percent: float) -> list[T]:
        return [option for option in options if self.chance(percent)]

    def shuffled(self, options: Sequence[T]) -> list[T]:
        return self.random.sample(options, len(options))
