"""Modules that were changed by hand are not lost, and those that are old are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.emit.digest import signed, state, unsigned

from .conftest import TINY, Archc

MODULE = Path("generated/tiny.py")
OTHER = TINY.replace("width = 8", "width = 4").split("[expect]")[0]


@pytest.fixture
def compiled(archc: Archc, tiny: Path) -> Path:
    """The spec of a module that is there."""
    assert archc("compile", tiny).exit_code == 0
    return tiny


def edit(old: str = "F.relu", new: str = "F.gelu") -> str:
    """Changes the module; what it was."""
    text = MODULE.read_text()
    assert old in text
    MODULE.write_text(text.replace(old, new))
    return text


def test_an_edited_module_is_kept_and_shown(archc: Archc, compiled: Path) -> None:
    edit()
    before = {path: path.read_bytes() for path in Path("generated").iterdir()}
    compiled.write_text(OTHER)
    done = archc("compile", compiled)
    assert done.exit_code == 2 and done.stdout == ""
    assert "generated/tiny.py was changed by hand" in done.stderr
    assert "--force" in done.stderr
    assert "\n+        x = F.gelu(" in done.stderr
    assert "\n-        x = F.relu(" in done.stderr
    assert before == {path: path.read_bytes() for path in Path("generated").iterdir()}


def test_the_others_are_compiled_all_the_same(archc: Archc, compiled: Path) -> None:
    edit()
    compiled.with_name("other.toml").write_text(TINY.replace('"tiny"', '"other"'))
    assert archc("compile", "specs").exit_code == 2
    assert MODULE.with_name("other.py").exists()


def test_force_replaces_it(archc: Archc, compiled: Path) -> None:
    written = edit()
    assert archc("compile", compiled, "--force").exit_code == 0
    assert MODULE.read_text() == written


def test_an_outdated_module_is_replaced(archc: Archc, compiled: Path) -> None:
    compiled.write_text(OTHER)
    assert (
        "generated/tiny.py is outdated: "
        in archc("compile", compiled, "--check").stdout
    )
    assert archc("compile", compiled).exit_code == 0
    assert archc("compile", compiled, "--check").exit_code == 0


@pytest.mark.parametrize("outdated", [False, True])
def test_check_tells_edited_from_outdated(
    archc: Archc, compiled: Path, outdated: bool
) -> None:
    edit()
    if outdated:
        compiled.write_text(OTHER)
    done = archc("compile", compiled, "--check")
    assert done.exit_code == 1
    (line,) = [s for s in done.stdout.splitlines() if s.startswith(f"{MODULE} ")]
    assert "changed by hand" in line
    assert ("outdated" in line) == outdated


def test_without_a_digest(archc: Archc, compiled: Path) -> None:
    text = MODULE.read_text()
    MODULE.write_text(unsigned(text))
    assert archc("compile", compiled, "--check").exit_code == 0
    assert archc("compile", compiled).exit_code == 0
    assert MODULE.read_text() == text
    MODULE.write_text("my = 'own'\n")
    assert archc("compile", compiled).exit_code == 2
    assert MODULE.read_text() == "my = 'own'\n"


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"", b"x = '\x1b[31m'\n" * 300], ids=["", "no", "long"]
)
def test_whatever_is_there(archc: Archc, compiled: Path, content: bytes) -> None:
    MODULE.write_bytes(content)
    done = archc("compile", compiled)
    assert done.exit_code == 2 and MODULE.read_bytes() == content
    assert "\x1b" not in done.output and len(done.stderr.splitlines()) < 60


def test_lines_that_git_ends_otherwise_are_no_change(
    archc: Archc, compiled: Path
) -> None:
    text = MODULE.read_text()
    MODULE.write_bytes(text.replace("\n", "\r\n").encode())
    assert archc("compile", compiled, "--check").exit_code == 0
    compiled.write_text(OTHER)
    assert archc("compile", compiled).exit_code == 0


def test_a_title_that_looks_like_a_digest() -> None:
    plain = '"""Net.\n\nDigest: sha256 0123456789abcdef.\n"""\n\nx = 1\n'
    carried = signed(plain)
    assert unsigned(carried) == plain
    assert state(carried, carried) == "current"
    other = signed(plain.replace("x = 1", "x = 2"))
    assert state(carried, other) == "outdated"
    assert state(carried.replace("x = 1", "x = 3"), carried) == "edited"
    assert state(carried.replace("x = 1", "x = 3"), other) == "edited and outdated"


def test_a_digest_in_another_string_is_none() -> None:
    fresh = signed('"""Net.\n"""\n\nx = 1\n')
    late = '"""Net.\n"""\ny = """\nDigest: sha256 0123456789abcdef.\n"""\n'
    assert unsigned(late) == late and state(late, fresh) == "edited"


def test_the_module_of_another_spec_of_that_name_is_kept(
    archc: Archc, compiled: Path
) -> None:
    other = compiled.with_name("a b é.toml")
    other.write_text(OTHER)
    before = MODULE.read_text()
    done = archc("compile", other)
    assert done.exit_code == 2 and done.stdout == ""
    assert f"was compiled from specs/{compiled.name}" in done.stderr
    assert MODULE.read_text() == before
    assert archc("compile", other, "--force").exit_code == 0
    # it is not taken for the first one's
    assert archc("verify", compiled).exit_code == 0
    compiled.unlink()  # which was renamed
    assert archc("compile", other).exit_code == 0
