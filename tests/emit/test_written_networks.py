"""Random networks of plain names and of formulas as people write them.

The seeds are fixed, so that what a reader's tools say is held without exception.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from tests.emit import live
from tests.emit.holding import hold
from tests.measure.networks import Writer

NETWORKS = 60


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("specs")
    paths = [folder / f"net{seed}.json" for seed in range(NETWORKS)]
    for seed, path in enumerate(paths):
        path.write_text(json.dumps(Writer(Random(seed)).spec()))
    return paths


@pytest.fixture(scope="module")
def written(specs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of generated modules."""
    folder = tmp_path_factory.mktemp("written")
    for path in specs:
        (folder / f"{path.stem}.py").write_text(live.compiled(path)[1])
    return folder


def test_generated_module_is_the_network(specs: list[Path]) -> None:
    for path in specs:
        hold(*live.compiled(path))


def test_generated_code_is_formatted(written: Path) -> None:
    assert not live.ruff("format", "--check", str(written))


def test_generated_code_passes_ruff(written: Path) -> None:
    # a `when` inside a `when` is an `if` inside an `if`
    assert not live.ruff("check", "--ignore", "SIM102", str(written))


def test_generated_code_passes_strict_pyright(written: Path) -> None:
    assert not live.pyright(written)
