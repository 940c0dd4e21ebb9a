"""Containers are called with their children, and are what they are used as."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit import live

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def source() -> str:
    return live.compiled(HERE / "cases" / "stages_and_lists.toml")[1]


@pytest.fixture(scope="module")
def repeats() -> str:
    return live.compiled(HERE / "cases" / "named_repeats.toml")[1]


def _class(source: str, name: str) -> str:
    return source.partition(f"class {name}(")[2].partition("\nclass ")[0]


def test_loops_and_conditions_fill_a_list(source: str) -> None:
    made = _class(source, "Chain")
    assert "layers: list[nn.Module] = [\n" in made
    assert "layers.append(nn.ReLU(inplace=True))" in made
    assert "layers += [\n" in made
    assert made.rstrip().endswith("super().__init__(*layers)")
    assert "self.append" not in source


def test_one_loop_is_a_comprehension(source: str, repeats: str) -> None:
    assert "self.rows = nn.Sequential(\n            *[\n" in source
    assert (
        "self.gammas = nn.ParameterList(\n"
        "            [nn.Parameter(torch.full((13, 1, 1), 0.5)) for _ in range(2)]\n"
        "        )"
    ) in repeats


def test_a_type_is_said_once(repeats: str) -> None:
    assert repeats.count("        layers: list[nn.Module] = []\n") == 1
    assert repeats.count("        layers = []\n") == 1


def test_what_is_read_once_stands_where_it_is_read(repeats: str) -> None:
    assert "OrderedDict(inner=nn.Sequential(*inner_layers))" in repeats


def test_children_that_take_turns_keep_their_order(repeats: str) -> None:
    # a list would come behind the modules that the same loop adds to the class
    assert "self.stage.append(nn.Conv2d(in_channels, 4, kernel_size=1))" in repeats


def test_children_in_a_row_are_a_sequential() -> None:
    path = HERE / "cases" / "iterations_by_number.toml"
    made = _class(live.compiled(path)[1], "Stack")
    assert made.startswith("nn.Sequential)")
    assert "def forward" not in made


def test_children_that_are_read_otherwise_are_a_dict(source: str) -> None:
    made = _class(source, "Dense")
    assert made.startswith("nn.ModuleDict)")
    assert "for layer in self.values():" in made


def test_no_child_hides_what_a_dict_has(source: str) -> None:
    made = _class(source, "Hidden")
    assert made.startswith("nn.Module)")
    assert "for layer in self.children():" in made
