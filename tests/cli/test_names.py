from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import archc as package
from archc import catalog
from archc.cli.compile import default_directory
from archc.cli.specs import Found

from .conftest import SPECS, TINY, Archc


@pytest.fixture
def editions(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Specs that come along: `both` twice, `alone` in an edition, `two` in two."""
    root = tree / "package" / "specs"
    for key in ("both", "e/both", "e/alone", "e/two", "f/two"):
        path = root / f"{key}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TINY.replace('"tiny"', f'"{path.stem}"'))
    (root / "blocks.toml").write_text('archc = 1\n[blocks.a]\nlayers = [{op = "relu"}]')
    monkeypatch.setattr(catalog, "shipped", lambda: root)
    return root


@pytest.mark.parametrize("command", ["check", "summary", "compile"])
def test_every_command_takes_names(archc: Archc, editions: Path, command: str) -> None:
    for name in ("both", "e/both", "alone"):
        assert archc(command, name).exit_code == 0


def test_of_several_editions_the_published_one(archc: Archc, editions: Path) -> None:
    result = archc("compile", "both")
    assert result.stderr == (
        f"both is {editions / 'both.toml'}; there is also e/both:"
        " archc diff both e/both\n"
    )
    assert archc("compile", "e/both").stderr == ""
    assert archc("compile", "alone").stderr == ""


def test_outputs_go_below_the_current_directory(archc: Archc, editions: Path) -> None:
    assert archc("compile", "both", "alone").exit_code == 0
    assert Path("generated/both.py").exists()
    assert Path("generated/e/alone.py").exists()
    assert sorted(p.name for p in editions.parent.iterdir()) == ["specs"]
    assert "from specs/e/alone.toml." in Path("generated/e/alone.py").read_text()
    assert archc("compile", "both", "alone", "--check").exit_code == 0


def test_never_into_the_package(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "_PACKAGE", tree / "site" / "archc")
    path = tree / "site" / "archc" / "specs" / "e" / "net.toml"
    path.parent.mkdir(parents=True)
    assert default_directory(Found(path)) == Path("generated/e")
    assert catalog.shipped() == tree / "site" / "archc" / "specs"


def test_a_local_spec_comes_first(archc: Archc, editions: Path) -> None:
    Path("specs").mkdir()
    Path("specs/both.toml").write_text(TINY)
    result = archc("compile", "both")
    assert result.stderr.startswith("both is specs/both.toml; there is also e/both")
    assert Path("generated/tiny.py").exists()


def test_what_is_a_path_is_no_name(archc: Archc, editions: Path) -> None:
    Path("both").mkdir()
    Path("both/net.toml").write_text(TINY)
    assert "net.toml" not in archc("check", "both").stderr
    assert archc("compile", "both").stdout.startswith("generated/tiny.py")
    assert "file-not-found" in archc("check", "both.toml").stdout


def test_several_editions_without_a_published_one(archc: Archc, editions: Path) -> None:
    result = archc("compile", "both", "two")
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: several editions have a network `two`; say which: e/two, f/two\n"
    )
    assert not Path("generated").exists()
    with pytest.raises(ValueError, match="say which: e/two, f/two"):
        package.load("two")


def test_names_that_are_none(archc: Archc, editions: Path) -> None:
    cases = {
        "bth": "did you mean the network `both`?",
        "e/alon": "did you mean the network `e/alone`?",
        "g/both": "did you mean the network `e/both`?",
        "blocks": "`archc list` shows",
        "zzzzzz": "`archc list` shows",
        "../zzz": "check the path",
    }
    for name, help in cases.items():
        result = archc("check", name)
        assert result.exit_code == 1
        assert "file-not-found" in result.stdout
        assert help in " ".join(result.stdout.split())
    Path("bota.toml").write_text(TINY)
    shown = " ".join(archc("check", "bota").stdout.split())
    assert "did you mean `bota.toml`, or the network `both`?" in shown


def test_load_takes_names(editions: Path) -> None:
    assert package.load("alone", width=4).name == "alone"
    with pytest.raises(package.SpecError, match="did you mean the network `alone`"):
        package.load("alonee")
    with pytest.raises(package.SpecError, match="there is no file"):
        package.load("alone.toml")
    with pytest.raises(package.SpecError, match="file-unreadable"):
        package.load("al\0ne")


def test_completion_offers_names(tree: Path) -> None:
    code = "from archc.cli import main; main(prog_name='archc')"
    environment = {
        **os.environ,
        "_ARCHC_COMPLETE": "bash_complete",
        "COMP_WORDS": "archc compile torchvision/resnet15",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    lines = done.stdout.splitlines()
    assert lines == ["file,torchvision/resnet15", "plain,torchvision/resnet152"]


def test_the_catalogue_is_cheap() -> None:
    code = "import archc.catalog as c, sys; c.networks(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "archc" in loaded
    assert not {"pydantic", "click", "rich", "tree_sitter"} & loaded


def test_the_wheel_holds_the_specs(tmp_path: Path) -> None:
    wheel = pytest.importorskip("hatchling.builders.wheel")
    root = SPECS.parent
    (built,) = wheel.WheelBuilder(str(root)).build(
        directory=str(tmp_path), versions=["standard"]
    )
    with zipfile.ZipFile(built) as archive:
        names = set(archive.namelist())
    assert "archc/spec/starter.toml" in names
    specs = {p.relative_to(root).as_posix() for p in SPECS.rglob("*.toml")}
    assert {f"archc/{name}" for name in specs} <= names
