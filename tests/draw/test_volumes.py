"""Feature maps as boxes in space: what is drawn of a network, and where lines run."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from archc.draw.drawing import Options, chart_of, scene_of
from archc.draw.fit import MM
from archc.draw.scene import Path as Line
from archc.draw.scene import Rect, Scene, Text
from archc.pipeline import Analysis
from tests.draw.looks import analysed, drawn, read_spec

NAMES = ["alexnet", "siamese_net", "unet", "wavenet", "unet_plus_plus",
         "torchvision/resnet50_fpn", "timm/hrnet_w18_small", "c3d"]  # fmt: skip


def shown(analysis: Analysis, width: float | None = 170) -> tuple[Scene, list[Rect]]:
    options = Options(look="volumes", width=width)
    scene = scene_of(analysis.network, analysis.facts, options)
    boxes = [s for s in scene.shapes if isinstance(s, Rect) and s.role == "box"]
    return scene, boxes


def on(point: tuple[float, float], box: Rect) -> bool:
    """Whether a line ends on the front of a box, on its side or on its upper face."""
    x, y = point
    back = 0.42 * 100  # the depth of the largest front is at most that
    low, high = box.y - back, box.y + box.height
    return box.x - 0.6 <= x <= box.x + box.width + back and low - 0.6 <= y <= high


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [85, 170, None])
def test_every_link_is_a_line_of_its_kind(name: str, width: float | None) -> None:
    analysis = analysed(name)
    scene, boxes = shown(analysis, width)
    chart = chart_of(analysis.network, analysis.facts, "stage")
    kept = [i for i, cell in enumerate(chart.cells) if not cell.head]
    assert len(boxes) == len(kept)
    lines = [s for s in scene.shapes if isinstance(s, Line) and s.role == "edge"]
    links = [x for x in chart.links if x.source in kept and x.target in kept]
    assert sorted(line.kind for line in lines) == sorted(x.kind for x in links)
    for line in lines:
        start, end = line.points[0], line.points[-1]
        ends = [
            (a, b)
            for a, source in zip(kept, boxes, strict=True) if on(start, source)
            for b, target in zip(kept, boxes, strict=True) if on(end, target)
        ]  # fmt: skip
        assert any((x.source, x.target) in ends for x in links if x.kind == line.kind)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [85, 170])
def test_no_line_runs_through_words(name: str, width: float) -> None:
    svg = drawn(name, Options(look="volumes", width=width))
    assert svg.width <= width * MM + 0.02
    assert min(svg.sizes) >= 6
    for n, text in enumerate(svg.texts):
        for points in svg.edges:
            for (ax, ay), (bx, by) in pairwise(points):
                over = min(ax, bx) < text[2] - 0.6 and max(ax, bx) > text[0] + 0.6
                level = min(ay, by) < text[3] - 0.6 and max(ay, by) > text[1] + 0.6
                assert not (over and level), (n, text, points)


def test_sequences_are_no_squares() -> None:
    """They have a length and channels, and nothing behind them."""
    scene, boxes = shown(analysed("wavenet"))
    assert len(boxes) > 10
    faces = [s for s in scene.shapes if isinstance(s, Line) and s.role == "plain"]
    legend = [s for s in faces if len(s.points) == 2]
    assert faces == legend
    assert all(box.height > 4 * box.width for box in boxes)


@pytest.mark.parametrize("name", ["alexnet", "torchvision/resnet50_fpn", "siamese_net"])
def test_inputs_and_outputs_are_there(name: str) -> None:
    analysis = analysed(name)
    scene, _ = shown(analysis)
    said = [s.text for s in scene.shapes if isinstance(s, Text)]
    for kind, values in (
        ("input", analysis.network.inputs), ("output", analysis.network.outputs),
    ):  # fmt: skip
        assert len([x for x in said if x.split()[0] == kind]) == len(values)


def test_maps_of_any_size_fit_a_page(tmp_path: Path) -> None:
    """A large image is drawn on a smaller scale, and so is what comes after it."""
    conv = 'op = "conv2d", out_channels = 16, kernel_size = 3, padding = 1, stride = 4'
    layers = ", ".join(f"{{ {conv} }}" for _ in range(3))
    _, boxes = shown(read_spec(tmp_path, layers, given="input = [3, 4096, 4096]"))
    sides = [box.height for box in boxes]
    assert max(sides) < 100
    assert sides[:4] == sorted(sides[:4], reverse=True)
