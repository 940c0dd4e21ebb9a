"""What a diagram shows, read back from its DOT text."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import pytest

from archc.draw.palette import PALETTES
from archc.network.graph import Region
from tests.draw.read import SPECS, Drawn, conv, drawn, shown, spec

NAMES = [
    "alexnet", "densenet121", "googlenet", "resnet152", "resnet50",
    "resnext50_32x4d", "vgg16",
]  # fmt: skip


@pytest.fixture(scope="module", params=NAMES)
def published(request: pytest.FixtureRequest) -> Drawn:
    return drawn(SPECS / f"{request.param}.toml")


def regions(region: Region) -> list[Region]:
    inner = [part for part in region.parts if isinstance(part, Region)]
    return [region, *(r for part in inner for r in regions(part))]


# ---- every diagram


def test_same_network_same_text(published: Drawn) -> None:
    again = drawn(SPECS / f"{published.network.name}.toml")
    assert again.dot == published.dot


@pytest.mark.parametrize("seed", ["1", "2"])
def test_text_does_not_depend_on_hashes(seed: str) -> None:
    script = "from tests.draw.read import *; print(drawn(SPECS / 'googlenet.toml').dot)"
    written = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=SPECS.parents[1],
        capture_output=True,
        check=True,
    )
    assert written.stdout.decode() == drawn(SPECS / "googlenet.toml").dot + "\n"


def test_every_end_of_an_edge_is_a_node_with_a_label(published: Drawn) -> None:
    stated = set(re.findall(r'^ +("(?:[^"\\]|\\.)*") \[', published.dot, re.M))
    for source, target in published.edges:
        assert {f'"{source}"', f'"{target}"'} <= stated


def test_everything_lies_on_a_way_from_the_input(published: Drawn) -> None:
    reached = nx.descendants(nx.DiGraph(published.edges), published.network.name)
    assert reached | {published.network.name} == set(published.nodes)
    assert "output" in reached


def test_legend_lists_the_kinds_that_occur(published: Drawn) -> None:
    fills = PALETTES["light"].fills
    heading = shown(published.graph.graph_attr["label"])
    listed = {c for c in fills if c in heading.split()}
    colors = re.findall(r'fillcolor="(#\w+)"', published.dot)
    # what stands in a box beside an op of another kind has that one's colour
    assert {c for c, color in fills.items() if color in colors} <= listed
    assert listed <= {layer.op.category for layer in published.network.all_layers()}


def test_every_skip_goes_around_its_body(published: Drawn) -> None:
    others = nx.DiGraph(e for e in published.edges if e not in published.skips)
    for source, target in published.skips:
        assert nx.has_path(others, source, target), (source, target)
    skips = [r for r in regions(published.network.body) if r.kind == "skip"]
    ends = {target for _, target in published.skips}
    merges = {r.output.layer.path for r in skips if r.output.layer is not None}
    assert ends == merges & set(published.nodes)
    assert bool(ends) == bool(skips)


def test_heading_tells_the_numbers() -> None:
    googlenet = drawn(SPECS / "googlenet.toml")
    heading = shown(googlenet.graph.graph_attr["label"])
    assert heading.startswith("GoogLeNet with batch normalization 6.62 M parameters")
    assert "(13.0 M in training) · 1.50 G MACs · input 3×224×224" in heading


# ---- published networks


def test_resnet_repeats_are_drawn_once() -> None:
    resnet = drawn(SPECS / "resnet50.toml")
    assert [t for t in resnet.titles if t] == [
        "layer1 ×3 bottleneck",
        "layer2 ×4 bottleneck",
        "layer3 ×6 bottleneck",
        "layer4 ×3 bottleneck",
    ]
    assert resnet.nodes["layer2.0.downsample.0"] == "conv 1×1, 512 /2 BN first only"
    assert resnet.nodes["layer2.0.conv2"] == (
        "conv 3×3, 128 /2 (first only) BN · ReLU 128×28×28"
    )
    assert resnet.nodes["layer2.0.add"] == "add ReLU 512×28×28"
    assert resnet.style("layer2.0.downsample.0", "layer2.0.add") == "dashed"
    assert ("layer1.0.add", "layer2.0.add") in resnet.skips
    assert not any(".1." in node for node in resnet.nodes)


def test_size_stands_where_it_changes() -> None:
    resnet = drawn(SPECS / "resnet50.toml")
    assert resnet.nodes["resnet50"] == "input 3×224×224"
    assert resnet.nodes["conv1"].endswith(" 64×112×112")
    assert resnet.nodes["maxpool"].endswith(" 64×56×56")
    assert resnet.nodes["layer1.0.conv1"] == "conv 1×1, 64 BN · ReLU"
    assert resnet.nodes["layer1.0.add"].endswith(" 256×56×56")


def test_dense_block_shows_how_channels_grow() -> None:
    densenet = drawn(SPECS / "densenet121.toml")
    said = "{} dense_block {} → {} channels +32 in each of {}"
    assert said.format("denseblock1", 64, 256, 6) in densenet.titles
    assert said.format("denseblock3", 256, 1024, 24) in densenet.titles
    concat = "features.denseblock1.concat"
    assert ("features.pool0", concat) in densenet.skips
    conv1 = "features.denseblock1.denselayer1.conv1"
    assert densenet.nodes[conv1] == "conv 1×1, 128 before: BN · ReLU"
    assert densenet.nodes[concat].endswith(" 96…256×56×56")


def test_stages_of_different_width_are_drawn_one_by_one() -> None:
    vgg = drawn(SPECS / "vgg16.toml")
    convs = [text for text in vgg.nodes.values() if text.startswith("conv")]
    assert convs == [
        "conv 3×3, 64 ×2 ReLU",
        "conv 3×3, 128 ×2 ReLU",
        "conv 3×3, 256 ×3 ReLU",
        "conv 3×3, 512 ×3 ReLU",
        "conv 3×3, 512 ×3 ReLU",
    ]


def test_heads_branch_off_what_they_read() -> None:
    googlenet = drawn(SPECS / "googlenet.toml")
    titles = [t for t in googlenet.titles if t.startswith("aux")]
    assert titles == [
        f"{name} aux_classifier training only loss × 0.3" for name in ("aux1", "aux2")
    ]
    cluster = googlenet.clusters["cluster aux1"]
    assert "dashed" in cluster.graph_attr["style"]
    source, target = "inception4a.concat", "aux1.adaptive_avg_pool2d"
    assert googlenet.style(source, target) == "dashed"
    assert set(map(str, cluster.nodes())) & set(googlenet.nodes) == {
        target, "aux1.conv.conv", "aux1.fc1", "aux1.fc2",
    }  # fmt: skip


def test_inception_is_a_cluster_with_its_four_paths() -> None:
    googlenet = drawn(SPECS / "googlenet.toml")
    cluster = googlenet.clusters["cluster inception3a"]
    assert shown(cluster.graph_attr["label"]) == "inception3a inception"
    assert len(cluster.nodes()) == 1 + 2 + 2 + 2 + 1
    assert googlenet.graph.in_degree("inception3a.concat") == 4


# ---- structures


def test_skips_of_every_merge(tmp_path: Path) -> None:
    layers = f"""
      {{ name = "a", skip = "add", layers = [ {conv("c")} ] }},
      {{ name = "b", skip = "concat", layers = [ {conv("c")} ] }},
      {{ name = "g", skip = "mul", layers = [
        {{ name = "p", op = "adaptive_avg_pool2d", output_size = 1 }},
        {{ name = "s", op = "sigmoid" }},
      ] }},
    """
    net = drawn(spec(tmp_path, layers))
    assert net.skips == [("net", "add"), ("add", "concat"), ("concat", "mul")]


def test_nested_skips_and_branches(tmp_path: Path) -> None:
    layers = f"""
      {{ merge = "add", branches = [
        [],
        {{ name = "left", skip = "add", layers = [
          {{ name = "inner", skip = "mul", layers = [ {conv("c")} ] }},
        ] }},
        {{ merge = "add", branches = [ [], {conv("d")} ] }},
      ] }},
    """
    net = drawn(spec(tmp_path, layers))
    # the three identities: of the inner skip, of the outer one, of both branches
    assert len(net.skips) == 4
    assert {source for source, _ in net.skips} == {"net"}


def test_skip_around_nothing_lies_in_its_merge(tmp_path: Path) -> None:
    net = drawn(spec(tmp_path, '{ skip = "add", layers = [] },'))
    assert set(net.edges) == {("net", "add"), ("add", "add"), ("add", "output")}


def test_long_skips_by_from(tmp_path: Path) -> None:
    layers = f"""
      {conv("d1")}
      {{ name = "p", op = "max_pool2d", kernel_size = 2 }},
      {conv("mid")}
      {{ name = "up", op = "upsample", scale_factor = 2 }},
      {{ op = "concat", from = ["d1", "prev"] }},
      {conv("out")}
    """
    net = drawn(spec(tmp_path, layers))
    assert net.skips == [("d1", "concat")]
    assert net.nodes["up"] == "upsample ↑2 16×32×32"


def test_iterations_that_differ_are_marked(tmp_path: Path) -> None:
    layers = f"""
      {{ name = "r", repeat = 5, layers = [
        {conv("c")}
        {{ name = "n", op = "batch_norm2d", when = "i == 4" }},
        {{ name = "s", op = "tanh", when = "i % 2 == 1" }},
        {{ name = "a", op = "relu", when = "i > 0" }},
      ] }},
    """
    net = drawn(spec(tmp_path, layers))
    assert net.titles == ["r ×5"]
    assert net.nodes["r.4.n"] == "BN last only"
    assert net.nodes["r.1.s"] == "Tanh 2 of 5"
    assert net.nodes["r.1.a"] == "ReLU others"


def test_skip_only_in_some_iterations(tmp_path: Path) -> None:
    layers = f"""
      {{ name = "r", repeat = 4, skip = "add", skip_when = "i == 3", layers = [
        {conv("c")} ] }},
    """
    net = drawn(spec(tmp_path, layers))
    ((source, target),) = net.skips
    assert net.nodes[target] == "add last only 16×32×32"
    assert net.style(source, target) == "dashed"


def test_nested_repeats(tmp_path: Path) -> None:
    layers = f"""
      {{ name = "r", repeat = 3, layers = [
        {{ name = "s", repeat = 4, skip = "add", layers = [ {conv("c")} ] }},
        {{ name = "a", op = "relu" }},
      ] }},
    """
    net = drawn(spec(tmp_path, layers))
    assert sorted(net.titles) == ["r ×3", "s ×4"]
    assert net.skips == [("net", "r.0.s.add")]
    assert len(net.nodes) == 5


def test_what_a_later_part_reads_from_inside_a_repeat(tmp_path: Path) -> None:
    layers = f"""
      {conv("c{i + 1}", more=", repeat = 3")}
      {{ op = "add", from = ["c2", "prev"] }},
    """
    net = drawn(spec(tmp_path, layers))
    assert set(net.edges) == {("net", "c1"), ("c1", "add"), ("add", "output")}


def test_single_op(tmp_path: Path) -> None:
    net = drawn(spec(tmp_path, '{ op = "relu" },'))
    assert net.edges == [("net", "relu"), ("relu", "output")]
    assert net.nodes["relu"] == "ReLU"


def test_only_a_linear_chain_is_joined(tmp_path: Path) -> None:
    layers = f"""
      {conv("c")}
      {{ name = "n", op = "batch_norm2d" }},
      {{ name = "a", op = "relu" }},
      {{ op = "add", from = ["n", "a"] }},
    """
    net = drawn(spec(tmp_path, layers))
    assert net.nodes["c"] == "conv 3×3, 16 BN"
    assert net.nodes["a"] == "ReLU"


def test_text_is_escaped(tmp_path: Path) -> None:
    title = 'A & B <b>"quoted"</b> \\\\N — ünïcode \\u0007'
    net = drawn(
        spec(
            tmp_path,
            conv("c"),
            head=f'title = "{title.replace(chr(34), chr(92) + chr(34))}"',
        )
    )
    heading = net.graph.graph_attr["label"]
    assert (
        "A &amp; B &lt;b&gt;&quot;quoted&quot;&lt;/b&gt; \\N — ünïcode \\x07" in heading
    )


# ---- bounds


def test_a_long_loop_is_as_small_as_a_short_one(tmp_path: Path) -> None:
    def sized(count: int) -> int:
        layers = f'{{ name = "r", repeat = {count}, layers = [ {conv("c")} ] }},'
        return len(drawn(spec(tmp_path, layers)).dot)

    assert sized(20_000) - sized(20) < 100


def test_blocks_too_many_to_draw_become_one_node_each(tmp_path: Path) -> None:
    blocks = "[blocks.b0]\nlayers = [ " + (
        f'{{ skip = "add", layers = [ {conv("c")} {conv("d")} ] }} ]\n'
    )
    for i in range(10):
        uses = f'{{ name = "x", block = "b{i}" }}, {{ name = "y", block = "b{i}" }}'
        blocks += f"[blocks.b{i + 1}]\nlayers = [ {uses} ]\n"
    net = drawn(spec(tmp_path, '{ name = "top", block = "b10" },', blocks))
    assert len(net.nodes) < 150
    folded = [text for text in net.nodes.values() if text.endswith("with skip")]
    assert len(folded) == len(net.nodes) - 2


def test_a_long_row_is_shortened(tmp_path: Path) -> None:
    layers = "\n".join(conv(f"c{i}", str(16 + i % 2)) for i in range(1000))
    started = time.perf_counter()
    net = drawn(spec(tmp_path, layers))
    assert len(net.nodes) < 150
    assert any(re.fullmatch(r"… \d+ more …", text) for text in net.nodes.values())
    assert time.perf_counter() - started < 10
