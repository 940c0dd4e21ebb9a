"""The frames of the picture hold the whole network, and each of its edges."""

from __future__ import annotations

import pytest

from archc.compare.comparison import compare
from archc.page.merge import comparison_of
from archc.page.model import Frame
from archc.page.tree import graph_of, nodes_of
from tests.page.conftest import shipped

NAMES = (
    "googlenet", "resnet152", "densenet201", "unet", "unet_plus_plus", "siamese_net",
    "timm/hrnet_w18_small", "timm/dla34", "torchvision/shufflenet_v2_x1_0",
)  # fmt: skip


def _runs(frame: Frame) -> list[Frame]:
    inner = [run for p in frame.parts if isinstance(p, Frame) for run in _runs(p)]
    return [frame, *inner] if frame.kind == "run" else inner


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_out(name: str) -> None:
    network = shipped(name).network
    graph, layers = graph_of(network), list(network.all_layers())
    found = list(nodes_of(graph.root))
    assert sorted(found) == list(range(len(layers) + len(graph.ends)))
    # in the order in which they run, but for the ends
    assert [n for n in found if n < len(layers)] == list(range(len(layers)))
    reads = sum(len(layer.inputs) for layer in layers)
    assert len(graph.edges) == reads + len(network.outputs)
    for edge in graph.edges:
        if edge.source < len(layers) and edge.target < len(layers):
            assert layers[edge.source].output in layers[edge.target].inputs


def test_every_skip_is_one() -> None:
    graph = graph_of(shipped("torchvision/resnet50").network)
    # 16 blocks, 4 of which have a projection
    assert sum(edge.kind == "skip" for edge in graph.edges) == 12


def test_skips_that_have_a_name_are_skips_too() -> None:
    graph = graph_of(shipped("unet_plus_plus").network)
    # X(i,j) reads all X(i,k) with k < j, that is 4 + 3 * 2 + 2 * 3 + 4 values;
    # of these X(i,j-1) with j > 1 comes by no other way, which is so of 3 + 2 + 1.
    assert sum(edge.kind == "skip" for edge in graph.edges) == 20 - 6


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("torchvision/resnet152", [2, 7, 35, 2]),
        ("densenet121", [6, 12, 24, 16]),
        ("torchvision/googlenet", []),
    ],
)
def test_repetitions_that_are_alike_are_one(name: str, times: list[int]) -> None:
    root = graph_of(shipped(name).network).root
    assert [len(run.parts) for run in _runs(root)] == times


def test_members_of_a_run_fit_each_other() -> None:
    network = shipped("densenet121").network
    layers = list(network.all_layers())
    for run in _runs(graph_of(network).root):
        rows = [[layers[n].op.op for n in nodes_of(part)] for part in run.parts]
        assert all(row == rows[0] for row in rows)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("alexnet", "zfnet"),
        ("torchvision/resnet50", "torchvision/resnet101"),
        ("googlenet", "torchvision/inception_v3"),
        ("vgg16", "torchvision/vgg16_bn"),
        ("torchvision/resnet18", "densenet121"),
    ],
)
def test_two_networks_are_one_picture(a: str, b: str) -> None:
    one, other = shipped(a), shipped(b)
    found = comparison_of(compare(one, other), 0, 1)
    nodes = list(nodes_of(found.graph.root))
    assert sorted(nodes) == list(range(len(found.rows) + len(found.graph.ends)))
    for side, key, left_out in ((one, "a", "inserted"), (other, "b", "removed")):
        graph = graph_of(side.network)
        shown = [edge for edge in found.graph.edges if edge.kind != left_out]
        count = len(list(side.network.all_layers()))
        inside = [e for e in graph.edges if e.source < count and e.target < count]
        row = {getattr(r, key): n for n, r in enumerate(found.rows)}
        drawn = {(edge.source, edge.target) for edge in shown}
        assert {(row[e.source], row[e.target]) for e in inside} <= drawn


def test_what_is_added_to_a_run_is_a_run() -> None:
    sides = shipped("torchvision/resnet50"), shipped("torchvision/resnet101")
    found = comparison_of(compare(*sides), 0, 1)
    runs = {
        len(run.parts): {found.rows[n].mark for n in nodes_of(run)}
        for run in _runs(found.graph.root)
    }
    assert runs[17] == {"inserted"}
    assert runs[5] == {"same"}
