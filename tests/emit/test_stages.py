"""Stages that are equal but for some arguments are made by one method."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit import live
from tests.emit.holding import hold_class, network_class
from tests.random_networks.judge import analysed

CASE = Path(__file__).parent / "cases" / "stages_and_lists.toml"
INSIDE = CASE.with_name("stages_inside.toml")
RESNET = """
archc = 1
name = "net"

[params]
depths = {depths}

[network]
input = [4, 8, 8]
layers = [
  {{ name = "one", block = "unit", repeat = "{first}", planes = 4 }},
  {{ name = "two", block = "unit", repeat = "depths[1]", planes = 8, stride = "2 if i == 0 else 1" }},
]

[blocks.unit]
params = ["planes"]
defaults = {{ stride = 1 }}
layers = [ {{ name = "conv", op = "conv2d", out_channels = "planes", kernel_size = 3, padding = 1, stride = "stride" }} ]
"""  # noqa: E501


@pytest.fixture(scope="module")
def source() -> str:
    return live.compiled(CASE)[1]


def test_what_differs_are_its_arguments(source: str) -> None:
    assert "self.stage1 = self._make_layer(4, 4, many, depths[0])" in source
    assert "self.stage2 = self._make_layer(8, 8, many, depths[1], stride=2)" in source
    first = "layers = [Unit(in_channels, planes, number, stride=stride, bias=bias)]"
    others = "layers += [Unit(planes * 2, planes, number) for _ in range(1, depth)]"
    assert (
        f"{first}\n        {others}\n        return nn.Sequential(*layers)\n" in source
    )


def test_what_a_stage_gives_is_known_behind_it(source: str) -> None:
    assert "self.between = nn.Conv2d(16, 20, kernel_size=1)" in source
    assert "self._make_layer(20, 16, many, depths[2], stride=2, bias=False)" in source


def test_a_depth_that_may_become_none_stays_a_loop(source: str) -> None:
    assert "for _ in range(times):" in source
    assert "for _ in range(depths[3]):" in source


def test_a_taken_name_is_not_taken_again(source: str) -> None:
    assert "self._make_layer = self._make_stage(" in source


def test_widths_that_are_no_numbers_are_given(source: str) -> None:
    assert (
        "in_channels: int,\n        out_channels: int,\n        planes: int,\n"
        in source
    )


@pytest.mark.parametrize(
    ("depths", "first", "called"),
    [
        ("[1, 2]", "depths[0]", True),
        ("[0, 2]", "depths[0]", False),
        ("[1, 2]", "len(depths) - 1", False),
        ("[1, 2]", "depths[-1]", True),
    ],
)
def test_a_stage_without_blocks_is_none(
    tmp_path: Path, depths: str, first: str, called: bool
) -> None:
    path = tmp_path / "net.toml"
    path.write_text(RESNET.format(depths=depths, first=first))
    analysis, made = live.compiled(path)
    assert ("_make_layer" in made) is called
    network = network_class(made, "net")
    hold_class(network, analysis)
    other = analysed(path, {"depths": [3, 1]})
    assert other is not None
    hold_class(network, other, {"depths": (3, 1)})


def test_depths_are_known_of_what_the_network_hands_on() -> None:
    analysis, made = live.compiled(INSIDE)
    body = made.partition("class Body(")[2].partition("\nclass ")[0]
    assert "self.one = self._make_layer(in_channels, 4, depths[0])" in body
    # what only the first block is given has its own name
    assert "(8, 8, depths[2], first_dilation=2, dilation=4)" in body
    assert "layers = [Unit(in_channels, planes, dilation=first_dilation)]" in body
    hold_class(network_class(made, "stages_inside"), analysis)


def test_depths_that_may_be_none_inside_stay_loops(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(INSIDE.read_text().replace("[1, 2, 2]", "[1, 0, 0]"))
    analysis, made = live.compiled(path)
    assert "_make_layer" not in made
    hold_class(network_class(made, "stages_inside"), analysis)
