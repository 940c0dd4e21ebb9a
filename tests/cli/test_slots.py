"""Nodes that are put into slots from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import archc as package
from tests.cli.conftest import Archc

SPEC = """
archc = 1
name = "chosen"

[params]
width = 8

[slots]
norm = { op = "batch_norm2d", eps = 1e-3 }
act = { op = "relu" }

[network]
input = [3, 8, 8]
layers = [
  { name = "conv", op = "conv2d", out_channels = "width", kernel_size = 3 },
  { name = "bn", slot = "norm" },
  { slot = "act" },
]

[expect]
params = 240
"""


@pytest.fixture
def chosen(tmp_path: Path) -> Path:
    path = tmp_path / "chosen.toml"
    path.write_text(SPEC)
    return path


def test_a_node_is_replaced_whole(archc: Archc, chosen: Path) -> None:
    setting = ("--set", 'norm={op="group_norm", num_groups=2}')
    found = json.loads(archc("summary", chosen, "--format", "json", *setting).stdout)
    assert [row["op"] for row in found["layers"]] == ["conv2d", "group_norm", "relu"]


def test_python_takes_nodes_as_dicts(chosen: Path) -> None:
    network = package.load(chosen, act={"op": "elu", "alpha": 0.5}, width=4)
    assert network.params == 4 * 3 * 9 + 4 + 2 * 4
    assert "partial(nn.ELU, alpha=0.5)" in network.source()


def test_a_file_that_extends_replaces_nodes_whole(archc: Archc, chosen: Path) -> None:
    other = chosen.with_name("other.toml")
    other.write_text(
        'archc = 1\nextends = "chosen.toml"\nname = "other"\n'
        'slots.norm = { op = "identity" }\n'
    )
    assert archc("check", other).exit_code == 0
    assert package.load(other).params == 8 * 3 * 9 + 8


@pytest.mark.parametrize(
    ("setting", "code", "help"),
    [
        ("act=relu", "unknown-param", "`act` is a slot, and takes a node"),
        ('width={op="relu"}', "wrong-type", "for one of [slots]"),
        ('at={op="relu"}', "unknown-param", "did you mean `act`?"),
        ('act={op="rel"}', "unknown-op", "did you mean `relu`?"),
        ('norm={op="group_norm", num_groups=3}', "not-divisible", "divides 8"),
    ],
)
def test_mistakes_from_outside(
    archc: Archc, chosen: Path, setting: str, code: str, help: str
) -> None:
    result = archc("check", chosen, "--format", "json", "--set", setting)
    (found,) = json.loads(result.stdout)
    assert found["code"] == code
    assert help in found["help"]
