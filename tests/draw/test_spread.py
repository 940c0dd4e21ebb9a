"""Places as near to what is wished as distances allow."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from archc.draw.spread import spread
from tests.random_networks.campaign import fresh_seed


def test_what_has_room_stands_where_it_wishes() -> None:
    assert spread([0, 10, 30], [10, 15]) == [0, 10, 30]


def test_what_has_none_shares_it() -> None:
    assert spread([0, 0], [10]) == [-5, 5]
    assert spread([0, 4, 100], [10, 10]) == [-3, 7, 100]


def test_no_other_places_are_nearer() -> None:
    """Against small moves of any run of neighbours, which suffices: it is convex."""
    seed = fresh_seed()
    print(f"seed {seed}")
    random = Random(seed)
    for _ in range(200):
        count = random.randint(1, 7)
        wish = [random.uniform(-20, 20) for _ in range(count)]
        steps = [random.uniform(0, 12) for _ in range(count - 1)]
        found = spread(wish, steps)
        gaps = [b - a for a, b in pairwise(found)]
        assert all(gap >= step - 1e-9 for gap, step in zip(gaps, steps, strict=True))

        def off(places: list[float], wish: list[float] = wish) -> float:
            return sum((a - b) ** 2 for a, b in zip(places, wish, strict=True))

        for first in range(count):
            for last in range(first + 1, count + 1):
                for by in (-0.01, 0.01):
                    moved = [
                        x + by if first <= i < last else x for i, x in enumerate(found)
                    ]
                    allowed = all(
                        b - a >= step - 1e-9
                        for (a, b), step in zip(pairwise(moved), steps, strict=True)
                    )
                    assert not allowed or off(moved) >= off(found) - 1e-9
    assert found == pytest.approx(spread(found, steps))
