"""What only shows in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from tests.command import invoke

from .conftest import SPECS, TINY

RESNET = str(SPECS / "torchvision" / "resnet50.toml")


def python(*args: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args],
        capture_output=True,
        text=True,
        timeout=120,
        **kwargs,  # pyright: ignore[reportCallIssue, reportArgumentType]
    )


def modules(code: str) -> set[str]:
    """The top-level modules that are imported once `code` has run."""
    done = python("-c", f"{code}\nimport sys; print(*sys.modules, file=sys.stderr)")
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.split()}


def command(*args: str) -> str:
    return f"from archc.cli import main; main({list(args)!r}, standalone_mode=False)"


def test_importing_archc_is_cheap() -> None:
    loaded = modules("import archc; archc.__version__; dir(archc)")
    assert "archc" in loaded
    assert not {"pydantic", "click", "rich", "torch", "networkx"} & loaded


@pytest.mark.parametrize(
    "args",
    [
        ("check", RESNET),
        ("summary", RESNET),
        ("summary", RESNET, "--format", "latex"),
        ("schema",),
        ("explain",),
    ],
)
def test_heavy_modules_stay_out(args: tuple[str, ...]) -> None:
    loaded = modules(command(*args))
    assert "archc" in loaded
    assert not {"torch", "torchvision", "networkx", "jinja2", "rich"} & loaded


def test_compile_imports_no_torch(tmp_path: Path) -> None:
    loaded = modules(command("compile", RESNET, "-o", str(tmp_path)))
    assert (tmp_path / "resnet50.py").exists()
    assert not {"torch", "torchvision"} & loaded


def test_exit_codes_of_the_process(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(TINY.replace("relu", "rleu"))
    codes = [
        python("-m", "archc", "check", path).returncode for path in (RESNET, str(bad))
    ]
    assert [*codes, python("-m", "archc", "check").returncode] == [0, 1, 2]


def test_a_closed_pipe_is_silent() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "archc", "summary", RESNET],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert done.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "archc", "summary", RESNET],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert done.returncode == 2
    assert done.stderr == "Error: cannot go on: no space left on device\n"


def test_ctrl_c_is_told_from_a_mistake_in_a_spec(monkeypatch: MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("archc.cli.specs.Run.analyse", stop)
    done = invoke("summary", RESNET)
    assert (done.exit_code, done.output) == (130, "\nAborted!\n")


TOO_LONG = 300 * "x"


@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (1, ["check", TOO_LONG]),
        (1, ["summary", f"{TOO_LONG}.toml"]),
        (1, ["compile", f"{TOO_LONG}/net.toml"]),
        (1, ["diff", f"{TOO_LONG}.toml", "alexnet"]),
        (1, ["new", "mine", "--from", TOO_LONG]),
        (2, ["new", TOO_LONG]),
        (2, ["diff", f"HEAD:{TOO_LONG}.toml", "alexnet"]),
        (2, ["draw", "alexnet", "-o", f"{TOO_LONG}.svg"]),
        (2, ["report", "alexnet", "-o", f"{TOO_LONG}.html"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_path_that_no_file_can_have_is_told_by_name(
    status: int, arguments: list[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke(*arguments)
    assert done.exit_code == status, done.output
    assert TOO_LONG in done.output
    assert "cannot go on" not in done.output
    assert not list(tmp_path.iterdir())


def test_without_a_stdout() -> None:
    code = f"import sys; sys.stdout = None\n{command('summary', RESNET)}"
    done = python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_s_encoding_does_not_stop_it(tmp_path: Path) -> None:
    odd = tmp_path / "δ.toml"
    odd.write_text(TINY.replace('"tiny"', '"δ"'), encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = python("-m", "archc", "summary", str(odd), env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("\\u03b4\n")


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.toml"
    done = subprocess.run(
        [sys.executable, "-m", "archc", "check", path], capture_output=True, timeout=120
    )
    assert done.returncode == 1
    assert b"file-not-found" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    done = python("-m", "archc", "completion", shell)
    assert done.returncode == 0
    assert "_ARCHC_COMPLETE" in done.stdout


def test_completion_offers_commands() -> None:
    environment = {
        **os.environ,
        "_ARCHC_COMPLETE": "bash_complete",
        "COMP_WORDS": "archc su",
        "COMP_CWORD": "1",
    }
    code = "from archc.cli import main; main(prog_name='archc')"
    assert python("-c", code, env=environment).stdout == "plain,summary\n"
