"""What is read and written, where links, devices, signals and full disks are about."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archc import output
from archc.draw.diagram import Diagram
from archc.draw.render import RenderError
from archc.output import Output, create, write
from tests.cli.conftest import TINY, Archc, archc, tiny, tree  # noqa: F401 - fixtures

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links, devices, signals")

# ruff: noqa: F811 - fixtures are arguments


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pictures that were asked for; what they show is not the question here."""
    asked: list[str] = []

    def picture(_: Diagram, form: str) -> bytes:
        asked.append(form)
        return f"{form} number {len(asked)}".encode()

    monkeypatch.setattr(Diagram, "picture", picture)
    return asked


# --------------------------------------------------------------------------- pictures


def test_a_picture_is_kept_while_its_dot_is(
    archc: Archc, tiny: Path, drawn: list[str]
) -> None:
    picture = Path("generated/tiny.svg")
    archc("compile", tiny)
    for _ in range(2):
        result = archc("compile", tiny)
        assert "generated/tiny.svg" in result.stdout.splitlines()
    assert drawn == ["svg"]
    assert picture.read_text() == "svg number 1"
    # one that is missing or empty is drawn
    picture.unlink()
    archc("compile", tiny)
    picture.write_bytes(b"")
    archc("compile", tiny)
    assert drawn == ["svg"] * 3
    # another format is another picture
    archc("compile", tiny, "--format-diagram", "pdf")
    assert drawn[3:] == ["pdf"]


def test_a_picture_of_another_network_is_drawn_anew(
    archc: Archc, tiny: Path, drawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    archc("compile", tiny)
    archc("compile", tiny, "--format-diagram", "pdf")
    wider = TINY.replace("width = 8", "width = 4").partition("[expect]")[0]
    time.sleep(0.02)  # a clock that is coarser than that is rare
    tiny.write_text(wider)

    def fail(_: Diagram, form: str) -> bytes:
        raise RenderError("there is no Graphviz")

    with monkeypatch.context() as patch:
        patch.setattr(Diagram, "picture", fail)
        assert archc("compile", tiny).exit_code == 2
    # both are older than the .dot now
    archc("compile", tiny)
    archc("compile", tiny, "--format-diagram", "pdf")
    assert drawn == ["svg", "pdf", "svg", "pdf"]


def test_check_says_nothing_of_pictures(
    archc: Archc, tiny: Path, drawn: list[str]
) -> None:
    archc("compile", tiny)
    Path("generated/tiny.svg").write_text("another")
    assert archc("compile", tiny, "--check").exit_code == 0
    Path("generated/tiny.dot").write_text("another")
    assert archc("compile", tiny, "--check").exit_code == 1


def test_what_is_current_is_not_written(
    archc: Archc, tiny: Path, drawn: list[str]
) -> None:
    archc("compile", tiny)
    before = {p.name: p.stat().st_ino for p in Path("generated").iterdir()}
    archc("compile", tiny)
    assert {p.name: p.stat().st_ino for p in Path("generated").iterdir()} == before


# ------------------------------------------------------------------------------ links


@pytest.mark.parametrize("name", ["tiny.py", "tiny.dot", "tiny.json", "tiny.svg"])
@pytest.mark.parametrize("there", [True, False])
def test_links_lead_out_of_no_output_directory(
    name: str, there: bool, archc: Archc, tiny: Path, drawn: list[str]
) -> None:
    victim = Path("victim").absolute()
    if there:
        victim.write_text("mine")
    Path("generated").mkdir()
    Path("generated", name).symlink_to(victim)
    result = archc("compile", tiny)
    assert result.exit_code == 2
    assert f"cannot write generated/{name}: a link on its way leads" in result.stderr
    assert victim.read_text() == "mine" if there else not victim.exists()
    assert os.listdir("generated") == [name]


def test_nor_do_directories_that_are_links(
    archc: Archc, tree: Path, drawn: list[str]
) -> None:
    spec = Path("specs/a/tiny.toml")
    spec.parent.mkdir(parents=True)
    spec.write_text(TINY)
    Path("elsewhere").mkdir()
    Path("generated").mkdir()
    Path("generated/a").symlink_to("../elsewhere")
    assert archc("compile", "specs").exit_code == 2
    assert os.listdir("elsewhere") == []


def test_the_directory_itself_may_be_a_link(
    archc: Archc, tiny: Path, drawn: list[str]
) -> None:
    Path("elsewhere").mkdir()
    Path("build").symlink_to("elsewhere")
    assert archc("compile", tiny, "-o", "build").exit_code == 0
    Path("elsewhere/tiny.py").rename("elsewhere/other.py")
    Path("elsewhere/tiny.py").symlink_to("other.py")
    Path("elsewhere/other.py").write_text("old")
    assert archc("compile", tiny, "-o", "build", "--force").exit_code == 0
    assert Path("elsewhere/other.py").read_text() != "old"
    assert Path("elsewhere/tiny.py").is_symlink()


@pytest.mark.parametrize("kind", ["/dev/zero", "fifo", "directory"])
def test_odd_things_in_the_place_of_a_file(
    kind: str, archc: Archc, tiny: Path, drawn: list[str]
) -> None:
    place = Path("generated/tiny.py")
    place.parent.mkdir()
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "directory":
        place.mkdir()
    else:
        place.symlink_to(kind)
    assert archc("compile", tiny).exit_code == 2
    assert archc("compile", tiny, "--check").exit_code == 1
    assert os.listdir("generated") == ["tiny.py"]
    assert Path("/dev/zero").is_char_device()


# ---------------------------------------------------------------------------- signals

_SLOW = """
import os, signal, sys, time
from pathlib import Path
from archc import output

# tests that run in the background are started with these ignored
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

def slow(temporary, content, target):
    temporary.write_bytes(content)
    print("half", flush=True)
    time.sleep(60)

output._fill = slow
output.write([output.Output(Path("out/a"), b"x"), output.Output(Path("out/b"), b"x")])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_nothing_half_written_is_left(number: signal.Signals, tree: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _SLOW], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    assert [Path(name).suffix for name in os.listdir("out")] == [".tmp"]
    process.send_signal(number)
    # it ends as any process does that is told to
    assert process.wait(30) == -number
    assert os.listdir("out") == []


def test_other_handlers_of_signals_are_left_alone(tree: Path) -> None:
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    try:
        write([Output(Path("a"), b"x")])
        os.kill(os.getpid(), signal.SIGTERM)
        assert told == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
    write([Output(Path("b"), b"x")])
    assert signal.getsignal(signal.SIGTERM) is before


# ------------------------------------------------------------------------- full disks


@pytest.mark.parametrize("fatal", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_full_disk_leaves_what_was_there(
    fatal: BaseException, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write([Output(Path("a"), b"old"), Output(Path("b"), b"old")])
    fill = output._fill

    def full(temporary: Path, content: bytes, target: Path) -> None:
        fill(temporary, content[:1], target)
        if target.name == "b":
            raise fatal

    monkeypatch.setattr(output, "_fill", full)
    with pytest.raises(type(fatal)):
        write([Output(Path("a"), b"new"), Output(Path("b"), b"new")])
    assert sorted(os.listdir()) == ["a", "b"]
    assert [Path(name).read_bytes() for name in "ab"] == [b"old", b"old"]


def test_a_device_that_is_full(tree: Path) -> None:
    if not Path("/dev/full").is_char_device():
        pytest.skip("there is no /dev/full")
    code = "from pathlib import Path; from archc.cli import main; main()"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", code, "explain"], stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr


def test_a_new_spec_is_whole_or_not_there(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TypeError):
        create(Output(Path("specs/new.toml"), "no bytes"))  # pyright: ignore[reportArgumentType]
    assert not Path("specs/new.toml").exists()


# ---------------------------------------------------------------------------- reading


def test_a_spec_is_read_by_the_rule_of_use(archc: Archc, tiny: Path) -> None:
    outside = Path("outside")
    outside.mkdir()
    tiny.rename("outside/tiny.toml")
    tiny.symlink_to("../outside/tiny.toml")
    for command in ("check", "summary", "compile", "memory"):
        result = archc(command, tiny)
        assert result.exit_code == 1, command
        assert "error[outside-tree]" in result.output
    assert not Path("generated").exists()
    assert archc("check", "specs").exit_code == 1
    assert archc("check", tiny, "--allow-outside").exit_code == 0
    # a link within the tree is one to what one may read anyway
    Path("specs/a").mkdir()
    Path("specs/a/real.toml").write_text(TINY)
    tiny.unlink()
    tiny.symlink_to("a/real.toml")
    assert archc("check", tiny).exit_code == 0
    # and so is a tree that a link leads to
    Path("other").symlink_to("specs")
    assert archc("check", "other/a/real.toml").exit_code == 0


@pytest.mark.parametrize("kind", ["fifo", "/dev/zero", "huge", "directory", "nowhere"])
def test_what_is_no_file_is_not_read(kind: str, archc: Archc, tree: Path) -> None:
    spec = Path("specs/odd.toml")
    spec.parent.mkdir()
    if kind == "fifo":
        os.mkfifo(spec)
    elif kind == "huge":
        with spec.open("wb") as file:
            file.truncate(10**12)
    elif kind == "directory":
        spec.mkdir()
    else:
        spec.symlink_to(kind)
    started = time.perf_counter()
    for arguments in (
        ("check", spec, "--allow-outside"), ("check", spec), ("check", "specs"),
        ("summary", spec), ("list", "alexnet"), ("summary", "odd"),
    ):  # fmt: skip
        result = archc(*arguments)
        assert result.exit_code != 0 or arguments[0] == "list", arguments
        assert result.output
    assert time.perf_counter() - started < 30


def test_a_module_that_is_no_file_is_not_read(archc: Archc, tiny: Path) -> None:
    pytest.importorskip("torch")
    Path("generated").mkdir()
    Path("generated/tiny.py").symlink_to("/dev/zero")
    result = archc("verify", tiny)
    assert result.exit_code == 2
    assert "not a regular file" in result.stderr
