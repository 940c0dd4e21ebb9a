"""Specs whose code once went wrong; each is held against torch as random ones are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.emit import live
from tests.emit.holding import hold
from tests.random_networks.judge import judge

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.toml"))
MET = sorted((HERE / "met").glob("*.json"))
"""Small networks that were wrong once, by what was wrong with them."""
DRAWN = json.loads((HERE / "met.json").read_text("utf-8"))
"""Others, as they were drawn and made small."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    for path in CASES:
        (folder / f"{path.stem}.py").write_text(live.compiled(path)[1])
    return folder


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_generated_module_is_the_network(path: Path) -> None:
    hold(*live.compiled(path))


@pytest.mark.filterwarnings("ignore")  # torch's, of odd paddings and empty tensors
@pytest.mark.parametrize("path", MET, ids=lambda path: path.stem)
def test_what_was_wrong_once(path: Path, tmp_path: Path) -> None:
    verdict = judge(json.loads(path.read_text("utf-8")), tmp_path, tools=True)
    assert verdict.accepted
    assert verdict.kind is None, verdict.detail


@pytest.mark.filterwarnings("ignore")
def test_what_was_drawn_and_wrong_once(tmp_path: Path) -> None:
    for spec in DRAWN:
        verdict = judge(spec, tmp_path)
        assert verdict.accepted and verdict.kind is None, (spec, verdict.detail)


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
