"""Specs whose code once went wrong; each is held against torch as random ones are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit import live
from tests.emit.holding import hold

CASES = sorted((Path(__file__).parent / "cases").glob("*.toml"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    for path in CASES:
        (folder / f"{path.stem}.py").write_text(live.compiled(path)[1])
    return folder


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_generated_module_is_the_network(path: Path) -> None:
    hold(*live.compiled(path))


def test_generated_code_is_clean(written: Path) -> None:
    assert not live.ruff("format", "--check", str(written))
    assert not live.ruff("check", "--ignore", "SIM102", str(written))
    assert not live.pyright(written)
