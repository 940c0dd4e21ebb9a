"""Specs whose text is in memory: what is read, what is analysed again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archc.live.workspace import Workspace

BASE = """\
archc = 1
name = "base"
use = ["parts.toml"]

[params]
width = 8

[network]
input = [3, 8, 8]
layers = [{ name = "first", block = "unit", width = "width" }]
"""
PARTS = """\
archc = 1

[blocks.unit]
params = ["width"]
layers = [{ name = "conv", op = "conv2d", out_channels = "width", kernel_size = 3 }]
"""
CHILD = 'archc = 1\nextends = "base.toml"\nname = "child"\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in (("base", BASE), ("parts", PARTS), ("child", CHILD)):
        (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    return tmp_path


def _channels(workspace: Workspace, path: Path) -> int | None:
    analysis = workspace.look(path).analysis
    if analysis is None:
        return None
    shape = analysis.network.body.output.shape
    return None if shape is None else shape.sizes[0]


def test_open_text_is_read_across_use_and_extends(tree: Path) -> None:
    workspace = Workspace()
    child = tree / "child.toml"
    assert _channels(workspace, child) == 8
    workspace.open(tree / "base.toml", BASE.replace("width = 8", "width = 16"))
    assert _channels(workspace, child) == 16
    workspace.open(tree / "parts.toml", PARTS.replace('"width",', '"2 * width",'))
    assert _channels(workspace, child) == 32
    workspace.close(tree / "base.toml")
    assert _channels(workspace, child) == 16
    assert (tree / "base.toml").read_text("utf-8") == BASE


def test_a_file_that_was_never_saved_is_found(tree: Path) -> None:
    (tree / "parts.toml").unlink()
    workspace = Workspace()
    base = tree / "base.toml"
    assert {d.code for d in workspace.look(base).diagnostics} == {"file-not-found"}
    workspace.open(tree / "parts.toml", PARTS)
    assert _channels(workspace, base) == 8


def test_nothing_is_analysed_twice(tree: Path) -> None:
    workspace = Workspace()
    first = workspace.look(tree / "child.toml")
    assert workspace.look(tree / "child.toml") is first
    workspace.open(tree / "parts.toml", PARTS)
    assert workspace.look(tree / "child.toml") is not first


def test_a_change_on_disk_is_noticed(tree: Path) -> None:
    workspace = Workspace()
    base = tree / "base.toml"
    assert _channels(workspace, base) == 8
    base.write_text(BASE.replace("width = 8", "width = 9"), "utf-8")
    os.utime(base, ns=(1, 1))
    assert _channels(workspace, base) == 9


def test_the_last_good_network_is_kept_beside_the_errors(tree: Path) -> None:
    workspace = Workspace()
    base = tree / "base.toml"
    good = workspace.look(base).analysis
    workspace.open(base, BASE.replace('"unit"', '"unti"'))
    state = workspace.look(base)
    assert state.failed and state.analysis is None
    assert workspace.good(base) is good is not None


def test_who_is_affected_by_a_change(tree: Path) -> None:
    workspace = Workspace()
    for name in ("base", "child"):
        workspace.look(tree / f"{name}.toml")
    affected = workspace.affected([tree / "parts.toml"])
    assert {path.name for path in affected} == {"base.toml", "child.toml"}
    affected = workspace.affected([tree / "child.toml"])
    assert {path.name for path in affected} == {"child.toml"}
