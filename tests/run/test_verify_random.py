"""Random networks agree with the modules that are written for them, and so do those
of the family."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.emit.module import emit
from archc.run.subject import Subject
from archc.run.verify import verify
from tests.benchmarks.verify import disagreement
from tests.random_networks.campaign import fresh_seed
from tests.run.test_edits import analysed

FAMILY = Path(__file__).parents[1] / "family"


@pytest.mark.parametrize("part", range(4))
def test_random_networks_agree(part: int, tmp_path: Path) -> None:
    first = fresh_seed()
    print(f"seeds from {first}")
    said = {seed: disagreement(seed, tmp_path) for seed in range(first, first + 12)}
    assert not {seed: message for seed, message in said.items() if message}


@pytest.mark.parametrize("spec", sorted(p.stem for p in FAMILY.glob("*.toml")))
def test_the_family_agrees(spec: str) -> None:
    analysis, source = analysed(f"tests/family/{spec}")
    found = verify(Subject(spec, analysis.network, analysis.facts, source))
    assert [str(each) for each in found.disagreements] == []


@pytest.mark.parametrize(
    "case",
    ["verify_softmax", "verify_permute", "verify_slice", "scale_with_mul_skip"],
)
def test_what_was_rejected_once(case: str) -> None:
    analysis, source = analysed(f"tests/run/cases/{case}")
    assert source == emit(analysis.network)
    found = verify(Subject(case, analysis.network, analysis.facts, source))
    assert [str(each) for each in found.disagreements] == []
