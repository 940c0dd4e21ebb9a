"""Some of all networks, other ones at each run: as they are drawn at every level."""

from __future__ import annotations

from random import Random

import pygraphviz
import pytest

from archc.draw.chart import Level
from archc.draw.drawing import Options, draw
from archc.draw.fit import MM
from archc.draw.flat import edges
from archc.network.graph import Layer
from tests.draw.looks import analysed, chart, drawn, hold, hold_apart, regions
from tests.draw.test_ways import NAMES
from tests.random_networks.campaign import fresh_seed

LOOKS = [
    (Options("stage", width=85), 40), (Options("block", width=170), 40),
    (Options("stage", "lr"), 30), (Options("block"), 30), (Options("layer"), 12),
]  # fmt: skip
HIGH = {"stage": 110, "block": 240}
HIGHER = {"torchvision/resnet50_fpn", "unet_plus_plus"}
"""Whose many paths side by side take more than a column has, at stage level."""


def sample(count: int) -> list[str]:
    seed = fresh_seed()
    names = Random(seed).sample(NAMES, count)
    print(f"seed {seed}: {', '.join(names)}")
    return names


@pytest.mark.parametrize(("options", "count"), LOOKS, ids=str)
def test_nothing_covers_text_and_edges_end_on_boxes(
    options: Options, count: int
) -> None:
    for name in sample(count):
        print(name)
        svg = drawn(name, options)
        hold(svg)
        if options.level != "layer":  # in whose long pictures all pairs are too many
            hold_apart(svg)
        assert min(svg.sizes) >= 6
        if options.width is not None and options.level is not None:
            assert svg.width <= options.width * MM + 0.02
            most = HIGH[options.level] if name not in HIGHER else 280
            assert svg.height <= most * MM


@pytest.mark.parametrize("level", ["stage", "block", "layer"])
def test_dot_counts_what_the_network_has(level: Level) -> None:
    """Every merge stands in a box. What it brings together comes on lines from other
    boxes, or is folded into it and told as a loop: counted in the regions of the
    network, which drawing does not make."""
    for name in sample(30):
        print(name)
        analysis, found = analysed(name), chart(name, level)
        options = Options(level)
        dot = draw(analysis.network, analysis.facts, "dot", options).decode()
        graph = pygraphviz.AGraph(string=dot)
        boxes = [c for c in found.all_cells() if not c.port and c.inner is None]
        assert len(graph.nodes()) == len(boxes)
        lines = [(a, b) for a, b in graph.edges() if a != b]
        assert len(lines) == len(list(edges(found)))
        loops = sum(len(cell.loops) for cell in boxes)
        assert len(graph.edges()) - len(lines) == loops
        home = {layer: cell for cell in boxes for layer in cell.layers}
        for kind in ("skip", "branches"):
            inside = 0
            for region in regions(analysis, kind):
                merge = region.parts[-1]
                assert isinstance(merge, Layer)
                inside += len({home[layer] for layer in region.layers()}) == 1
            assert found.count(kind) == inside  # type: ignore[arg-type]
        # a repetition is as often as it is in the network, whatever it is drawn as
        assert {layer for cell in boxes for layer in cell.layers} == set(
            analysis.network.all_layers()
        )
