"""A directory that a command makes for its output is told in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import invoke

COMMANDS = {
    "compile": ("compile", "lenet5", "-o", "deep/er"),
    "draw": ("draw", "lenet5", "-o", "deep/er/lenet.dot"),
    "report": ("report", "lenet5", "-o", "deep/er/lenet.html"),
    "new": ("new", "net", "-o", "deep/er/net.toml"),
    "sweep": (
        "sweep", "cifar/resnet20", "--vary", "n=1:2", "--plot", "deep/er/plot.svg",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_told_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke(*COMMANDS[name])
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines().count("made the directory deep/er") == 1
    for path in Path("deep/er").iterdir():
        path.unlink()
    again = invoke(*COMMANDS[name])
    assert again.exit_code == 0
    assert "directory" not in again.stderr


def test_what_archc_chose_is_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("compile", "lenet5")
    assert done.exit_code == 0 and "generated/lenet5.py" in done.stdout
    assert "directory" not in done.stderr
