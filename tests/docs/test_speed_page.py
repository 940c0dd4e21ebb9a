"""The table of docs/speed.md is what docs/speed.py writes."""

from __future__ import annotations

import runpy
from types import SimpleNamespace

from tests.docs.pages import ROOT


def test_the_table_is_that_of_the_results() -> None:
    script = SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "speed.py")))
    assert script.PAGE.read_text("utf-8") == script.page(), "python docs/speed.py"
    assert script.rows().count("\n") == 2
