"""Random valid networks, held against torch and against the tools of a reader."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.emit import live
from tests.emit.networks import Writer

EXAMPLES = 60
TYPED = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(size=st.integers(1, 45), seed=st.integers(0, 2**32))
def test_generated_module_is_the_network(folder: Path, size: int, seed: int) -> None:
    path = folder / "random_net.json"
    path.write_text(json.dumps(Writer(Random(seed), size).spec()))
    live.hold(*live.compiled(path))


@pytest.fixture(scope="module")
def written(folder: Path) -> Path:
    """A folder of generated modules."""
    into = folder / "written"
    into.mkdir()
    for seed in range(EXAMPLES):
        path = folder / f"net{seed}.json"
        path.write_text(json.dumps(Writer(Random(seed)).spec()))
        (into / f"net{seed}.py").write_text(live.compiled(path)[1])
    return into


def test_generated_code_is_formatted(written: Path) -> None:
    assert not live.ruff("format", "--check", str(written))


def test_generated_code_passes_ruff(written: Path) -> None:
    # a `when` inside a `when` is an `if` inside an `if`
    assert not live.ruff("check", "--ignore", "SIM102", str(written))


def test_generated_code_passes_strict_pyright(written: Path, tmp_path: Path) -> None:
    for seed in range(TYPED):
        source = written / f"net{seed}.py"
        (tmp_path / source.name).write_text(source.read_text())
    assert not live.pyright(tmp_path)
