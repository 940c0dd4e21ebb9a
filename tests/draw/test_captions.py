"""What is said of several repetitions at once is true of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from archc.draw.blocks import block_chart
from archc.draw.caption import FIRST, LAST, MIDDLE, Tally, combined
from archc.draw.chart import Cell
from archc.draw.drawing import Options
from tests.draw.looks import analysed, drawn_text


def _said(values: list[str]) -> str:
    """Of one attribute, with its values in all repetitions."""
    found: dict[tuple[str, ...], Tally] = {}
    whole = Tally()
    for number, value in enumerate(values):
        at = FIRST if not number else LAST if number == len(values) - 1 else MIDDLE
        found.setdefault((value,), Tally()).add(at)
        whole.add(at)
    return combined(found, whole, [(value,) for value in values])


@pytest.mark.parametrize(("values", "said"), [
    ([", 64", ", 64"], ", 64"),
    ([", 64", ", 128", ", 256"], ", 64…256"),
    ([", 256", ", 128", ", 64"], ", 256…64"),
    ([", 192", ", 160", ", 128", ", 112", ", 256"], ", 192|160|128|112|256"),
    ([", 3", ", 1", ", 5", ", 2", ", 4", ", 6"], ", 1…6"),
    ([" by 0.5", " by 0.9", " by 0.7"], " by 0.5|0.9|0.7"),
    ([" /2", "", ""], " /2 (first only)"),
])  # fmt: skip
def test_only_what_rises_or_falls_is_a_row(values: list[str], said: str) -> None:
    assert _said(values) == said


def test_what_comes_again_is_no_row() -> None:
    assert _said([", 64", ", 16", ", 64"]) == ", 64|16|64"


@pytest.mark.parametrize(("values", "said"), [
    (["", " dilated 2", " dilated 4"], " dilated 1…4"),
    ([" groups 2", "", " groups 4"], " groups 2|1|4"),
    ([" dilated 2", " dilated 4", " dilated 4"], " dilated 2, then 4"),
    ([" by 0.5", "", " by 0.9", " by 0.7"], " by 0.5|0.9|0.7 (3 of 4)"),
])  # fmt: skip
def test_what_is_not_said_of_one_is_told_beside_others(
    values: list[str], said: str
) -> None:
    """Of the dilations 1, 2 and 4 of a row of convolutions the first has none."""
    assert _said(values) == said


def _cells(name: str) -> Iterator[Cell]:
    analysis = analysed(name)
    yield from block_chart(analysis.network, analysis.facts).all_cells()


def test_a_shape_is_said_where_the_first_repetition_changes_it() -> None:
    """In ResNeXt's stages the second convolution has the stride of the first unit."""
    cells = {c.path: c for c in _cells("resnext50_32x4d")}
    assert cells["conv3_x.0.conv1"].shape == ""
    assert cells["conv3_x.0.conv2"].shape == "256×28×28"


def test_shapes_that_differ_are_a_range() -> None:
    """DenseNet's first block appends 32 channels to 64, six times."""
    cells = {c.path: c for c in _cells("densenet121")}
    assert cells["features.denseblock1.concat"].shape == "96…256×56×56"


def test_what_is_left_out_is_told() -> None:
    """As batch normalisation where a page has no room for it."""
    full = drawn_text("googlenet_bn", Options("block"))
    assert "not in the boxes" not in full
    less = drawn_text("googlenet_bn", Options("block", width=170))
    assert ">not in the boxes: normalization, activation, dropout<" in less
    assert ">loss × 0.3<" in less
