"""The page is one file, small, with nothing of a spec in it but data."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import archc
from archc.page.html import to_html
from archc.page.page import page_of
from archc.source.writing import write_spec
from tests.hostile.test_text import HOSTILE
from tests.page.conftest import shipped, side

LIMIT = 2_000_000
"""Bytes of a page, by the promise of `archc report`."""


LICENSE = Path(archc.__file__).parent / "page/vendor/wasm-graphviz.LICENSE"


class _Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def data(text: str) -> str:
    found = re.search(r'<script id="data" type="application/json">(.*)</script>', text)
    assert found is not None
    return found[1]


def test_it_needs_no_other_file() -> None:
    text = to_html(page_of([shipped("torchvision/resnet152")]))
    assert len(text.encode()) < LIMIT
    assert "Apache" in LICENSE.read_text("utf-8")


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_spec_says_is_no_markup(text: str, tmp_path: Path) -> None:
    plain = _page(tmp_path, "a")
    hostile = _page(tmp_path, text)
    assert _Elements(hostile).tags == _Elements(plain).tags
    found = data(hostile)
    assert not set(found) & {"<", ">", "&", "\u2028", "\u2029", "\u202e", "\x1b"}
    assert json.loads(found)["networks"][0]["layers"]["path"] == ["conv", "relu"]


def _page(tmp_path: Path, text: str) -> str:
    path = tmp_path / "net.toml"
    conv = {"name": "conv", "op": "conv2d", "out_channels": 4, "kernel_size": 3}
    content = {
        "archc": 1,
        "name": "net",
        "title": text.replace("\x00", "") or "a",
        "source": text.replace("\x00", "") or "a",
        "network": {"input": [3, 8, 8], "layers": [conv, {"op": "relu"}]},
    }
    path.write_text(write_spec(content), "utf-8")
    return to_html(page_of([side(path)]))


def test_lines_are_those_of_the_layers() -> None:
    (network,) = page_of([shipped("torchvision/resnet50")]).networks
    assert network.code is not None
    layer = next(x for x in network.layers if x.path == "layer3.2.conv2")
    file, first, _ = layer.spec[0]
    assert 'name = "conv2"' in network.files[file].lines[first - 1]
    code = [network.code.lines[first - 1].strip() for _, first, _ in layer.code]
    assert code[0] == "x = self.conv2(x)"
    assert code[1].startswith("self.conv2 = nn.Conv2d(")
    around = [network.code.lines[first - 1] for _, first, _ in layer.code_around]
    assert any("self.layer3(x)" in line for line in around)


def test_claims_are_held_to_what_is_inferred() -> None:
    (network,) = page_of([shipped("torchvision/resnet50")]).networks
    assert network.claims
    assert all(claim.holds for claim in network.claims)
    claimed = {claim.what: claim.claimed for claim in network.claims}
    assert claimed["params"] == "25,557,032"
