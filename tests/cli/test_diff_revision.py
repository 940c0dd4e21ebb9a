"""`archc diff HEAD:specs/a.toml specs/a.toml`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .conftest import TINY, Archc

BLOCKS = """\
archc = 1
[blocks.body]
layers = [{ name = "conv", op = "conv2d", out_channels = 8, kernel_size = 3 }]
"""
NET = """\
archc = 1
name = "net"
extends = "base.toml"
use = ["parts/blocks.toml"]
"""
BASE = """\
archc = 1
name = "base"
[network]
input = [3, 8, 8]
layers = [{ name = "body", block = "body" }, { op = "relu" }]
"""


def git(*arguments: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run(["git", *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tree: Path) -> Path:
    """A network of three files, all of which were changed since the first commit."""
    git("init", "-q")
    Path("specs/parts").mkdir(parents=True)
    for name, text in {
        "net.toml": NET,
        "base.toml": BASE,
        "parts/blocks.toml": BLOCKS,
    }.items():
        Path("specs", name).write_text(text)
    git("add", "-A")
    git("commit", "-qm", "one")
    Path("specs/parts/blocks.toml").write_text(BLOCKS.replace("size = 3", "size = 5"))
    Path("specs/base.toml").unlink()
    Path("specs/root.toml").write_text(BASE.replace("relu", "gelu"))
    Path("specs/net.toml").write_text(NET.replace("base", "root"))
    return tree


def test_all_its_files_are_those_of_the_revision(
    archc: Archc, repository: Path
) -> None:
    done = archc("diff", "HEAD:specs/net.toml", "specs/net.toml")
    assert done.exit_code == 0, done.output
    assert "0 of 2 layers alike." in done.stdout
    assert "conv2d  3×3 → 5×5" in done.stdout
    assert "relu → gelu" in done.stdout
    assert archc("diff", "HEAD:specs/net.toml", "HEAD:specs/net.toml").exit_code == 0


def test_from_a_directory_below(
    archc: Archc, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("specs/parts")
    for path in ("specs/net.toml", "./../net.toml", "./net.toml"):
        done = archc("diff", f"HEAD:{path}", "../net.toml")
        assert (done.exit_code == 0) == (path == "specs/net.toml"), path
    monkeypatch.chdir("..")
    assert archc("diff", "HEAD:./net.toml", "net.toml").exit_code == 0


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("nosuch:specs/net.toml", "no revision `nosuch`"),
        ("--all:specs/net.toml", "no revision `--all`"),
        ("HEAD:specs/nosuch.toml", "no spec in HEAD"),
        ("HEAD:specs", "no spec in HEAD"),
        ("HEAD:../net.toml", "from the root"),
        ("HEAD:specs/parts/blocks.toml", "only holds blocks"),
    ],
)
def test_what_there_is_not(
    archc: Archc, repository: Path, spec: str, said: str
) -> None:
    done = archc("diff", "--", spec, "specs/net.toml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_outside_of_a_repository(archc: Archc, tiny: Path) -> None:
    done = archc("diff", "HEAD:specs/tiny.toml", tiny)
    assert done.exit_code == 2 and "git says: " in done.stderr


def test_mistakes_are_told_with_the_revision(archc: Archc, repository: Path) -> None:
    Path("specs/net.toml").write_text(TINY.replace("relu", "rleu"))
    git("add", "-A")
    git("commit", "-qm", "two")
    Path("specs/net.toml").write_text(TINY)
    done = archc("diff", "HEAD:specs/net.toml", "specs/net.toml")
    assert done.exit_code == 1
    assert "--> HEAD:specs/net.toml:12:10" in done.stderr


def test_markdown(archc: Archc, repository: Path) -> None:
    Path("specs/net.toml").write_text(NET.replace("base", "root") + 'title = "a|b"\n')
    done = archc(
        "diff", "HEAD:specs/net.toml", "specs/net.toml", "--format", "markdown"
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "#### a\\|b: HEAD:specs/net.toml → specs/net.toml"
    assert lines[2].startswith("**0 of 2 layers alike.**")
    assert "| parameters | 224 | 608 | +384 (+171.4%) |" in lines
    assert "| `~` | conv2d  3×3 → 5×5 | body.conv | 6×6 → 4×4 |" in lines
