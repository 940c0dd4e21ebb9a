"""Runs `archc verify` over random networks, each just as it was written.

    python tests/benchmarks/verify.py 5000

Each of them has to agree. Prints the first seed, and each network that does not.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from archc.emit.module import emit
from archc.emit.wrong import WrongModule
from archc.run.subject import Subject
from archc.run.verify import verify
from tests.random_networks.campaign import fresh_seed
from tests.random_networks.judge import analysed
from tests.random_networks.spec import draw_spec


def disagreement(seed: int, folder: Path) -> str | None:
    """What does not agree of the network of a seed; None if it is refused."""
    path = folder / "random_net.json"
    path.write_text(json.dumps(draw_spec(seed)), encoding="utf-8")
    analysis = analysed(path)
    if analysis is None:
        return None
    try:
        source = emit(analysis.network)
    except WrongModule as error:  # no module to verify; fuzz.py is for these
        print(f"{seed}: nothing was written: {error}", flush=True)
        return None
    found = verify(Subject(str(seed), analysis.network, analysis.facts, source))
    return "" if found.passed else str(found.disagreements[0])


def main(wanted: int, seed: int) -> int:
    """How many of so many networks do not agree."""
    warnings.simplefilter("ignore")
    print(f"seeds from {seed}", flush=True)
    wrong = agreed = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        while agreed + wrong < wanted:
            said = disagreement(seed, Path(name))
            if said:
                wrong += 1
                print(f"{seed}: {said}", flush=True)
            elif said is not None:
                agreed += 1
            seed += 1
            if (agreed + wrong) % 500 == 0:
                print(f"{agreed} agree, {wrong} do not", flush=True)
    seconds = time.monotonic() - began
    print(f"{agreed} agree, {wrong} do not, {seconds:.0f} s")
    return wrong


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    start = int(sys.argv[2]) if len(sys.argv) > 2 else fresh_seed()
    sys.exit(1 if main(count, start) else 0)
