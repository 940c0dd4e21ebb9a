"""What closed frames are given, and rows of branches."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from archc.draw.blocks import block_chart
from archc.draw.cells import measured
from archc.draw.chart import Cell, Less
from archc.draw.drawing import Options
from archc.draw.style import Style
from tests.draw.looks import analysed, drawn, drawn_text

STRANGERS = Path(__file__).parent / "strangers"


def test_a_closed_frame_does_not_say_how_it_reads_a_value() -> None:
    """Its inside has an identity of all repetitions but the first."""
    analysis = analysed("timm/skresnet50")
    found = block_chart(analysis.network, analysis.facts, closed={"layer2.0"})
    at = next(i for i, cell in enumerate(found.cells) if cell.path == "layer2.0")
    assert found.cells[at].inner is None
    into = [link for link in found.links if link.target == at]
    assert [(link.kind, link.note) for link in into] == [("main", "")]


def test_blocks_that_repeat_unlike_are_not_laid_over_each_other() -> None:
    """EfficientNetV2-S has 6 and 9 units at one map size, which one box can't say."""
    analysis = analysed("torchvision/efficientnet_v2_s")
    closed = {"features.4", "features.5"}
    found = block_chart(analysis.network, analysis.facts, alike=True, closed=closed)
    said = {cell.path: cell.details for cell in found.cells if not cell.count}
    assert "MBConv ×6: 1×1, dw 3×3, 1×1" in said["features.4"]
    assert "MBConv ×9: 1×1, dw 3×3, 1×1" in said["features.5"]


def test_titles_of_branches_are_broken_so_that_they_stand_in_one_row() -> None:
    """The five branches of DeepLabv3's pyramid of dilated convolutions, of which three
    have long titles."""
    svg = drawn("torchvision/deeplabv3_resnet50", Options("block", width=170))
    rows: dict[float, int] = {}
    for box in svg.boxes:
        middle = round((box[1] + box[3]) / 2)
        rows[middle] = rows.get(middle, 0) + 1
    assert max(rows.values()) == 5


def test_branches_stand_beside_each_other_though_less_is_said_in_them() -> None:
    """Three towers for three inputs, which a column has room for without details."""
    svg = drawn(str(STRANGERS / "triplet"), Options("stage", width=85))
    rows = Counter(round(box[1] + box[3]) for box in svg.boxes)
    assert [rows[y] for y in sorted(rows)] == [3, 3, 2, 2]


def test_which_repetitions_have_a_box_is_said_in_any_room() -> None:
    """As the shortcut of RepVGG's blocks, which the first of a stage lacks."""
    cell = Cell("a", "conv", details=["BN", "first only"], seldom="first only")
    cell.fine = {"BN": Less(lost=("normalization",))}
    assert measured(cell, Style(details=9)).lines == ["conv", "BN", "first only"]
    assert measured(cell, Style(details=0)).lines == ["conv", "first only"]
    svg = drawn_text("timm/repvgg_a0", Options("block", width=170))
    assert svg.count(">others<") >= 2
