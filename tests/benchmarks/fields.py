"""Receptive fields of random networks, held against gradients by torch.

    python tests/benchmarks/fields.py                 # 5,000 networks
    python tests/benchmarks/fields.py --count 1 --seed 123456789

Each network has a seed of its own, counted up from the first. Printed is by how much
the numbers are off; exit status 1 if any is.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import SystemRandom

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.measure.field_gradients import OffTheGrid
from tests.measure.field_judge import Outcome, judge
from tests.measure.field_networks import draw


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=5_000, help="networks")
    parser.add_argument("--seed", type=int, help="of the first network")
    given = parser.parse_args()
    first = SystemRandom().getrandbits(32) if given.seed is None else given.seed
    print(f"first seed {first}")
    start = time.perf_counter()
    outcomes: list[Outcome] = []
    seed = first
    passed_over = 0
    with tempfile.TemporaryDirectory() as folder:
        while len(outcomes) < given.count:
            try:
                outcome = judge(draw(seed), Path(folder))
            except OffTheGrid:
                passed_over += 1
            else:
                outcomes.append(outcome)
                if not outcome.right:
                    print(f"seed {seed}: {outcome}")
            seed += 1
    show(outcomes, passed_over, time.perf_counter() - start)
    return int(not all(outcome.right for outcome in outcomes))


def show(outcomes: list[Outcome], passed_over: int, seconds: float) -> None:
    shown = [o for o in outcomes if o.shown]
    print(f"{len(outcomes):,} networks in {seconds:.0f} s")
    print(f"{passed_over:,} passed over: torch rounds to another nearest pixel")
    print(f"{sum(o.pixels for o in outcomes):,} pixels compared one by one,")
    print(f"  of {sum(o.pixels > 0 for o in outcomes):,} networks")
    print(f"{sum(len(o.wrong) for o in outcomes):,} pixels with another field")
    print(f"{sum(o.holes for o in outcomes):,} networks have pixels that see nothing")
    print(
        f"{len(shown):,} networks whose widest pixel no border cuts; number - gradient:"
    )
    for error, count in sorted(Counter(o.error for o in shown).items()):
        print(f"  {error:+6,} {count:7,}")
    sides = sorted(o.said or 0 for o in outcomes)
    least, most = min(sides, default=0), max(sides, default=0)
    quarters = [sides[len(sides) * n // 4] for n in (1, 2, 3)] if sides else []
    print(f"fields from {least} to {most}, quartiles {quarters}")


if __name__ == "__main__":
    sys.exit(main())
