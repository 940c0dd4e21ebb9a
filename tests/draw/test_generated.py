"""The pictures in `generated/` are what archc draws today."""

from __future__ import annotations

from pathlib import Path

from archc.diagnostics.model import Sink
from archc.draw.diagram import diagram
from archc.pipeline import analyse
from archc.spec.load import Loader

ROOT = Path(__file__).parents[2]


def test_pictures_are_current() -> None:
    """`compile --check` asks for the .dot alone, which has no places."""
    sink = Sink()
    loader = Loader(sink)
    stale: list[str] = []
    for picture in sorted((ROOT / "generated").rglob("*.svg")):
        below = picture.relative_to(ROOT / "generated")
        analysis = analyse(ROOT / "specs" / below.with_suffix(".toml"), loader, sink)
        assert analysis is not None
        drawn = diagram(analysis.network, analysis.facts).picture("svg")
        if drawn != picture.read_bytes():
            stale.append(str(below))
    assert not stale, "remove these, and compile their specs"
