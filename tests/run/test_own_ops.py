"""Ops of other packages, held to what a spec claims of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import Result

from tests.command import invoke

PACKAGE = """
import torch
import torch.nn.functional as F
from torch import Tensor, nn

class Smooth(nn.Module):
    def __init__(self, channels: int, stride: int = 2) -> None:
        super().__init__()
        self.channels, self.stride = channels, stride
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))
        self.register_buffer("filt", torch.full((channels, 1, 3, 3), 1 / 9))

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        x = F.conv2d(x, self.filt, stride=self.stride, groups=self.channels)
        return x * self.scale
"""
SPEC = """
archc = 1
name = "smoothed"

[ops.smooth]
module = "odd_package_of_a_test.Smooth"
defaults = { stride = 2 }
arguments = { channels = "in_channels", stride = "stride" }
output = ["in_channels", "(height - 1) // stride + 1", "(width - 1) // stride + 1"]
parameters = { scale = ["in_channels", 1, 1] }
buffers = { filt = ["in_channels", 1, 3, 3] }
macs = "in_channels * 9 * ((height - 1) // stride + 1) * ((width - 1) // stride + 1)"

[network]
input = [3, 17, 16]
layers = [
  { name = "conv", op = "conv2d", out_channels = 6, kernel_size = 3, padding = 1 },
  { name = "smooth", op = "smooth" },
  { op = "relu" },
  { name = "unit", block = "unit", repeat = 2, down = { op = "smooth", stride = 3 } },
]

[blocks.unit]
slots = ["down"]
layers = [
  { name = "conv", op = "conv2d", out_channels = "in_channels + 2", kernel_size = 1 },
  { name = "down", slot = "down" },
]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "smoothed.toml"
    path.write_text(dedent(SPEC))
    return path


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "odd_package_of_a_test.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(folder)
    yield
    sys.modules.pop("odd_package_of_a_test", None)


def archc(*args: object) -> Result:
    return invoke(*args)


@pytest.mark.usefixtures("installed")
def test_claims_that_hold_agree(spec: Path) -> None:
    result = archc("verify", spec)
    assert result.exit_code == 0, result.output
    assert "imports `odd_package_of_a_test`, as [ops.smooth] says" in result.stderr


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("claim", "other", "found"),
    [
        ("(height - 1) // stride + 1\", ", "(height - 2) // stride + 1\", ", "6x9x8"),
        ("scale = [\"in_channels\", 1, 1]", "scale = [\"in_channels\"]", "6x1x1"),
        ("parameters = { scale", "parameters = { gain", "no such tensor"),
        ("buffers = { filt = [\"in_channels\", 1, 3, 3] }", "", "claims none"),
        ("macs = \"in_channels * 9", "macs = \"in_channels * 8", "multiply-adds"),
        ("channels = \"in_channels\", ", "channel = \"in_channels\", ", "channel"),
    ],
)  # fmt: skip
def test_claims_that_do_not_hold_are_told(
    spec: Path, claim: str, other: str, found: str
) -> None:
    text = spec.read_text()
    assert claim in text
    spec.write_text(text.replace(claim, other))
    assert archc("check", spec).exit_code == 0
    result = archc("verify", spec)
    assert result.exit_code == 1
    assert found in result.output
    assert "Traceback" not in result.output


PLAIN = """
archc = 1
name = "plain"

[network]
input = [3, 16, 16]
layers = [
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 10 },
]
"""


@pytest.mark.parametrize("command", ["verify", "smoke"])
def test_a_package_that_is_missing_is_a_line_and_the_others_go_on(
    spec: Path, command: str
) -> None:
    (spec.parent / "plain.toml").write_text(dedent(PLAIN))
    result = archc(command, spec.parent)
    assert result.exit_code == 1
    (line,) = [x for x in result.stderr.splitlines() if "odd_package" in x]
    assert line.startswith(f"error: {spec}:6:10: `odd_package_of_a_test` is not inst")
    assert "[ops.smooth] of smoothed needs it: install it" in line
    assert "plain.toml" in result.stdout
    assert "smoothed" not in result.stdout


def test_a_package_that_is_missing_is_a_line_of_a_command_of_one_spec(
    spec: Path,
) -> None:
    result = archc("train", spec, "--data", "digits")
    assert result.exit_code == 1
    assert f"error: {spec}:6:10: `odd_package_of_a_test` is not" in result.stderr


def test_what_runs_nothing_imports_nothing(spec: Path, tmp_path: Path) -> None:
    for command in ("check", "summary", "memory"):
        assert archc(command, spec).exit_code == 0
    assert archc("compile", spec, "-o", tmp_path / "out").exit_code == 0
    source = (tmp_path / "out" / "smoothed.py").read_text()
    assert "\nimport odd_package_of_a_test\nimport torch" in source
    assert "odd_package_of_a_test.Smooth(channels=6, stride=2)" in source
    assert "odd_package_of_a_test" not in sys.modules


def test_counts_are_the_claims(spec: Path) -> None:
    found = json.loads(archc("summary", spec, "--format", "json").stdout)
    row = next(r for r in found["layers"] if r["path"] == "smooth")
    assert (row["params"], row["macs"]) == (6, 6 * 9 * 9 * 8)
