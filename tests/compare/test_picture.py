"""The picture of a comparison: every difference is marked."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from archc.compare.comparison import compare
from archc.compare.model import Comparison
from archc.compare.picture import diagram
from archc.draw.figure import Mark
from archc.draw.palette import MARKS
from tests.compare.support import chain, conv, diff, layers, relu

PAIRS = [
    ("alexnet", "zfnet"),
    ("torchvision/googlenet", "googlenet"),
    ("resnet50", "resnet152"),
    ("densenet121", "densenet201"),
    ("tests/family/unet", "tests/family/unet_loop"),
    ("lenet5", "torchvision/inception_v3"),
]


def dot_of(found: Comparison) -> str:
    return diagram(found).dot()


def marked(dot: str, mark: Mark) -> int:
    """How often something has the colour of a mark, the legend left out."""
    body = dot.split("\n  node [", 1)[1]
    return body.count(MARKS[mark])


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_every_kind_of_difference_is_marked(a: str, b: str) -> None:
    found = diff(a, b)
    dot = dot_of(found)
    legend = dot.split("\n  node [", 1)[0]
    kinds: set[Mark] = {row.kind for row in found.differences}
    for kind in kinds:
        marks: list[Mark] = ["changed", "detail"]
        if kind != "changed":
            marks = [kind]
        # layers that are folded into others of another mark show as changed
        assert any(marked(dot, mark) for mark in (*marks, "changed"))
        assert any(MARKS[mark] in legend for mark in marks)


def _compared(*edits: int) -> Comparison:
    rows = [conv(f"conv{i}", 8 + i) for i in range(6)]
    other = [conv(f"conv{i}", 8 + i, kernel=1 if i in edits else 3) for i in range(6)]
    return compare(chain(*rows), chain(*other))


@pytest.mark.parametrize("edits", [(), (0,), (5,), (1, 3), (0, 1, 2, 3, 4, 5)])
def test_each_changed_layer_is_marked_on_both_sides(edits: tuple[int, ...]) -> None:
    dot = dot_of(_compared(*edits))
    assert marked(dot, "changed") == 2 * len(edits)
    assert (MARKS["changed"] in dot) == bool(edits)


def test_each_mark_on_its_side() -> None:
    norm = {"name": "norm", "op": "batch_norm2d"}
    pool = {"name": "pool", "op": "max_pool2d", "kernel_size": 2}
    a = chain(conv("a"), relu("r"), norm, pool, conv("b", bias=False))
    b = chain(conv("a"), relu("r"), pool, norm, conv("b"), conv("c", 9))
    dot = dot_of(compare(a, b))
    assert dot.count("&gt; BN") == 2
    assert marked(dot, "detail") == 2
    assert marked(dot, "inserted") == 1
    assert marked(dot, "removed") == 0
    # a box with something that moved beside what did not is changed
    assert marked(dot, "changed") == 2
    dot = dot_of(compare(b, a))
    assert marked(dot, "removed") == 1
    assert marked(dot, "inserted") == 0


def test_a_network_beside_itself_has_no_marks() -> None:
    dot = dot_of(diff("googlenet", "googlenet"))
    for mark in ("changed", "detail", "removed", "inserted", "moved"):
        assert MARKS[mark] not in dot


def test_the_same_comparison_the_same_text() -> None:
    assert dot_of(_compared(2)) == dot_of(_compared(2))


@pytest.mark.parametrize(
    "title", ['"quoted" \\ <b>&amp;</b> [x] {y|z}', "\x1b[31m\x07 \u202e", "網路 ü\n2"]
)
def test_titles_that_would_break_it(title: str) -> None:
    found = compare(chain(conv("a"), title=title), chain(conv("a", 9), title=title))
    svg = diagram(found).picture("svg").decode()
    ElementTree.fromstring(svg)
    assert svg.count("<svg") == 1
    assert "\x1b" not in svg
    assert "\x07" not in svg
    assert len(layers(found.a.network)) == 1
