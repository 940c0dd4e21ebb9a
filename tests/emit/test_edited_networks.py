"""Shipped networks with random edits, held against torch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.random_networks.campaign import fresh_seed
from tests.random_networks.edited import edited
from tests.random_networks.judge import judge

NETWORKS = 40
"""Drawn; some half are accepted. `tests/benchmarks/edits.py` draws as many as one
likes."""


@pytest.mark.filterwarnings("ignore")  # torch's, of odd paddings and empty tensors
def test_generated_module_is_the_network(tmp_path: Path) -> None:
    start = fresh_seed()
    accepted = 0
    for seed in range(start, start + NETWORKS):
        what, spec = edited(seed)
        print(f"seed {seed}: {what}")
        verdict = judge(spec, tmp_path, thorough=False)
        accepted += verdict.accepted
        large = "allocate memory" in verdict.detail
        written = json.dumps(spec, ensure_ascii=False)
        assert verdict.kind is None or large, f"{verdict.detail}\n{written}"
    assert accepted > NETWORKS / 8
