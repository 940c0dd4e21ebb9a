"""Modules that were edited by hand: what computes the same agrees, and no other."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from archc.diagnostics.model import Sink
from archc.emit.module import emit
from archc.pipeline import Analysis, analyse
from archc.run.subject import Subject
from archc.run.verify import verify
from archc.spec.load import Loader
from tests.run.edits import BROKEN, SAME, Edit

ROOT = Path(__file__).parents[2]


@cache
def analysed(spec: str) -> tuple[Analysis, str]:
    sink = Sink()
    path = ROOT / f"{spec}.toml"
    analysis = analyse(path, Loader(sink, anywhere=True), sink)
    assert analysis is not None
    return analysis, emit(analysis.network)


def said(edit: Edit) -> str:
    """The first thing that does not agree, of a module after an edit."""
    analysis, source = analysed(edit.spec)
    for old, new in edit.changes:
        assert old in source, old
        source = source.replace(old, new, 1)
    found = verify(Subject(edit.spec, analysis.network, analysis.facts, source))
    return "" if found.passed else str(found.disagreements[0])


@pytest.mark.parametrize("case", SAME)
def test_what_computes_the_same_agrees(case: str) -> None:
    assert not said(SAME[case])


@pytest.mark.parametrize("case", BROKEN)
def test_what_computes_something_else_does_not(case: str) -> None:
    message = said(BROKEN[case])
    assert message and BROKEN[case].said in message


def test_there_are_enough() -> None:
    assert len(SAME) >= 20
    assert len(BROKEN) >= 60
    assert len({edit.spec for edit in BROKEN.values()}) >= 10
