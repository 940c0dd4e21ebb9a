"""Places on a line, as near to where each is wished as their distances allow, and how
much of a line each of several things may have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def spread(wish: Sequence[float], steps: Sequence[float]) -> list[float]:
    """Places in the order of the wishes, those that follow each other at least a step
    apart, with the least sum of squares of how far each is from its wish.

    Without the steps this is isotonic regression, by pooling what violates the order
    (Barlow et al. 1972, Statistical Inference under Order Restrictions).
    """
    offsets = list(accumulate(steps, initial=0.0))
    pools: list[tuple[float, int]] = []  # the sum of some, and of how many
    for place, offset in zip(wish, offsets, strict=True):
        pools.append((place - offset, 1))
        while len(pools) > 1 and _mean(pools[-2]) > _mean(pools[-1]):
            (a, m), (b, n) = pools[-2:]
            pools[-2:] = [(a + b, m + n)]
    means = [_mean(pool) for pool in pools for _ in range(pool[1])]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def _mean(pool: tuple[float, int]) -> float:
    return pool[0] / pool[1]


def widest(widths: Sequence[float], room: float) -> float:
    """How wide some things may be so that all fit; those that are narrower stay so."""
    rest = sorted(widths)
    while rest and rest[0] * len(rest) <= room:
        room -= rest.pop(0)
    return room / max(1, len(rest))
