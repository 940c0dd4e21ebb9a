"""Networks of other kinds than those of `specs/`, held to the same at each level."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.draw.chart import Level
from archc.draw.drawing import Options
from archc.draw.fit import MM
from tests.draw.looks import analysed, chart, drawn, hold, hold_apart
from tests.draw.test_ways import hold_repeats, hold_ways

HERE = Path(__file__).parent / "strangers"
NAMES = sorted(path.stem for path in HERE.glob("*.toml"))
LOOKS = [
    Options("stage", width=85), Options("stage", "lr"), Options("stage"),
    Options("block", width=170), Options("block"), Options("layer"),
]  # fmt: skip


@pytest.mark.parametrize("options", LOOKS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_nothing_covers_text_and_edges_end_on_boxes(
    name: str, options: Options
) -> None:
    svg = drawn(str(HERE / name), options)
    assert min(svg.sizes) >= 6
    if options.width is not None:
        assert svg.width <= options.width * MM + 0.02
    hold(svg)
    if options.level != "layer":
        hold_apart(svg)


@pytest.mark.parametrize("level", ["block", "layer"])
@pytest.mark.parametrize("name", NAMES)
def test_what_comes_together_is_drawn_so(name: str, level: Level) -> None:
    path = str(HERE / name)
    hold_ways(analysed(path).network, chart(path, level))
    hold_repeats(analysed(path).network, chart(path, level))


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_so_many_times_is_said(name: str) -> None:
    for cell in chart(str(HERE / name), "stage").all_cells():
        assert cell.title, cell.path
        assert not [line for line in cell.details if line.startswith("×")], cell.path
