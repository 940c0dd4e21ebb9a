"""Arguments that others define are locals, unless some call gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.emit import live
from tests.emit.holding import network_class

CASE = Path(__file__).parent / "cases" / "computed_arguments.toml"


@pytest.fixture(scope="module")
def source() -> str:
    return live.compiled(CASE)[1]


def _constructor(source: str, name: str) -> str:
    return source.partition(f"class {name}(")[2].partition("def forward")[0]


def test_what_no_call_gives_is_a_local(source: str) -> None:
    made = _constructor(source, "Never")
    assert "None" not in made.partition(") -> None:")[0]
    assert made.index("super()") < made.index("middle = planes * 3")


def test_what_is_only_kept_and_asked_for_has_no_local(source: str) -> None:
    made = _constructor(source, "Never")
    assert "self.adds = in_channels == planes" in made
    assert "if self.adds:" in made


def test_what_all_calls_give_has_no_default(source: str) -> None:
    made = _constructor(source, "All")
    assert "planes: int, middle: int, bias: bool = True" in made


def test_what_some_calls_give_is_computed_behind_super(source: str) -> None:
    made = _constructor(source, "Some")
    assert "middle: int | None = None" in made
    assert made.index("super()") < made.index("if middle is None")


def test_what_nothing_reads_is_not_computed(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text("""
archc = 1
name = "net"
[blocks.chain]
defaults = { planes = 4, half = "planes // 2", quarter = "half // 2" }
layers = [
  { op = "conv2d", out_channels = "planes", kernel_size = 1 },
  { op = "relu" },
]
[network]
input = [3, 8, 8]
layers = [{ block = "chain", planes = 8 }, { block = "chain", planes = 16 }]
""")
    made = _constructor(live.compiled(path)[1], "Chain")
    assert "half" not in made and "quarter" not in made


def test_a_chain_needs_its_locals_before_it_is_made(source: str) -> None:
    made = _constructor(source, "Chain")
    assert made.index("middle = planes * 3") < made.index("super()")


def test_a_width_stays_an_argument_behind_windows_of_arguments() -> None:
    case = CASE.with_name("windows_of_arguments.toml")
    analysis, source = live.compiled(case)
    for width in (6, 4):
        made = network_class(source, analysis.network.name)(width=width)
        assert made(torch.ones(2, 1, 33, 33)).shape == (2, 2 * width, 6, 6)
