"""docs/from-lenet-to-densenet.md and docs/gallery.md are current, and whole."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from archc import catalog

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("script", ["way", "gallery"])
def test_pages_and_pictures_are_current(script: str) -> None:
    found = runpy.run_path(str(DOCS / f"{script}.py"))["files"]()
    stale = [p.name for p, text in found.items() if p.read_bytes() != text]
    assert not stale, f"python docs/{script}.py"


def test_every_network_is_in_the_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOCS.parent)
    keys = {entry.key for entry in catalog.networks()}
    page = (DOCS / "gallery.md").read_text("utf-8")
    assert set(re.findall(r"\[`([^`]+)`\]", page)) == keys
    sheet = (DOCS / "images" / "gallery.svg").read_text("utf-8")
    assert keys <= set(re.findall(r">([\w/]+)</text>", sheet))


def test_errors_are_those_of_the_papers() -> None:
    """Krizhevsky et al. 2012, Russakovsky et al. 2015, and the papers' own tables."""
    page = (DOCS / "from-lenet-to-densenet.md").read_text("utf-8")
    for said in ("16.4 %", "15.3 %", "11.7 %", "11.2 %", "7.3 %", "6.67 %", "3.57 %"):
        assert said in page
    assert page.count("**Published error:**") == page.count("**What else was done:**")
