"""A sample of `tests/benchmarks/mutations.py`, with fresh seeds at each run."""

from __future__ import annotations

import random
import secrets

import pytest

from tests.benchmarks.mutations import MEGABYTES, run


@pytest.mark.parametrize("kind", ["bytes", "trees"])
def test_no_mutant_breaks_it(kind: str) -> None:
    seed = secrets.randbits(40)
    print(f"seed {seed}")
    draw = random.Random(seed)
    for found in run(kind, [draw.getrandbits(48) for _ in range(150)]):
        if isinstance(found, float):
            assert found < MEGABYTES
        else:
            assert found.fault is None, (seed, found.mutant.seed, found.fault)
