"""`archc diff`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from archc.draw.render import RenderError
from tests.cli.conftest import SPECS, TINY, Archc

KEYS = {
    "a", "b", "equal", "alike", "totals", "settings", "training", "maps", "weights",
    "layers",
}  # fmt: skip


@pytest.fixture
def wider(tiny: Path) -> Path:
    """tiny with another first convolution, beside it."""
    path = tiny.with_name("wider.toml")
    text = TINY.replace("kernel_size = 3", "kernel_size = 5")
    path.write_text(text.partition("[expect]")[0].replace('"tiny"', '"wider"'))
    return path


def test_text(archc: Archc, tiny: Path, wider: Path) -> None:
    result = archc("diff", tiny, wider)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert "→" in lines[0]
    assert lines[1] == "4 of 5 layers alike."
    assert lines[2] == (
        "The first convolution, conv, went from 3×3/2 to 5×5/2, from maps of 15×15 to"
        " 14×14."
    )
    for part in ("what differs", "in numbers", "layer by layer"):
        assert part in lines


def test_equal_networks(archc: Archc, tiny: Path) -> None:
    result = archc("diff", tiny, tiny)
    assert result.exit_code == 0
    assert "none computes otherwise" in result.stdout
    assert "what differs" not in result.stdout


def test_json(archc: Archc, tiny: Path, wider: Path) -> None:
    result = archc("diff", tiny, wider, "--format", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert set(found) == KEYS
    assert not found["equal"]
    assert [layer["kind"] for layer in found["layers"]] == ["changed"] + 4 * ["same"]
    first = found["layers"][0]
    assert first["changes"] == {"kernel_size": [3, 5]}
    assert first["reshaped"]
    assert [first["a"]["output"], first["b"]["output"]] == [[8, 15, 15], [8, 14, 14]]
    assert found["totals"]["params"] == [314, 314 + 8 * 3 * (25 - 9)]


def test_names_of_networks(archc: Archc) -> None:
    result = archc("diff", "vgg16", "vgg19", "--format", "json")
    found = json.loads(result.stdout)
    assert (found["a"]["spec"], found["b"]["spec"]) == ("vgg16", "vgg19")
    assert found["settings"] == {"convs": [[2, 2, 3, 3, 3], [2, 2, 4, 4, 4]]}


def test_set_and_input_apply_to_both(archc: Archc, tiny: Path, wider: Path) -> None:
    result = archc(
        "diff", tiny, wider, "--set", "classes=3", "--input", "1,9,9",
        "--format", "json",
    )  # fmt: skip
    totals = json.loads(result.stdout)["totals"]
    assert totals["input"] == [[1, 9, 9], [1, 9, 9]]
    assert totals["output"] == [[3], [3]]


# ---- colours


def test_colors(archc: Archc, tiny: Path, wider: Path) -> None:
    assert "\x1b[33m~ conv2d" in archc("diff", tiny, wider, "--color", "always").stdout
    assert "\x1b" not in archc("diff", tiny, wider, "--color", "never").stdout
    assert "\x1b" not in archc("diff", tiny, wider).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("plain", "colored"), [("", True), ("1", False)])
def test_colors_on_a_terminal(
    tiny: Path, wider: Path, plain: str, colored: bool
) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = os.environ | {"NO_COLOR": plain, "TERM": "xterm"}
    command = [sys.executable, "-m", "archc", "diff", str(tiny), str(wider)]
    with subprocess.Popen(command, stdout=theirs, env=environment) as process:
        os.close(theirs)
        output = b""
        try:
            while part := os.read(ours, 4096):
                output += part
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    assert (b"\x1b[" in output) == colored


def test_titles_do_not_steer_the_terminal(archc: Archc, tiny: Path) -> None:
    title = json.dumps("\x1b]0;gone\x07\u202e\n")
    tiny.write_text(TINY.replace('"tiny"', f'"tiny"\ntitle = {title}'))
    text = archc("diff", tiny, tiny, "--color", "always").stdout
    for character in ("\x1b]", "\x07", "\u202e"):
        assert character not in text
    assert text.splitlines()[2].startswith("Every layer")
    found = json.loads(archc("diff", tiny, tiny, "--format", "json").stdout)
    assert found["a"]["title"] == "\x1b]0;gone\x07\u202e\n"


# ---- pictures


@pytest.mark.parametrize(
    ("form", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")]
)
def test_diagram(
    archc: Archc, tiny: Path, wider: Path, form: str, start: bytes
) -> None:
    result = archc("diff", tiny, wider, "--diagram", "--format-diagram", form)
    assert result.exit_code == 0
    folder = Path("generated", "diff")
    names = [f"tiny-wider.{suffix}" for suffix in ("dot", form)]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert (folder / names[1]).read_bytes().startswith(start)
    assert result.stderr.splitlines() == [str(folder / name) for name in names]


def test_diagram_elsewhere_and_of_editions(archc: Archc, tree: Path) -> None:
    result = archc("diff", "lenet5", "d2l/lenet", "--diagram", "-o", tree / "there")
    assert result.exit_code == 0
    found = sorted(path.name for path in (tree / "there").iterdir())
    assert found == ["lenet5-d2l_lenet.dot", "lenet5-d2l_lenet.svg"]


def test_no_diagram_unless_asked(archc: Archc, tiny: Path, wider: Path) -> None:
    archc("diff", tiny, wider)
    assert not Path("generated").exists()


def test_a_directory_that_cannot_be_written(
    archc: Archc, tiny: Path, wider: Path
) -> None:
    blocked = tiny.with_name("blocked")
    blocked.write_text("")
    result = archc("diff", tiny, wider, "--diagram", "-o", blocked / "below")
    assert result.exit_code == 2
    assert "cannot write" in result.stderr
    assert archc("diff", tiny, wider, "--diagram", "-o", blocked).exit_code == 2


def test_without_graphviz_the_dot_is_written(
    archc: Archc, tiny: Path, wider: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise RenderError("drawing needs Graphviz")

    monkeypatch.setattr("archc.draw.render.render", fail)
    arguments = ("--diagram", "--format-diagram", "pdf")
    result = archc("diff", tiny, wider, *arguments)
    assert result.exit_code == 2
    assert "Error: drawing needs Graphviz" in result.stderr
    assert [path.name for path in Path("generated", "diff").iterdir()] == [
        "tiny-wider.dot"
    ]


# ---- errors


def test_errors_of_both_specs_are_reported(archc: Archc, tiny: Path) -> None:
    broken = [tiny.with_name(f"broken{i}.toml") for i in range(2)]
    for path in broken:
        path.write_text(TINY.replace("out_channels", "channels"))
    result = archc("diff", *broken)
    assert result.exit_code == 1
    assert result.stdout == ""
    for path in broken:
        assert path.name in result.stderr
    assert archc("diff", tiny, broken[0]).exit_code == 1
    assert archc("diff", broken[0], tiny).exit_code == 1


def test_what_is_no_network(archc: Archc, tiny: Path) -> None:
    assert archc("diff", tiny, "nosuch").exit_code == 1
    assert "nosuch" in archc("diff", tiny, "nosuch").stderr
    directory = archc("diff", tiny, tiny.parent)
    assert directory.exit_code == 2
    assert "is a directory" in directory.stderr
    library = archc("diff", SPECS / "blocks" / "resnet.toml", tiny)
    assert library.exit_code == 2
    assert "only holds blocks" in library.stderr
    assert archc("diff", tiny).exit_code == 2
    assert archc("diff", tiny, tiny, "--format", "yaml").exit_code == 2
    for of_the_picture in (["-o", tiny.parent], ["--format-diagram", "png"]):
        asked = archc("diff", tiny, tiny, *of_the_picture)
        assert (asked.exit_code, asked.stdout) == (2, "")
        assert "are for --diagram" in asked.stderr
    asked = archc("diff", tiny, "weights.pt", "--diagram")
    assert (asked.exit_code, "B is weights" in asked.stderr) == (2, True)


def test_a_reader_that_has_gone(tiny: Path, wider: Path) -> None:
    command = [sys.executable, "-m", "archc", "diff", "vgg11", "densenet201"]
    with subprocess.Popen(
        [*command, "--format", "json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        error = process.stderr.read()
    assert b"Traceback" not in error
