"""The committed files under generated/ are current, clean, and need torch alone."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import strict

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated"
MODULES = sorted(GENERATED.rglob("*.py"))


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )


def test_there_is_one_module_for_each_network():
    specs = {
        p.relative_to(ROOT / "specs").with_suffix("")
        for p in (ROOT / "specs").rglob("*.toml")
        if "blocks" not in p.parts
    }
    assert specs == {p.relative_to(GENERATED).with_suffix("") for p in MODULES}


def test_generated_files_are_current():
    done = run("archc", "compile", "specs", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_has_nothing_to_say():
    # without the project's configuration: as a stranger's checkout would see them
    for command in (["check"], ["format", "--check"]):
        done = run("ruff", *command, "--isolated", "generated")
        assert done.returncode == 0, done.stdout


def test_pyright_has_nothing_to_say(tmp_path: Path):
    # below its configuration: pyright passes over any other place without a word
    shutil.copytree(GENERATED, tmp_path / "generated")
    (tmp_path / "pyrightconfig.json").write_text(strict.settings())
    done = run("pyright", "--pythonpath", sys.executable, "-p", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "No source files" not in done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.stem)
def test_only_torch_and_the_standard_library_are_imported(path: Path):
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    assert names - sys.stdlib_module_names == {"torch"}


def test_compiling_twice_gives_the_same_bytes(tmp_path: Path):
    spec = "specs/googlenet.toml"
    for folder in ("one", "two"):
        done = run("archc", "compile", spec, "-o", str(tmp_path / folder))
        assert done.returncode == 0, done.stderr
    first = {p.name: p.read_bytes() for p in (tmp_path / "one").iterdir()}
    second = {p.name: p.read_bytes() for p in (tmp_path / "two").iterdir()}
    assert first.keys() == {f"googlenet.{s}" for s in ("py", "dot", "svg", "json")}
    assert first == second
