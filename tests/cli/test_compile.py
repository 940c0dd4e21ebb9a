from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from archc.cli import compile as module
from archc.draw.diagram import Diagram
from archc.draw.render import RenderError
from archc.output import Output, write

from .conftest import SPECS, TINY, Archc

FILES = ["tiny.dot", "tiny.json", "tiny.py", "tiny.svg"]


@pytest.fixture
def no_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where files are written is the question here, not what the picture looks like."""
    monkeypatch.setattr(Diagram, "picture", lambda self, form: form.encode())  # type: ignore[misc]


def listed(directory: str | Path) -> list[str]:
    return sorted(os.listdir(directory))


@pytest.mark.usefixtures("no_graphviz")
class TestWhere:
    def test_beside_specs_by_default(self, archc: Archc, tiny: Path) -> None:
        deep = Path("specs/a/b/net.toml")
        deep.parent.mkdir(parents=True)
        tiny.rename(deep)
        result = archc("compile", "specs")
        assert result.exit_code == 0
        assert listed("generated/a/b") == FILES
        lines = result.stdout.splitlines()
        assert sorted(lines) == [f"generated/a/b/{name}" for name in FILES]
        assert result.stderr == ""

    def test_from_another_directory(
        self, archc: Archc, tiny: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir("specs")
        result = archc("compile", "tiny.toml")
        assert "../generated/tiny.py" in result.stdout.splitlines()
        assert listed("../generated") == FILES

    def test_outside_specs_the_current_directory(
        self, archc: Archc, tiny: Path
    ) -> None:
        Path("elsewhere").mkdir()
        tiny.rename("elsewhere/tiny.toml")
        assert archc("compile", "elsewhere/tiny.toml").exit_code == 0
        assert listed("generated") == FILES

    def test_output_directory(self, archc: Archc, tiny: Path) -> None:
        args = ("compile", tiny, "-o", "x/y", "--format-diagram", "png")
        assert archc(*args).exit_code == 0
        assert listed("x/y") == ["tiny.dot", "tiny.json", "tiny.png", "tiny.py"]
        assert not Path("generated").exists()

    def test_two_networks_that_would_write_one_file(
        self, archc: Archc, tiny: Path
    ) -> None:
        Path("specs/other.toml").write_text(TINY)
        result = archc("compile", "specs")
        assert result.exit_code == 2
        assert "other.toml" in result.stderr
        assert "tiny.toml" in result.stderr
        assert not Path("generated").exists()

    def test_a_spec_is_never_written_over(self, archc: Archc, tree: Path) -> None:
        text = json.dumps(
            {
                "archc": 1,
                "name": "tiny",
                "network": {"input": [3, 8, 8], "layers": [{"op": "relu"}]},
            }
        )
        Path("tiny.json").write_text(text)
        result = archc("compile", "tiny.json", "-o", ".")
        assert result.exit_code == 2
        assert Path("tiny.json").read_text() == text
        assert listed(".") == ["tiny.json"]


@pytest.mark.usefixtures("no_graphviz")
class TestWhat:
    def test_the_json_is_the_summary_s(self, archc: Archc, tiny: Path) -> None:
        archc("compile", tiny, "--set", "width=4")
        shown = archc("summary", tiny, "--set", "width=4", "--format", "json").stdout
        assert Path("generated/tiny.json").read_text() == shown

    def test_again_the_same_bytes(self, archc: Archc, tiny: Path) -> None:
        archc("compile", tiny)
        first = {name: Path("generated", name).read_bytes() for name in FILES}
        archc("compile", tiny.absolute())
        second = {name: Path("generated", name).read_bytes() for name in FILES}
        assert first == second

    def test_a_broken_spec_writes_nothing_and_stops_nobody(
        self, archc: Archc, tiny: Path
    ) -> None:
        broken = TINY.replace('"tiny"', '"broken"').replace("relu", "rleu")
        Path("specs/broken.toml").write_text(broken)
        result = archc("compile", "specs")
        assert result.exit_code == 1
        assert "error[unknown-op]" in result.stderr
        assert listed("generated") == FILES

    def test_a_library_is_checked_and_nothing_is_written(
        self, archc: Archc, tiny: Path
    ) -> None:
        library = Path("specs/blocks.toml")
        library.write_text("archc = 1\n[blocks.b]\nlayers = [{ op = 'relu' }]\n")
        assert archc("compile", "specs").exit_code == 0
        assert listed("generated") == FILES
        assert archc("compile", library).exit_code == 2


@pytest.mark.usefixtures("no_graphviz")
class TestCheck:
    def test_current(self, archc: Archc, tiny: Path) -> None:
        archc("compile", tiny)
        Path("generated/tiny.svg").unlink()
        result = archc("compile", tiny, "--check")
        assert (result.exit_code, result.stdout) == (0, "")

    def test_missing_and_different_files_are_named(
        self, archc: Archc, tiny: Path
    ) -> None:
        archc("compile", tiny)
        Path("generated/tiny.py").unlink()
        Path("generated/tiny.json").write_text("{}")
        result = archc("compile", tiny, "--check")
        assert result.exit_code == 1
        assert sorted(line.split(":")[0] for line in result.stdout.splitlines()) == [
            "generated/tiny.json differs",
            "generated/tiny.py is missing",
        ]
        assert Path("generated/tiny.json").read_text() == "{}"
        assert not Path("generated/tiny.py").exists()

    def test_nothing_is_made(self, archc: Archc, tiny: Path) -> None:
        assert archc("compile", tiny, "--check").exit_code == 1
        assert not Path("generated").exists()


@pytest.mark.usefixtures("no_graphviz")
class TestWriting:
    def test_a_directory_in_the_way(self, archc: Archc, tiny: Path) -> None:
        # found out after the module was rendered, before anything was replaced
        Path("generated/tiny.dot").mkdir(parents=True)
        result = archc("compile", tiny)
        assert result.exit_code == 2
        assert "tiny.dot" in result.stderr
        assert listed("generated") == ["tiny.dot"]

    def test_a_file_where_a_directory_should_be(self, archc: Archc, tiny: Path) -> None:
        Path("generated").write_text("mine")
        result = archc("compile", tiny)
        assert result.exit_code == 2
        assert "Error: specs/tiny.toml: cannot write" in result.stderr
        assert Path("generated").read_text() == "mine"

    def test_no_room(
        self, archc: Archc, tiny: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archc("compile", tiny)
        tiny.write_text(TINY.replace("width = 8", "width = 4").split("[expect]")[0])

        def full(outputs: object) -> None:
            raise OSError(28, "No space left on device", "generated/tiny.py")

        monkeypatch.setattr("archc.output.write", full)
        result = archc("compile", tiny)
        assert result.exit_code == 2
        assert result.stderr == (
            "Error: specs/tiny.toml: cannot write generated/tiny.py: no space left on"
            " device\n"
        )

    def test_whole_or_not_at_all(
        self, tree: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write([Output(Path("a"), b"old a"), Output(Path("b"), b"old b")])
        monkeypatch.setattr("archc.output._fill", fails_at("b"))
        with pytest.raises(OSError, match="no space"):
            write([Output(Path("a"), b"new a"), Output(Path("b"), b"new b")])
        assert [Path(p).read_text() for p in "ab"] == ["old a", "old b"]
        assert listed(".") == ["a", "b"]

    def test_permissions(self, tree: Path) -> None:
        mask = os.umask(0o027)
        try:
            write([Output(Path("new"), b"")])
        finally:
            os.umask(mask)
        assert stat.S_IMODE(Path("new").stat().st_mode) == 0o640
        Path("new").chmod(0o604)
        write([Output(Path("new"), b"again")])
        assert stat.S_IMODE(Path("new").stat().st_mode) == 0o604
        assert Path("new").read_bytes() == b"again"

    def test_a_link_stays_a_link(self, tree: Path) -> None:
        Path("real").write_text("old")
        Path("link").symlink_to("real")
        write([Output(Path("link"), b"new")])
        assert Path("link").is_symlink()
        assert Path("real").read_text() == "new"


def fails_at(name: str) -> object:
    from archc import output

    fill = output._fill

    def failing(temporary: Path, content: bytes, target: Path) -> None:
        fill(temporary, content, target)
        if target.name == name:
            raise OSError(28, "no space")

    return failing


@pytest.mark.usefixtures("no_graphviz")
def test_progress_on_a_terminal(
    archc: Archc, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, bool]] = []
    real = module._progress

    def progress(total: int, *, shown: bool) -> object:
        asked.append((total, shown))
        return real(total, shown=True)

    monkeypatch.setattr(module, "_progress", progress)
    Path("specs/two.toml").write_text(TINY.replace('"tiny"', '"two"'))
    result = archc("compile", "specs")
    assert asked == [(2, False)]
    assert result.exit_code == 0
    assert "generated/two.py" in result.stdout


def test_a_real_picture(archc: Archc, tree: Path) -> None:
    spec = SPECS / "torchvision" / "alexnet.toml"
    assert archc("compile", spec, "-o", "out").exit_code == 0
    assert b"<svg" in Path("out/alexnet.svg").read_bytes()
    compile(Path("out/alexnet.py").read_text(), "alexnet.py", "exec")


def test_without_graphviz_the_rest_is_written(
    archc: Archc, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bytes:
        raise RenderError("drawing needs Graphviz")

    monkeypatch.setattr("archc.draw.render.render", fail)
    result = archc("compile", tiny, "--format-diagram", "pdf")
    assert result.exit_code == 2
    assert result.stderr == "Error: specs/tiny.toml: drawing needs Graphviz\n"
    assert listed("generated") == ["tiny.dot", "tiny.json", "tiny.py"]
    # archc draws the SVG itself
    assert archc("compile", tiny).exit_code == 0


def test_unwritable_directory(archc: Archc, tiny: Path, no_graphviz: None) -> None:
    Path("generated").mkdir(mode=0o555)
    if os.access("generated", os.W_OK):
        pytest.skip("this user may write everywhere")
    result = archc("compile", tiny)
    assert result.exit_code == 2
    assert "permission denied" in result.stderr
