"""Containers are called with their children, and are what they are used as."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit import live
from tests.emit.holding import hold_class, network_class

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


IN_TURN = """
archc = 1
name = "net"

[params]
depth = 2

[network]
input = [4, 8, 8]
layers = [
  { name = "features", layers = [
    { block = "unit" },
    { block = "unit", repeat = "depth" },
    { op = "relu" },
    { block = "unit", repeat = 3 },
  ] },
  { name = "branches.0", layers = [{ block = "unit", repeat = "depth" }] },
  { name = "branches.1", layers = [{ block = "unit", repeat = "depth" }] },
]

[blocks.unit]
layers = [
  { name = "conv", op = "conv2d", out_channels = "in_channels", kernel_size = 1 },
]
"""


@pytest.fixture(scope="module")
def in_turn(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("in_turn") / "net.toml"
    path.write_text(IN_TURN)
    analysis, made = live.compiled(path)
    hold_class(network_class(made, "net"), analysis)
    return made


def test_of_several_loops_each_is_a_comprehension(in_turn: str) -> None:
    assert "layers += [Unit(4) for _ in range(depth)]\n" in in_turn
    assert "layers += [Unit(4) for _ in range(3)]\n" in in_turn


def test_containers_stand_where_they_are_put(in_turn: str) -> None:
    one = "nn.Sequential(*[Unit(4) for _ in range(depth)])"
    listed = f"[\n                {one},\n                {one},\n            ]"
    assert f"self.branches = nn.ModuleList(\n            {listed}" in in_turn


def test_lists_in_lists_are_opened_once() -> None:
    made = live.compiled(HERE / "cases" / "lists_in_lists.toml")[1]
    assert made.count("fuse = [tuple(row.children()) for row in self.fuse]\n") == 1
    assert "x = fuse[0][0](branch) + fuse[0][1](branch2) + fuse[0][2](x)\n" in made
    # one that holds names as well has no numbers to go by
    assert made.count("get_submodule") == made.count('get_submodule("other.0.') == 2
