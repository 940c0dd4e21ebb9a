"""What `docs/trust.md` promises is so."""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from archc.source.files import MAX_BYTES
from archc.spec.expressions.parsing import MAX_DEPTH, MAX_LENGTH
from archc.spec.load import MAX_CHAIN
from archc.spec.model import MAX_NODES
from tests.command import invoke

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "trust.md").read_text("utf-8")
_LIMIT = re.compile(r"\| (\d+) \| `([\w.]+)\.([A-Z_]+)` \|")
SPEC = """\
archc = 1
name = "net"
[network]
input = [3, 8, 8]
layers = [
  { name = "conv", op = "conv2d", out_channels = 4, kernel_size = 3 },
  { op = "relu" },
]
"""


def test_limits_are_those_of_the_code() -> None:
    limits = _LIMIT.findall(PAGE)
    assert len(limits) >= 12
    for value, module, name in limits:
        assert getattr(import_module(module), name) == int(value), name


def test_the_language_s_page_says_the_same_limits() -> None:
    text = " ".join((ROOT / "docs" / "spec-language.md").read_text("utf-8").split())
    assert f"a network has at most {MAX_NODES:,} nodes" in text
    assert f"`extends` and `use` is at most {MAX_CHAIN} long" in text
    assert f"Files are UTF-8 and at most {MAX_BYTES >> 20} MiB" in text
    assert (
        f"text of up to {MAX_LENGTH} characters, nested up to {MAX_DEPTH} deep" in text
    )


def _planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec with a module beside it that leaves a trace when it runs; the trace."""
    monkeypatch.chdir(tmp_path)
    trace = tmp_path / "it_ran"
    (tmp_path / "net.toml").write_text(SPEC)
    (tmp_path / "generated").mkdir()
    code = f"from pathlib import Path\nPath({str(trace)!r}).touch()\n"
    (tmp_path / "generated" / "net.py").write_text(code)
    return trace


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "net.toml"],
        ["summary", "net.toml"],
        ["diff", "net.toml", "net.toml"],
        ["memory", "net.toml"],
        ["compile", "--check", "net.toml"],
        ["compile", "--force", "net.toml"],
        ["list"],
        ["new", "other", "--from", "net.toml"],
    ],
    ids=" ".join,
)
def test_these_run_no_module(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = _planted(tmp_path, monkeypatch)
    result = invoke(*arguments)
    assert result.exit_code in (0, 1), result.output
    assert not trace.exists()


@pytest.mark.parametrize("command", ["verify", "smoke"])
def test_these_run_the_module_beside_the_spec(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = _planted(tmp_path, monkeypatch)
    invoke(command, "net.toml")
    assert trace.exists()
    trace.unlink()
    # with --input the code is written anew
    invoke("verify", "net.toml", "--input", "3,9,9")
    assert not trace.exists()


@pytest.mark.parametrize("command", ["verify", "smoke", "train"])
def test_their_helps_say_so(command: str) -> None:
    shown = " ".join(invoke(command, "--help").output.split())
    assert "Runs the code of that file" in shown


def test_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.toml").write_text(SPEC)
    Path("bad.toml").write_text(SPEC.replace("relu", "rely"))
    for arguments, code in (
        (["check", "net.toml"], 0),
        (["check", "bad.toml"], 1),
        (["compile", "--check", "net.toml"], 1),
        (["check", "--no-such-option", "net.toml"], 2),
        (["check", "bad.toml", "net.toml"], 1),
    ):
        assert invoke(*arguments).exit_code == code, arguments


def test_a_wrong_spec_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.toml").write_text(SPEC.replace("relu", "rely"))
    assert invoke("compile", "bad.toml").exit_code == 1
    assert [p.name for p in tmp_path.iterdir()] == ["bad.toml"]


@pytest.mark.skipif(shutil.which("mkfifo") is None, reason="there are no pipes here")
def test_a_pipe_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.chdir(tmp_path)
    os.mkfifo("net.toml")
    assert invoke("check", "net.toml").exit_code == 1
