"""No slip in emission gets past the validator.

One place in the source of the emitter says something else, and a fixed set of networks
is emitted. What comes out as it does without the slip is right. What does not is found
by the validator, or is right as torch has it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from archc.emit import module as emission
from archc.emit.print import printed
from archc.emit.tree import Module
from archc.emit.validate import validate
from archc.pipeline import Analysis
from tests.emit import live
from tests.emit.holding import hold
from tests.emit.mutation import Mutant, active, listed

HERE = Path(__file__).parent
MUTANTS = listed()
# these say nothing that the others do not, of a list that is run often
_ELSEWHERE = {
    "channels_in_loops", "group_reads_outside", "iterations_by_number",
    "lengths_of_vectors", "numbered_bodies", "places_by_number", "places_inside",
}  # fmt: skip
NETWORKS = sorted(
    path
    for path in (*HERE.glob("cases/*.toml"), *HERE.glob("wrong/*.toml"))
    if path.stem not in _ELSEWHERE
)


@cache
def right(path: Path) -> tuple[Analysis, Module]:
    """A network, and its module as it should be; other tests hold that to torch."""
    analysis, _ = live.compiled(path)
    return analysis, emission.tree(analysis.network)


def test_the_list_is_long_and_has_each_once() -> None:
    assert len({(m.file, m.old, m.new) for m in MUTANTS}) == len(MUTANTS) >= 60
    assert len({m.name for m in MUTANTS}) == len(MUTANTS)


@pytest.mark.filterwarnings("ignore")  # torch's, of odd paddings
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_a_slip_is_found_or_harmless(mutant: Mutant) -> None:
    assert mutant.path.read_text().count(mutant.old) == 1
    networks = {path.stem: right(path) for path in NETWORKS}
    found: list[str] = []
    passed: list[str] = []
    with active(mutant) as mutated:
        for name, (analysis, module) in networks.items():
            try:
                tree = mutated.tree(analysis.network)
            except Exception:
                found.append(name)
                continue
            if tree == module:
                continue
            if validate(tree, analysis.network):
                found.append(name)
            else:
                hold(analysis, printed(tree))
                passed.append(name)
    assert found, "it changes nothing that is wrong"
    assert not passed or mutant.harmless, passed


def test_all_is_as_before_afterwards() -> None:
    analysis, module = right(NETWORKS[0])
    before = emission.emit
    with active(MUTANTS[0]) as mutated:
        assert mutated.emit is not before
    from archc.emit import module as after

    assert after.emit is before
    assert after.tree(analysis.network) == module
