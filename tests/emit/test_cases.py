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


def test_helpers_import_what_they_use_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text("""
archc = 1
name = "net"
[network]
input = [3, 8, 8]
layers = [
  { name = "conv", op = "conv2d", out_channels = 4, kernel_size = 1 },
  { name = "response", op = "global_response_norm" },
]
""")
    analysis, source = live.compiled(path)
    # torch is only used by the helper, in which F is the first letter of False
    assert "import torch\n" in source
    assert " as F\n" not in source
    hold(analysis, source)
