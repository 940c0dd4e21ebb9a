"""docs/networks.md is current, whole, and right where torchvision can tell."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
import torchvision

from archc import catalog

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(ROOT / "docs" / "networks.py")))


def test_the_page_is_current(script: SimpleNamespace) -> None:
    assert script.PAGE.read_text("utf-8") == script.page(), (
        "docs/networks.md is out of date: python docs/networks.py"
    )


def test_every_network_is_on_it_once(
    script: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    keys = [key for family in script.PUBLISHED["family"] for key in family["networks"]]
    assert Counter(keys) == Counter(entry.key for entry in catalog.networks())
    page = script.PAGE.read_text("utf-8")
    for key in keys:
        assert page.count(f"\n### `{key}`\n") == 1
        assert (ROOT / "generated" / f"{key}.svg").exists()
        assert f'src="../generated/{key}.svg"' in page


def test_what_disagrees_is_explained(script: SimpleNamespace) -> None:
    seen = 0
    for family in script.PUBLISHED["family"]:
        for key in family["networks"]:
            for number in script.published(key):
                seen += 1
                if not script.agree(script.inferred(key, number), number):
                    assert len(number["note"]) > 40, (key, number["printed"])
    assert seen > 60


def test_numbers_of_torchvision_are_torchvisions(script: SimpleNamespace) -> None:
    for name, (params, giga) in script.PUBLISHED["torchvision"].items():
        meta = torchvision.models.get_model_weights(name).DEFAULT.meta
        assert (params, giga) == (meta["num_params"], meta["_ops"])


def test_a_number_that_is_off_does_not_agree(script: SimpleNamespace) -> None:
    number = {"value": 3.8e9, "step": 1e8}
    assert script.agree(3_849_999_999, number)
    assert not script.agree(3_857_973_248, number)
