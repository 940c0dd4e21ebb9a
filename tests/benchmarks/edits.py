"""Shipped networks with random edits, held against torch for as long as one likes.

    python tests/benchmarks/edits.py --minutes 10
    python tests/benchmarks/edits.py --seed 123456789     # one network again

Exit status 1 if any of those that `archc check` accepts is at fault.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.random_networks.campaign import Limited, fresh_seed
from tests.random_networks.edited import edited
from tests.random_networks.judge import judge

MEMORY = 8 * 2**30
"""Bytes that a network may take: a parameter may make one of any size."""


def held(seed: int, folder: Path) -> tuple[str, str]:
    """What became of a network, in a word or two, and what was edited, in more."""
    what, spec = edited(seed)
    try:
        with Limited():
            verdict = judge(spec, folder, thorough=False, tools=seed % 20 == 0)
    except TimeoutError:
        return "too slow to say", what
    if not verdict.accepted:
        return "refused", what
    if verdict.kind is None:
        return "right", what
    if "allocate memory" in verdict.detail or "MemoryError" in verdict.kind:
        return "too large to say", what
    text = json.dumps(spec, ensure_ascii=False)
    return "at fault", f"{what}\n{verdict.kind}\n{verdict.detail}\n{text}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, help="only the network of this seed")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")  # torch's, of odd paddings and empty tensors
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        if given.seed is not None:
            print(*held(given.seed, Path(name)), sep="\n")
            return 0
        seed, end = fresh_seed(), time.monotonic() + 60 * given.minutes
        print(f"seeds from {seed}", flush=True)
        while time.monotonic() < end:
            verdict, what = held(seed, Path(name))
            found[verdict] += 1
            if verdict == "at fault":
                print(f"seed {seed}: {what}", flush=True)
            seed += 1
    print(", ".join(f"{count} {verdict}" for verdict, count in found.most_common()))
    return int(found["at fault"] > 0)


if __name__ == "__main__":
    sys.exit(main())
