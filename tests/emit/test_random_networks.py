"""Random networks from fresh seeds, held against torch and the tools of a reader."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.emit import live
from tests.random_networks.campaign import fresh_seed, try_seed
from tests.random_networks.judge import analysed, judge
from tests.random_networks.spec import draw_spec, is_hostile

NETWORKS = 120
TYPED = 20
RULES = (
    "reportAttributeAccessIssue",
    "reportCallIssue",
    "reportPossiblyUnbound",
    "reportRedeclaration",
    "reportReturnType",
    "reportUndefinedVariable",
    "reportUnusedImport",
    "reportUnusedVariable",
)
"""What holds of any network. Drawn ones bring conditions of known numbers, numbers for
truths, and blocks that never run, of whose arguments no value tells the type; committed
files are held to the strict mode."""
SHOWN = 5
"""How many faults are written out; the others are mostly of the same kinds."""


@pytest.fixture(scope="module")
def seeds() -> list[int]:
    """As many plain as hostile; any is replayed by tests/benchmarks/fuzz.py --seed."""
    start = fresh_seed()
    print(f"random networks: seeds from {start}")
    return list(range(start, start + NETWORKS))


@pytest.mark.filterwarnings("ignore")  # torch's, of odd paddings and empty tensors
def test_generated_module_is_the_network(seeds: list[int], tmp_path: Path) -> None:
    accepted = 0
    faults: list[str] = []
    for seed in seeds:
        spec, verdict = try_seed(seed, tmp_path, slow=False)
        accepted += verdict.accepted
        if verdict.kind is not None:
            written = json.dumps(spec, ensure_ascii=False)
            faults.append(f"seed {seed}: {verdict.kind}\n{verdict.detail}\n{written}")
    assert not faults, "\n\n".join([f"{len(faults)} at fault", *faults[:SHOWN]])
    # drawn so that they are valid; if few are, nothing much was tested
    assert accepted > len(seeds) / 2


@pytest.mark.filterwarnings("ignore")
def test_other_arguments_give_the_network_they_say(tmp_path: Path) -> None:
    """With seeds that stay, and all that the long run asks but for its commands."""
    for seed in range(NETWORKS):
        verdict = judge(draw_spec(seed), tmp_path, tools=True)
        assert verdict.kind is None, f"seed {seed}: {verdict.kind}\n{verdict.detail}"


@pytest.fixture(scope="module")
def written(seeds: list[int], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of generated modules, each named by its seed."""
    folder, specs = (tmp_path_factory.mktemp(name) for name in ("written", "specs"))
    for seed in seeds:
        path = specs / f"{seed}.json"
        path.write_text(json.dumps(draw_spec(seed), ensure_ascii=False))
        if analysed(path) is not None:
            (folder / f"net{seed}.py").write_text(live.compiled(path)[1])
    return folder


def test_generated_code_is_formatted(written: Path) -> None:
    found = live.ruff("format", "--check", str(written))
    # drawn formulas are longer and deeper than written ones: of 3,033 modules two
    # were laid out otherwise. None may be where the seeds stay, above and in
    # test_written_networks.py
    assert found.count("File would be reformatted") <= 2, found


def test_generated_code_passes_ruff(written: Path) -> None:
    # a `when` inside a `when` is an `if` inside an `if`; names and comparisons are
    # the spec's
    ignored = "SIM102,SIM300,E501,E712,E741,E742"
    assert not live.ruff("check", "--ignore", ignored, str(written))


def test_generated_code_passes_pyright(written: Path, tmp_path: Path) -> None:
    for source in sorted(written.iterdir())[:TYPED]:
        (tmp_path / source.name).write_text(source.read_text())
    rules = dict.fromkeys(RULES, "error")
    assert not live.pyright(tmp_path, typeCheckingMode="off", **rules)


def test_hostile_and_plain_names_take_turns(seeds: list[int]) -> None:
    assert sum(map(is_hostile, seeds)) == NETWORKS // 2
