"""What comes together in a picture, and what goes around, held to the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from archc.draw.chart import Cell, Chart, Level
from archc.draw.drawing import Options, chart_of, draw
from archc.draw.flat import Edge, edges
from archc.network.graph import Layer, Network, Region, Value
from tests.draw.looks import SPECS, Svg, analysed, chart, hold, read_spec

NAMES = sorted(
    str(path.relative_to(SPECS).with_suffix(""))
    for path in SPECS.rglob("*.toml")
    if "blocks" not in path.parts
)


@pytest.mark.parametrize("level", ["block", "layer"])
@pytest.mark.parametrize("name", NAMES)
def test_what_comes_together_is_drawn_so(name: str, level: Level) -> None:
    hold_ways(analysed(name).network, chart(name, level))


@pytest.mark.parametrize("name", NAMES)
def test_what_repetitions_read_comes_in_by_lines_of_its_own(name: str) -> None:
    hold_repeats(analysed(name).network, chart(name, "block"))


def hold_repeats(network: Network, found: Chart) -> int:
    """Into each frame lead as many lines as a repetition in it, that is not the first,
    reads different values which none of them makes, and one for what the one before it
    hands on. Gives how many repetitions read more than that."""
    frames = [cell.inner for cell in found.all_cells() if cell.inner is not None]
    inside = {id(f): {x for c in f.all_cells() for x in c.layers} for f in frames}
    holders = {id(c.inner): c for c in found.all_cells() if c.inner is not None}
    readers: dict[Value, set[Value]] = {}
    for layer in network.all_layers():
        for value in layer.inputs:
            readers.setdefault(value, set()).add(layer.output)
    home = {layer: cell for cell in found.all_cells() for layer in cell.layers}
    more = 0
    for body in (network.body, *(head.region for head in network.heads)):
        for repeat in body.regions():
            if repeat.kind != "repeat":
                continue
            rows = [list(x.layers()) for x in repeat.parts if isinstance(x, Region)]
            own = {x.output for row in rows for x in row}
            for part, row, before in zip(
                repeat.parts[1:], rows[1:], rows, strict=False
            ):
                assert isinstance(part, Region)
                drawn = {(id(x.node), home[x]) for x in before}
                folded = any((id(x.node), home[x]) in drawn for x in row)
                if not folded or len({home[x] for x in row}) < 2:
                    continue
                both = {*row, *before}
                around = [f for f in frames if both <= inside[id(f)]]
                frame = min(reversed(around), key=lambda f: len(inside[id(f)]))
                made = {x.output for x in row}
                read = {v for x in row for v in x.inputs if v not in made}
                wanted = sum(v not in own or v is part.input for v in read)
                lines = sum(cell.port == "in" for cell in frame.cells)
                assert lines >= wanted, row[0].path
                more += wanted > 1
                if any(readers.get(x.output, set()) - own for x in before):
                    details = holders[id(frame)].details
                    assert any(" read by " in line for line in details), row[0].path
    return more


def hold_ways(network: Network, found: Chart) -> None:
    """Each merge has a line from every box that it reads, and it has a skip if one of
    its values also comes to it through other layers, and else none."""
    home = {layer: cell for cell in found.all_cells() for layer in cell.layers}
    order = {cell: n for n, cell in enumerate(found.all_cells())}
    frames = [cell.inner for cell in found.all_cells() if cell.inner is not None]
    framed = {cell for inner in frames for cell in inner.all_cells()}
    into: dict[Cell, list[Edge]] = {}
    for edge in edges(found):
        into.setdefault(edge.target, []).append(edge)
    handed_on = _handed_on(network)
    skipping = _skipping(network, home)
    for cell in {home[layer]: None for layer in network.all_layers()}:
        merges = [x for x in cell.layers if len(_read(x, home)) > 1]
        outside = [
            x for x in merges if any(_home(v, home) is not cell for v in _read(x, home))
        ]
        if not outside:
            continue
        drawn = {edge.source for edge in into.get(cell, ())}
        for layer in outside:
            for value in _read(layer, home):
                source = _home(value, home)
                # what one repetition hands on is drawn as what the first is given
                if source is None or source is cell or value in handed_on[layer]:
                    continue
                # and what it reads of one before it, further down, likewise
                if order[source] > order[cell]:
                    continue
                there = source in drawn
                assert there, (source.path, cell.path)
        skips = [e for e in into.get(cell, ()) if e.kind == "skip"]
        wanted = any(
            value in handed_on[layer] or _home(value, home) is not cell
            for layer in cell.layers
            for value, through in skipping.get(layer, ())
            # what several repetitions give to it is one line
            if _home(value, home) is not _home(through, home)
        )
        sources = [e.source.path for e in skips]  # networks are too large to be shown
        if wanted:
            assert sources, cell.path
        elif not any(set(_read(x, home)) & handed_on[x] for x in merges):
            # but what leaves a frame may go around others, as WaveNet's skips do
            assert all(e.source in framed for e in skips), (cell.path, sources)


def _read(layer: Layer, home: dict[Layer, Cell]) -> tuple[Value, ...]:
    """What a layer computes with; an identity in the box of another is a line."""
    return tuple(_before(value, home) for value in _computes(layer))


def _computes(layer: Layer) -> tuple[Value, ...]:
    return tuple(layer.inputs[: layer.op.computes_with])


def _before(value: Value, home: dict[Layer, Cell]) -> Value:
    layer = value.layer
    while layer is not None and layer.op.unchanged:
        if home[layer].category == layer.op.category:
            break  # it has a box of its own
        value, layer = layer.inputs[0], layer.inputs[0].layer
    return value


def _home(value: Value, home: dict[Layer, Cell]) -> Cell | None:
    return None if value.layer is None else home[value.layer]


def _handed_on(network: Network) -> dict[Layer, frozenset[Value]]:
    """For each layer what the repetitions around it have from those before them."""
    found: dict[Layer, frozenset[Value]] = {}

    def walk(region: Region, known: frozenset[Value]) -> None:
        for number, part in enumerate(region.parts):
            if isinstance(part, Layer):
                found[part] = known
            elif region.kind == "repeat" and number:
                walk(part, known | {part.input})
            else:
                walk(part, known)

    for body in (network.body, *(head.region for head in network.heads)):
        walk(body, frozenset())
    return found


def _skipping(
    network: Network, home: dict[Layer, Cell]
) -> dict[Layer, list[tuple[Value, Value]]]:
    """For each layer those of its values that also come to it through others, with
    those through which they do."""
    number: dict[Layer, int] = {}
    above: dict[Layer, int] = {}  # a bit for each layer before it
    inputs = {value: 1 << n for n, value in enumerate(network.inputs.values())}
    first = len(inputs)
    found: dict[Layer, list[tuple[Value, Value]]] = {}

    def bits(value: Value) -> int:
        if value.layer is None:
            return inputs[value]
        return above[value.layer] | 1 << first + number[value.layer]

    def own(value: Value) -> int:
        if value.layer is None:
            return inputs[value]
        return 1 << first + number[value.layer]

    for n, layer in enumerate(network.all_layers()):
        number[layer] = n
        read = _read(layer, home)
        above[layer] = 0
        for value in read:
            above[layer] |= bits(value)
        if len(read) > 1:
            found[layer] = [
                (value, x)
                for value in read
                for x in read
                if bits(x) & own(value) and own(x) != own(value)
            ]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_box_that_one_line_enters_says_all_that_it_joins(name: str) -> None:
    """As each layer of WaveNet adds what it makes to what it is given."""
    found = chart(name, "stage")
    into = {n: {x.source for x in found.links if x.target == n}
            for n in range(len(found.cells))}  # fmt: skip
    for n, cell in enumerate(found.cells):
        if len(into[n]) < 2:
            merges = [x for x in cell.layers if x.op.merges and len(_computes(x)) > 1]
            assert sum(cell.loops.values()) == len(merges), cell.path


def links(name: str, level: Level) -> Iterator[tuple[str, str, str]]:
    """The path of each line's source and of its target, and what kind of line it is."""
    found = chart(name, level)
    for x in found.links:
        yield found.cells[x.source].path, found.cells[x.target].path, x.kind


def test_two_towers_meet_without_a_skip() -> None:
    """Neither goes around anything that the other goes through."""
    for level in ("stage", "block", "layer"):
        kinds = {link.kind for link in chart("siamese_net", level).all_links()}
        assert kinds == {"main"}


def test_laterals_of_a_pyramid_are_no_skips() -> None:
    """They are added to what comes from above, which they do not lead to."""
    found = list(links("torchvision/resnet50_fpn", "stage"))
    assert [kind for *_, kind in found if kind != "main"] == ["size"] * 3
    # what only lends its size is told from what is computed with
    asked = {(a, b) for a, b, kind in found if kind == "size"}
    assert asked == {(f"fpn.inner_blocks.{n}.0", f"fpn.top{n + 2}") for n in range(3)}


def test_what_is_joined_by_name_after_a_detour_is_a_skip(tmp_path: Path) -> None:
    conv = 'op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1'
    layers = f"""
        {{ name = "a", {conv} }},
        {{ name = "b", {conv} }},
        {{ name = "c", {conv}, from = "a" }},
        {{ name = "all", op = "concat", from = ["a", "b", "c"] }},
    """
    analysis = read_spec(tmp_path, layers)
    for level in ("block", "layer"):
        found = chart_of(analysis.network, analysis.facts, level)
        kinds = {e.source.path: e.kind for e in edges(found) if e.target.path == "all"}
        assert kinds == {"a": "skip", "b": "main", "c": "main"}
        hold_ways(analysis.network, found)


CONV = 'op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1'
SHARED = {
    "input of a block": (
        f'{{ name = "a", {CONV} }}, {{ name = "u", block = "unit" }},',
        f"""[blocks.unit]
        layers = [{{ repeat = 3, layers = [
            {{ name = "conv{{i}}", {CONV} }},
            {{ name = "sum{{i}}", op = "add", from = ["prev", "input"] }},
        ] }}]""",
    ),
    "a name": (
        f"""{{ name = "a", {CONV} }}, {{ name = "b", {CONV} }},
        {{ name = "r", repeat = 3, layers = [
            {{ name = "conv", {CONV} }},
            {{ name = "sum", op = "add", from = ["prev", "a"] }},
        ] }},""",
        "",
    ),
    "a name and the input, twice": (
        f'{{ name = "a", {CONV} }}, {{ name = "u", repeat = 2, block = "unit" }},',
        f"""[blocks.unit]
        layers = [
            {{ name = "pre", {CONV} }},
            {{ repeat = 3, layers = [
                {{ name = "conv{{i}}", {CONV} }},
                {{ name = "sum{{i}}", op = "add", from = ["prev", "input", "pre"] }},
            ] }},
        ]""",
    ),
    "the input of the network, in groups of groups": (
        f"""{{ name = "r", repeat = 3, layers = [
            {{ name = "u", repeat = 2, layers = [
                {{ name = "conv", {CONV} }},
                {{ name = "sum", op = "add", from = ["prev", "input"] }},
            ] }},
        ] }},""",
        "",
    ),
}


@pytest.mark.parametrize("kind", SHARED)
def test_what_all_repetitions_read_is_not_what_each_is_given(
    tmp_path: Path, kind: str
) -> None:
    """It is one value, and comes in beside what the one before hands on."""
    analysis = read_spec(tmp_path, *SHARED[kind], given="input = [8, 16, 16]")
    found = chart_of(analysis.network, analysis.facts, "block")
    hold_ways(analysis.network, found)
    assert hold_repeats(analysis.network, found)
    said = [line for cell in found.all_cells() for line in cell.details]
    assert any(line.startswith("each reads the same ") for line in said)
    for cell in found.all_cells():
        assert not cell.loops
    for options in (Options("stage"), Options("block"), Options("block", "lr")):
        text = draw(analysis.network, analysis.facts, "svg", options)
        hold(Svg(text.decode()))


def test_which_repetitions_are_read_is_said(tmp_path: Path) -> None:
    layers = f"""
        {{ name = "a", {CONV} }},
        {{ name = "r{{i}}", repeat = 4, layers = [
            {{ name = "c", {CONV} }}, {{ name = "act", op = "relu" }},
        ] }},
        {{ name = "x", from = "r1", op = "conv2d", out_channels = 8, kernel_size = 2 }},
        {{ name = "y", from = "r0", op = "max_pool2d", kernel_size = 2, stride = 1 }},
        {{ name = "sum", op = "add", from = ["x", "y"] }},
        {{ name = "last", op = "flatten", from = "r3" }},
        {{ name = "all", op = "concat", from = ["r0", "r1", "r2", "r3"] }},
    """
    outputs = 'outputs = { a = "last", b = "all", c = "sum" }'
    analysis = read_spec(tmp_path, layers, outputs)
    for level in ("stage", "block"):
        found = chart_of(analysis.network, analysis.facts, level)
        (cell,) = [cell for cell in found.all_cells() if cell.count == "4"]
        assert [line for line in cell.details if "read" in line] == [
            "no. 2 of 4 is read by conv 2×2, 8",
            "the first is read by max pool 2×2",
            "each is read by concat",
        ]
