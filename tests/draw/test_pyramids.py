"""Networks of several scales at stage level: what stands where, and runs straight."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from archc.draw.chart import Cell, Chart, Link, LinkKind
from archc.draw.drawing import Options, chart_of
from archc.draw.fit import MM
from archc.draw.lattice import lattice
from archc.draw.scales import pyramids
from archc.draw.style import Direction
from archc.draw.ushape import ends
from tests.draw.looks import Svg, chart, drawn, hold, read_spec
from tests.draw.test_ways import NAMES

STRANGERS = Path(__file__).parent / "strangers"
DIRECTIONS: tuple[Direction, ...] = ("lr", "tb")
FPN = "torchvision/resnet50_fpn"


def columns(name: str) -> list[list[str]]:
    """What stands in the columns of a pyramid, with outputs below what they are of."""
    found = chart(name, "stage")
    cells = found.cells
    return [[cells[i].title for i in column] for column in pyramids(found)[0].columns]


def straight(svg: Svg) -> int:
    """How many lines run level from a box to another one."""
    return sum(len(way) == 2 and way[0][1] == way[1][1] for way in svg.edges)


def test_a_feature_pyramid_has_the_columns_of_its_paper() -> None:
    """Lin et al. 2017, Fig. 3: the backbone, laterals, the way down, what it gives."""
    way, laterals, up, outputs = columns(FPN)
    assert way[-4:] == ["layer1", "layer2", "layer3", "layer4"]
    assert laterals == ["conv 1×1, 256"] * 4
    assert up == ["upsample", "add"] * 3
    assert outputs[:4] == ["conv 3×3, 256"] * 4


def test_a_feature_pyramid_fits_a_column() -> None:
    svg = drawn(FPN, Options("stage", width=85))
    hold(svg)
    assert min(svg.sizes) >= 6
    assert svg.height <= 110 * MM
    # to four laterals, from these to three merges and an output, and to the other three
    assert straight(svg) == 4 + 3 + 1 + 3


@pytest.mark.parametrize(
    ("name", "across"), [("deep_u", 5 + 2), ("supervised_u", 4 + 2), ("plain_u", 4 + 4)]
)
def test_a_u_with_outputs_at_its_scales_is_a_u(name: str, across: int) -> None:
    """Each skip runs straight across, and so does what goes to outputs and to heads."""
    svg = drawn(str(STRANGERS / name), Options("stage", width=85))
    assert straight(svg) == across
    down = min(svg.boxes)[0]
    encoder = [box for box in svg.boxes if box[0] == down]
    assert len(encoder) == {"deep_u": 12}.get(name, 10)


@pytest.mark.parametrize(("kind", "is_one"), [("skip", True), ("size", False)])
def test_what_gives_only_its_size_is_no_skip_of_a_u(
    kind: LinkKind, is_one: bool
) -> None:
    cells = [Cell(name, name) for name in "abcde"]
    links = [Link(i, i + 1, "main") for i in range(4)]
    links += [Link(0, 4, kind), Link(1, 3, "skip")]
    found = Chart("net", "net", "", "stage", cells, sorted(links))
    assert (ends(found) is not None) == is_one


UP = {
    "upsample": 'op = "upsample", scale_factor = 2',
    "transposed": 'op = "conv_transpose2d", out_channels = 8, kernel_size = 2, '
    "stride = 2",
}


@pytest.mark.parametrize("up", UP)
@pytest.mark.parametrize("block", [False, True])
def test_what_a_decoder_joins_is_said_with_what_it_does(
    tmp_path: Path, up: str, block: bool
) -> None:
    """However it is scaled up, and whether a block follows or a convolution."""
    conv = 'op = "conv2d", kernel_size = 3, padding = 1, out_channels'
    decode = 'block = "pair"' if block else f"{conv} = 8"
    layers = f"""
        {{ name = "a", {conv} = 8 }},
        {{ name = "pool1", op = "max_pool2d", kernel_size = 2 }},
        {{ name = "b", {conv} = 16 }},
        {{ name = "pool2", op = "max_pool2d", kernel_size = 2 }},
        {{ name = "c", {conv} = 32 }},
        {{ name = "up2", {UP[up]} }},
        {{ name = "both2", op = "concat", from = ["b", "up2"] }},
        {{ name = "d", {decode} }},
        {{ name = "up1", {UP[up]} }},
        {{ name = "both1", op = "concat", from = ["a", "up1"] }},
        {{ name = "e", {decode} }},
    """
    pair = f"[blocks.pair]\nlayers = [{{ {conv} = 8 }}, {{ {conv} = 9 }}]"
    analysis = read_spec(tmp_path, layers, pair if block else "")
    found = chart_of(analysis.network, analysis.facts, "stage")
    names = [cell.path for cell in found.cells if not cell.end]
    assert names == ["a", "pool1", "b", "pool2", "c", "d", "e"]
    for cell in found.cells[-3:-1]:
        assert any(re.fullmatch("before: .* ↑2 · concat", d) for d in cell.details)
    assert ends(found) is not None


@pytest.mark.parametrize("options", [
    Options("block", width=170), Options("block"), Options("layer"),
], ids=str)  # fmt: skip
def test_a_u_without_frames_is_one_at_all_levels(options: Options) -> None:
    svg = drawn(str(STRANGERS / "plain_u"), options)
    hold(svg)
    assert straight(svg) >= 4


def test_a_nested_u_that_is_no_triangle_is_no_pyramid() -> None:
    """At layer level its nodes are several boxes."""
    assert not pyramids(chart(str(STRANGERS / "nested_outputs"), "layer"))


def test_names_in_a_u_are_broken_where_it_is_too_wide() -> None:
    svg = drawn(str(STRANGERS / "long_u"), Options("stage", width=85))
    assert straight(svg) == 3


def test_a_u_whose_convolutions_shrink_maps_has_no_scales() -> None:
    """Its skips lead from one size to another, so it is none of the columns."""
    found = chart("unet", "stage")
    assert ends(found) is not None
    assert not pyramids(found)


def test_a_second_way_down_has_a_column() -> None:
    """Liu et al. 2018, Fig. 1 (b)."""
    found = columns(str(STRANGERS / "panet"))
    assert found[4] == ["conv 3×3, 256 /2"] * 3
    assert Counter(map(len, found[1:4])) == {4: 2, 6: 1}
    assert [title.split()[0] for title in found[5]] == ["output"] * 4


def test_rounds_of_a_bidirectional_pyramid_stand_beside_each_other() -> None:
    """Tan et al. 2020, Fig. 2 (d): up and down, with the same at each scale."""
    found = columns(str(STRANGERS / "bidirectional"))
    assert found[1] == ["conv 1×1, 64"] * 3
    assert found[2] == found[4] == ["upsample ↑2", "add"] * 2
    assert found[3] == found[5] == ["max pool 2×2 /2", "add"] * 2


def test_what_goes_from_scale_to_scale_beside_the_ways_is_no_pyramid() -> None:
    assert not pyramids(chart(str(STRANGERS / "nested_u"), "stage"))


def made_of(sides: list[int], pairs: list[tuple[int, int]]) -> Chart:
    """A chart of maps of those sides."""
    cells = [Cell(f"{n}", f"{n}", sizes=(1, side)) for n, side in enumerate(sides)]
    links = sorted(Link(source, target, "main") for source, target in pairs)
    return Chart("net", "net", "", "stage", cells, links)


def test_a_way_down_with_branches_is_no_pyramid() -> None:
    ways = [(0, 1), (1, 3), (3, 4), (4, 5), (1, 4), (0, 5)]
    sides = [32, 16, 16, 8, 16, 32]
    assert pyramids(made_of(sides, [*ways, (1, 2)]))
    assert not pyramids(made_of(sides, [*ways, (0, 2), (2, 3)]))


def test_scales_that_only_what_is_scaled_up_aside_has_are_none() -> None:
    ways = [(0, 1), (1, 2), (2, 3), (3, 4), (1, 3), (0, 4)]
    found = made_of([32, 16, 8, 16, 32, 64], [*ways, (3, 5)])
    one, _ = pyramids(found)
    assert one.row == [0, 1, 2, 1, 0, 1]


def test_what_all_scales_come_together_in_stands_behind_them() -> None:
    assert columns(str(STRANGERS / "scales_meet"))[2:] == [
        ["conv 3×3, 64"] * 3,
        ["conv 3×3, 64", "conv 1×1, 21", "output"],
    ]


def test_hourglasses_stand_beside_each_other() -> None:
    found = columns(str(STRANGERS / "hourglass"))
    assert [column.count("add") for column in found] == [0, 3, 0, 3, 0]


@pytest.mark.parametrize("name", NAMES)
def test_what_has_another_shape_is_no_pyramid(name: str) -> None:
    found = chart(name, "stage")
    known = bool(ends(found)) or bool(lattice(found)) or name == FPN
    assert known or not pyramids(found)


@pytest.mark.parametrize("name", ["nested_outputs", "nested_heads"])
def test_outputs_of_a_nested_u_stand_above_its_first_row(name: str) -> None:
    """Zhou et al. 2018, Fig. 1 (a): the triangle, with an output for each depth."""
    svg = drawn(str(STRANGERS / name), Options("stage", width=85))
    rows: dict[float, list[float]] = {}
    for box in svg.boxes:
        rows.setdefault(box[0], []).append(box[1])
    columns = [sorted(rows[x]) for x in sorted(rows)]
    # input, nodes and poolings, and each column's nodes with what is made of the first
    above = [2, 2, 2] if name == "nested_outputs" else [1, 1, 2]
    assert [len(column) for column in columns] == [
        1 + 4 + 3, 3 + above[0], 2 + above[1], 1 + above[2],
    ]  # fmt: skip
    first = columns[0][1]
    assert all(first == column[n] for column, n in zip(columns[1:], above, strict=True))


def test_a_nested_u_is_a_triangle_from_left_to_right_too() -> None:
    across, down = (
        drawn("unet_plus_plus", Options("stage", direction)) for direction in DIRECTIONS
    )
    assert sorted(across.boxes) == sorted(down.boxes)


def test_stages_stand_behind_all_that_they_read(tmp_path: Path) -> None:
    """Also where a merge is a part of the convolution before it, and reads what comes
    between the two."""
    conv = 'op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1'
    layers = f"""
        {{ name = "a", {conv} }},
        {{ name = "b", {conv}, from = "input" }},
        {{ name = "c", op = "max_pool2d", kernel_size = 3, stride = 1, padding = 1 }},
        {{ name = "d", {conv}, from = "a" }},
        {{ name = "all", op = "add", from = ["b", "c", "d"] }},
    """
    analysis = read_spec(tmp_path, layers)
    found = chart_of(analysis.network, analysis.facts, "stage")
    assert all(link.source < link.target for link in found.links)
