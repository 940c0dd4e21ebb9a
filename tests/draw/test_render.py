"""DOT text rendered: with a program, with libraries, with neither."""

from __future__ import annotations

import re
import stat
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from archc.draw.diagram import diagram
from archc.draw.render import RenderError, render
from archc.measure.cost import measure
from tests.draw.read import SPECS, drawn

DOT = 'digraph "g" { a -> b }'


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH without `dot`; programs may be put into the directory."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def program(directory: Path, script: str) -> None:
    path = directory / "dot"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize(
    ("format", "start"), [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")]
)
def test_libraries_render_every_format(
    no_program: Path, format: str, start: bytes
) -> None:
    picture = render(DOT, format)  # type: ignore[arg-type]
    assert picture.startswith(start)


def test_png_is_sharp_enough_to_print(no_program: Path) -> None:
    small, large = (
        int.from_bytes(render(text, "png")[16:20], "big")
        for text in (DOT, DOT.replace("a ->", "c -> b; d -> b; a ->"))
    )
    assert large > small > 62 / 72 * 150  # the drawing is 62 points wide


def test_program_on_the_path_goes_first(no_program: Path) -> None:
    program(no_program, "echo from the program")
    assert render(DOT, "svg") == b"from the program\n"


def test_libraries_stand_in_for_a_broken_program(no_program: Path) -> None:
    program(no_program, "echo broken >&2; exit 1")
    assert render(DOT, "svg").startswith(b"<?xml")


def test_without_any_graphviz_says_how_to_get_one(
    no_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(RenderError, match="pip install pygraphviz"):
        render(DOT, "svg")


def test_text_that_is_no_dot_is_an_error(no_program: Path) -> None:
    with pytest.raises(RenderError, match="Graphviz failed"):
        render("digraph {", "svg")


def test_nothing_leaks_to_stderr(
    no_program: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # an attribute that Graphviz warns about
    render('digraph { a [shape="nonsense"] }', "svg")
    assert capfd.readouterr().err == ""
    print("still there", file=sys.stderr)
    assert capfd.readouterr().err == "still there\n"


def test_same_text_same_svg(no_program: Path) -> None:
    dot = drawn(SPECS / "googlenet.toml").dot
    assert render(dot, "svg") == render(dot, "svg")


def whole(pdf: bytes) -> bytes:
    """A PDF with what is in its compressed streams."""
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S):
        with suppress(zlib.error):
            pdf += zlib.decompressobj().decompress(stream)
    return pdf


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", whole(pdf)))


@pytest.mark.parametrize("name", ["googlenet", "vgg16"])
def test_a_picture_is_one_page_as_large_as_it_is_laid_out(
    no_program: Path, name: str
) -> None:
    network = drawn(SPECS / f"{name}.toml").network
    drawing = diagram(network, measure(network))
    pdf = drawing.picture("pdf")
    assert pages(pdf) == 1
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)", whole(pdf))
    assert box is not None
    scene = drawing.scene()
    assert float(box[1]) == pytest.approx(scene.width, abs=4)
    assert float(box[2]) == pytest.approx(scene.height, abs=4)


def test_places_are_kept_with_libraries_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archc.draw.render.shutil.which", lambda _: None)
    dot = 'digraph { a [pos="10,10"] b [pos="200,50"] c [pos="90,20"] }'
    drawn = render(dot, "svg", placed=True).decode()
    a, b, c = (float(x) for x in re.findall(r'cx="([-\d.]+)"', drawn))
    assert (b - a, c - a) == (pytest.approx(190), pytest.approx(80))
