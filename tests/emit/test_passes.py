"""Behind each pass, a module is the network that it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.module import PASSES, tree
from archc.emit.validate import validate
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.emit import live

HERE = Path(__file__).parent
SPECS = sorted(
    path
    for folder in ("specs", "tests/family", "tests/emit/cases", "tests/emit/wrong")
    for path in (live.ROOT / folder).rglob("*.toml")
)


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_the_validator_agrees_behind_each(spec: Path) -> None:
    sink = Sink()
    analysis = analyse(spec, Loader(sink, anywhere=True), sink)
    assert not sink.failed, render_text(sink)
    if analysis is None:
        pytest.skip("it only holds blocks")
    for number in range(len(PASSES) + 1):
        module = tree(analysis.network, PASSES[:number])
        assert validate(module, analysis.network) == [], number
