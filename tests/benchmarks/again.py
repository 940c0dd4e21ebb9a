"""Imports what archc has compiled: random networks, from the whole language.

    python tests/benchmarks/again.py [SECONDS] [SEED]

Each import is refused with a reason, or is the same network by its proof. What is
neither is printed with the seed of its network, and the exit status is 1.
"""

from __future__ import annotations

import os
import random
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[2]))

import archc
from archc.run.importing.session import import_network
from archc.run.importing.tracer import input_names
from tests.random_networks.spec import draw_spec


def again(seed: int) -> tuple[str, str]:
    """What came of the network of a seed, and what is wrong with it."""
    try:
        network = archc.from_dict(draw_spec(seed))
        module = network.module().eval()
    except Exception:
        return "no network", ""
    shapes = dict(zip(input_names(module), network.input_shapes.values(), strict=True))
    try:
        result = import_network(module, "net", shapes)
    except Exception as error:
        said = (str(error).strip() or "no reason").splitlines()[0]
        return "failed", f"{type(error).__name__}: {said}"
    if result.refused:
        return "refused", ""
    wrong = not result.passed or result.proof.outputs == "differ"
    return ("another", str(result.proof)) if wrong else ("the same", "")


def main() -> int:
    seconds = float(sys.argv[1]) if sys.argv[1:] else 60.0
    seed = int(sys.argv[2]) if sys.argv[2:] else random.randrange(2**32)
    print(f"seeds from {seed}")
    warnings.filterwarnings("ignore")
    found: Counter[str] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        became, wrong = again(seed)
        if wrong:
            print(seed, became, wrong, flush=True)
        found[became] += 1
        seed += 1
    print(", ".join(f"{count} {word}" for word, count in found.most_common()))
    return 1 if found["failed"] or found["another"] else 0


if __name__ == "__main__":
    sys.exit(main())
