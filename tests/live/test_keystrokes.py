"""Random keystrokes in shipped specs, a sample of tests/benchmarks/keystrokes.py."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "keystrokes.py"


def test_random_keystrokes_leave_no_stale_hint() -> None:
    found = importlib.util.spec_from_file_location("keystrokes", BENCHMARK)
    assert found is not None and found.loader is not None
    keystrokes = importlib.util.module_from_spec(found)
    found.loader.exec_module(keystrokes)
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    keystrokes.random_edits(60, seed)
