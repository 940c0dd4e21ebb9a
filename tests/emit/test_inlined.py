"""A class around one child is inlined, and a choice of short children is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit import live
from tests.emit.holding import hold_class, network_class

CASE = Path(__file__).parent / "cases" / "around_one_child.toml"


@pytest.fixture(scope="module")
def source() -> str:
    return live.compiled(CASE)[1]


def test_what_is_around_one_child_is_no_class(source: str) -> None:
    assert "Around(" not in source
    assert "nn.Sequential(Unit(4, width - 2))" in source


def test_one_that_is_built_twice_is_a_class(source: str) -> None:
    assert "class Twice(nn.Sequential):" in source


def test_one_that_has_something_to_say_is_a_class(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    said = '[blocks.around]\ndoc = "Around a unit."\n'
    path.write_text(CASE.read_text().replace("[blocks.around]\n", said))
    analysis, made = live.compiled(path)
    assert "class Around(nn.Sequential):" in made
    hold_class(network_class(made, "around_one_child"), analysis)


def test_short_children_are_chosen_in_a_line(source: str) -> None:
    line = "self.gate = Unit(in_channels, in_channels) if gated else nn.Identity()"
    assert f"        {line}\n" in source


def test_longer_ones_are_not(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    longer = 'name = "gate_with_a_long_name"'
    path.write_text(CASE.read_text().replace('name = "gate"', longer))
    assert "else:\n            self.gate_with_a_long_name" in live.compiled(path)[1]


def test_roots_are_written_so(source: str) -> None:
    assert "kaiming_uniform_(module.weight, a=math.sqrt(5))" in source
    assert "kaiming_uniform_(module.weight, a=2.5)" in source
