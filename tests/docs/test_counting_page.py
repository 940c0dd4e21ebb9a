"""docs/counting.md is what docs/counting.py writes; of its table, some rows."""

from __future__ import annotations

import runpy
from types import SimpleNamespace
from typing import Any

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def script() -> Any:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "counting.py")))


def test_the_page_is_current(script: Any) -> None:
    page = script.PAGE.read_text("utf-8")
    assert page.startswith(script.intro()), "python docs/counting.py"
    lines = page.splitlines()
    for key in ("alexnet", "lenet5", "cifar/resnet20", "torchvision/mobilenet_v2"):
        assert script.row(key) in lines, "python docs/counting.py"
    named = {line.split(" | ")[0].removeprefix("| ") for line in lines}
    missing = set(script.keys()) - named
    assert all(script.row(key) is None for key in missing)
