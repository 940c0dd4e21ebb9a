"""`extends` and `use` find what comes with archc where a tree has no such file."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader

MINE = 'archc = 1\nname = "mine"\n'
BODY = """
[network]
input = [3, 32, 32]
layers = [{ name = "unit", block = "basic_block", planes = 16 }]
"""
OWN = """
[blocks.basic_block]
params = ["planes"]
layers = [{ name = "only", op = "conv2d", out_channels = "planes", kernel_size = 1 }]
"""


def read(path: Path, text: str) -> tuple[Analysis | None, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MINE + text)
    found = analyse(path, Loader(sink := Sink()), sink)
    return found, render_text(sink)


def test_a_network_of_archc_is_extended(tmp_path: Path) -> None:
    text = 'extends = "torchvision/googlenet"\n[params]\nnum_classes = 5\n'
    found, said = read(tmp_path / "mine.toml", text)
    assert found is not None, said
    assert found.network.params["num_classes"] == 5


@pytest.mark.parametrize("where", ["mine.toml", "specs/mine.toml", "specs/a/mine.toml"])
def test_blocks_of_archc_are_used(where: str, tmp_path: Path) -> None:
    found, said = read(tmp_path / where, f'use = ["blocks/resnet.toml"]{BODY}')
    assert found is not None, said
    assert found.facts.params > 3 * 16 * 9


@pytest.mark.parametrize("where", ["specs/mine.toml", "specs/a/mine.toml"])
def test_those_of_the_own_tree_come_first(where: str, tmp_path: Path) -> None:
    own = tmp_path / "specs/blocks/resnet.toml"
    own.parent.mkdir(parents=True)
    own.write_text(f"archc = 1\n{OWN}")
    found, said = read(tmp_path / where, f'use = ["blocks/resnet.toml"]{BODY}')
    assert found is not None, said
    assert found.facts.params == 3 * 16 + 16


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("torchvision/gogglenet", 'did you mean "torchvision/googlenet"?'),
        ("mobilenet_v2", 'did you mean "torchvision/mobilenet_v2"?'),
        ("nothing/alike", "archc list"),
        ("../torchvision/googlenet", "outside"),
    ],
)
def test_what_is_nowhere_is_told(name: str, help: str, tmp_path: Path) -> None:
    found, said = read(tmp_path / "mine.toml", f'extends = "{name}"\n')
    assert found is None and help in said
