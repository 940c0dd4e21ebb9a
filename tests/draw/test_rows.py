"""Boxes in rows, and lines that have to find their way between them."""

from __future__ import annotations

import pytest

from archc.draw.chart import Cell, Chart, Level, Link
from archc.draw.sheet import sheet
from archc.draw.style import Direction, Style
from archc.draw.svg import as_svg
from tests.draw.looks import Svg, hold


def drawn(cells: list[Cell], links: list[Link], level: Level, style: Style) -> Svg:
    chart = Chart("net", "net", "", level, cells, sorted(links))
    return Svg(as_svg(sheet(chart, style).scene(), "net"))


@pytest.mark.parametrize("direction", ["tb", "lr"])
def test_what_is_said_of_a_lane_gives_way_to_lines(direction: Direction) -> None:
    """A line leads from the middle box to a lane further out, just where it would
    stand."""
    cells = [Cell(name, f"box {name}") for name in "abcd"]
    links = [Link(i, i + 1, "main") for i in range(3)]
    links += [Link(0, 2, "skip", note="first only"), Link(1, 3, "skip", note="others")]
    svg = drawn(cells, links, "block", Style(direction=direction))
    hold(svg)
    assert len(svg.edges) == 5


def test_a_line_turns_behind_a_head_that_hangs_down() -> None:
    """It is longer than the row of the main way beside it."""
    cells = [Cell(name, f"box {name}") for name in "abcd"]
    cells += [Cell("e", "head e", head=True, details=["one", "two", "three"])]
    cells += [Cell("f", "head f", head=True)]
    links = [Link(i, i + 1, "main") for i in range(3)]
    links += [Link(0, 4, "head"), Link(3, 5, "head"), Link(4, 5, "main")]
    hold(drawn(cells, links, "layer", Style()))
