"""What a picture says of modules that are used again."""

from __future__ import annotations

from pathlib import Path

import pytest

from archc.draw.chart import Cell, Level
from archc.draw.drawing import chart_of
from tests.draw.looks import chart, read_spec

LAYERS = """
  { name = "stem", op = "conv2d", out_channels = 16, kernel_size = 3, padding = 1 },
  { name = "conv", op = "conv2d", out_channels = 16, kernel_size = 3, padding = 1 },
  { op = "relu" },
  { share = "conv" },
  { op = "relu" },
  { name = "unit", block = "unit" },
  { share = "unit" },
  { repeat = 3, layers = [{ share = "unit" }] },
"""
UNIT = """
[blocks.unit]
layers = [
  { name = "first", op = "conv2d", out_channels = 16, kernel_size = 3, padding = 1 },
  { op = "relu" },
  { name = "second", op = "conv2d", out_channels = 16, kernel_size = 3, padding = 1 },
]
"""
SAID: dict[Level, list[str]] = {
    "stage": ["conv again", "again", "again"],
    "block": ["conv again", "again", "again"],
    "layer": ["conv again", *["unit.first again", "unit.second again"] * 4],
}


def _said(cell: Cell) -> list[str]:
    return [line for line in cell.details if line.split()[-1] == "again"]


@pytest.mark.parametrize("level", SAID)
def test_further_uses_are_said_and_are_no_repetitions(
    level: Level, tmp_path: Path
) -> None:
    analysis = read_spec(tmp_path, LAYERS, UNIT)
    found = chart_of(analysis.network, analysis.facts, level)
    cells = list(found.all_cells())
    assert [line for cell in cells for line in _said(cell)] == SAID[level]
    # the module itself, and the three uses in a row
    counts = [cell.count for cell in cells if cell.count]
    assert counts == ([] if level == "layer" else ["3"])


@pytest.mark.parametrize("level", ["stage", "block", "layer"])
def test_the_second_tower_has_the_weights_of_the_first(level: Level) -> None:
    cells = [c for c in chart("siamese_net", level).all_cells() if c.layers]
    for cell in cells:
        weighted = [x for x in cell.layers if x.op.parameters(x.input_shape())]
        first = cells[0].layers[0]
        further = [c for c in cells if c is not cells[0] and first.path in _paths(c)]
        assert [bool(_said(c)) for c in further] == [True]
        assert weighted or not _said(cell)


def _paths(cell: Cell) -> list[str]:
    return [layer.path for layer in cell.layers]
