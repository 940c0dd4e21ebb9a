"""Pictures for print: what each level keeps, and where everything stands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import get_args

import pygraphviz
import pytest

from archc.diagnostics.model import Sink
from archc.draw.blocks import block_chart
from archc.draw.cells import loops_of
from archc.draw.chart import Chart, Level
from archc.draw.drawing import Options, chart_of, draw, scene_of
from archc.draw.fit import MM, TooNarrow
from archc.draw.flat import edges
from archc.draw.palette import PALETTES
from archc.draw.stages import stage_chart
from archc.draw.table import as_latex as folded
from archc.network.graph import Layer
from archc.pipeline import analyse
from archc.spec.load import Loader
from tests.command import invoke
from tests.draw.looks import (
    SPECS,
    Svg,
    analysed,
    chart,
    drawn,
    hold,
    read_spec,
    regions,
)
from tests.draw.test_ways import hold_repeats
from tests.random_networks.campaign import fresh_seed
from tests.random_networks.spec import draw_spec

NAMES = ["alexnet", "googlenet", "resnet50", "densenet121", "unet", "wavenet",
         "timm/hrnet_w18_small", "timm/dla34", "torchvision/vgg16"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", ["network", "stage"])
def test_every_skip_and_branch_is_a_loop_or_a_line(name: str, level: Level) -> None:
    """Counted in the network's regions, which drawing does not make."""
    found, analysis = chart(name, level), analysed(name)
    home = {layer: i for i, c in enumerate(found.cells) for layer in c.layers}
    for kind, loops in (("skip", "skip"), ("branches", "branches")):
        inside = 0
        for region in regions(analysis, kind):
            merge = region.parts[-1]
            assert isinstance(merge, Layer)
            if len({home[layer] for layer in region.layers()}) == 1:
                inside += 1
                continue
            # what is not folded into one box is drawn: its ends are linked
            sources = {home[v.layer] for v in merge.inputs if v.layer is not None}
            pairs = {(link.source, link.target) for link in found.links}
            at = home[merge]
            assert all((s, at) in pairs for s in sources - {at})
        assert found.count(loops) == inside  # type: ignore[arg-type]


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_linked_as_they_read(name: str) -> None:
    found = chart(name, "layer")
    home = {layer: i for i, cell in enumerate(found.cells) for layer in cell.layers}
    wanted = {
        (home[value.layer], home[layer])
        for layer in home
        for value in layer.inputs
        if value.layer is not None
    }
    inner = {(a, b) for a, b in wanted if a != b}
    ends = {i for i, cell in enumerate(found.cells) if cell.end}
    drawn = {
        (x.source, x.target) for x in found.links if not {x.source, x.target} & ends
    }
    assert drawn == inner
    assert set(home) == set(analysed(name).network.all_layers())


@pytest.mark.parametrize(("name", "counts"), [
    ("resnet50", ["3", "4", "6", "3"]), ("resnet152", ["3", "8", "36", "3"]),
])  # fmt: skip
@pytest.mark.parametrize("level", ["stage", "block"])
def test_repeats_are_drawn_once(name: str, counts: list[str], level: Level) -> None:
    assert [c.count for c in chart(name, level).cells if c.count] == counts


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", ["stage", "block", "layer"])
def test_text_formats_keep_every_box_and_link(name: str, level: Level) -> None:
    """Each merge has as many lines as it reads values, and each frame is one."""
    analysis, found = analysed(name), chart(name, level)
    options = Options(level)
    dot = draw(analysis.network, analysis.facts, "dot", options).decode()
    mermaid = draw(analysis.network, analysis.facts, "mmd", options).decode()
    boxes = [c for c in found.all_cells() if not c.port and c.inner is None]
    frames = [c for c in found.all_cells() if c.inner is not None]
    loops = sum(len(cell.loops) for cell in boxes)
    graph = pygraphviz.AGraph(string=dot)
    assert len(graph.nodes()) == len(boxes)
    assert dot.count("subgraph") == mermaid.count("subgraph ") == len(frames)
    linked = {(a, b) for a, b in graph.edges() if a != b}
    assert len(graph.edges()) - loops == len(linked) == len(list(edges(found)))
    arrows = [x for x in mermaid.splitlines() if re.match(r"  n[\d_]+ [=.-]+>", x)]
    assert len(arrows) - loops == len(linked)
    if name not in ("googlenet", "unet", "torchvision/vgg16"):
        return  # of what is repeated, only the first reads from outside
    # every value that a layer reads from one in another box has its line
    home = {layer: cell for cell in boxes for layer in cell.layers}
    wanted = {
        (home[value.layer].path, cell.path)
        for layer, cell in home.items() for value in layer.inputs
        if value.layer is not None and home[value.layer] is not cell
    }  # fmt: skip
    drawn = {(e.source.path, e.target.path) for e in edges(found)}
    assert wanted <= drawn


def test_identity_of_a_repeated_stage_is_that_of_the_others() -> None:
    stage = next(c for c in chart("resnet50", "block").cells if c.inner is not None)
    assert stage.inner is not None
    notes = Counter(link.note for link in stage.inner.links if link.kind == "skip")
    assert notes == {"others": 1}
    projection = [c for c in stage.inner.cells if "first only" in c.details]
    assert len(projection) == 1
    assert projection[0].seldom


def test_branches_stand_in_the_order_of_the_spec() -> None:
    module = next(c for c in chart("googlenet", "block").cells if c.inner is not None)
    assert module.inner is not None
    titles = [c.title for c in module.inner.cells if not c.port]
    assert titles[0] == "conv 1×1, 64"
    assert titles[1:3] == ["conv 1×1, 96", "conv 3×3, 128"]
    assert titles[3:5] == ["conv 1×1, 16", "conv 5×5, 32"]


# ---- the drawing


LOOKS = [
    *((name, Options("stage", width=85)) for name in NAMES),
    *((name, Options("stage", "lr")) for name in ("googlenet", "resnet50")),
    *((name, Options("block")) for name in NAMES),
    ("resnet50", Options("layer")), ("googlenet", Options("layer")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options"), LOOKS, ids=str)
def test_nothing_covers_text_and_edges_end_on_boxes(
    name: str, options: Options
) -> None:
    svg = drawn(name, options)
    assert min(svg.sizes) >= 6
    if options.width is not None:
        assert svg.width <= options.width * MM + 0.02
    hold(svg)


def test_it_is_so_for_any_network(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    start = fresh_seed()
    for seed in range(start, start + 15):
        print(f"seed {seed}")
        path.write_text(json.dumps(draw_spec(seed)), encoding="utf-8")
        sink = Sink()
        analysis = analyse(path, Loader(sink), sink)
        if analysis is None:
            continue
        for options in (*map(Options, get_args(Level)), Options("stage", "lr")):
            text = draw(analysis.network, analysis.facts, "svg", options)
            hold(Svg(text.decode()))
        blocks = chart_of(analysis.network, analysis.facts, "block")
        hold_repeats(analysis.network, blocks)


LARGE = ["googlenet", "resnet152", "densenet201", "unet", "timm/hrnet_w18_small"]


@pytest.mark.parametrize("name", LARGE)
def test_stages_fit_a_column(name: str) -> None:
    svg = drawn(name, Options("stage", width=85))
    assert svg.height <= 110 * MM


@pytest.mark.parametrize("name", LARGE)
def test_blocks_fit_a_page(name: str) -> None:
    svg = drawn(name, Options("block", width=170))
    assert svg.height <= 240 * MM
    assert min(svg.sizes) >= 6
    assert svg.frames


@pytest.mark.parametrize("name", ["timm/cspdarknet53", "timm/hrnet_w18_small",
                                  "googlenet", "torchvision/inception_v3"])  # fmt: skip
def test_nothing_is_covered_where_branches_have_skips_and_heads(name: str) -> None:
    hold(drawn(name, Options("layer")))


def test_skips_of_the_last_branch_run_beside_it() -> None:
    """Those of the second branch of HRNet's second stage, which has two."""
    svg = drawn("timm/hrnet_w18_small", Options("layer"))
    outer = [
        points
        for points in svg.edges
        if len(points) == 4 and points[0][1] == points[1][1]
        if points[1][0] > points[0][0] + 1 and points[2][0] > points[3][0] + 1
    ]
    assert len(outer) >= 2


@pytest.mark.parametrize("width", [85.0, None])
def test_a_nested_u_is_the_triangle_of_its_paper(width: float | None) -> None:
    """X(i,j) reads all X(i,k) with k < j, and X(i+1,j-1) scaled up (Zhou et al. 2018,
    Fig. 1): 15 nodes, between which pooling goes down the first column."""
    svg = drawn("unet_plus_plus", Options("stage", width=width))
    hold(svg)
    # a line of the legend says what is not in the boxes
    assert width is None or svg.height <= 127 * MM
    columns = Counter(round(box[0]) for box in svg.boxes)
    # the first has input and poolings too, the last what comes after the last node
    assert [columns[x] for x in sorted(columns)] == [5 + 4 + 1, 4, 3, 2, 1 + 2]
    # to the first node, by 4 poolings, to later ones, and to the head and the output
    assert len(svg.edges) == 1 + 2 * 4 + 20 + 10 + 2


def test_towers_on_two_devices_meet_in_the_merges_of_each() -> None:
    """GPU 0 at the left, GPU 1 at the right, as far as the last concat."""
    svg = drawn("alexnet_two_gpus", Options("stage", width=85))
    hold(svg)
    assert svg.height <= 110 * MM
    found = chart("alexnet_two_gpus", "stage")
    merges = [n for n, c in enumerate(found.cells) if c.category == "merge"]
    said = [found.cells[n].details for n in merges]
    assert said == [[f"before: to gpu{n}"] for n in (0, 1, 0, 1, 0, 1, 0)]
    assert {link.kind for link in found.links} == {"main"}
    assert [sum(x.target == n for x in found.links) for n in merges] == [2] * 7


def test_all_that_crosses_to_a_merge_is_said_with_it(tmp_path: Path) -> None:
    conv = 'op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1'
    layers = f"""
        {{ name = "a", {conv}, place = "one" }},
        {{ name = "b", {conv}, place = "two" }},
        {{ name = "c", {conv}, from = "a", place = "one" }},
        {{ name = "all", op = "concat", from = ["a", "b", "c"], place = "three" }},
    """
    analysis = read_spec(tmp_path, layers)
    found = chart_of(analysis.network, analysis.facts, "stage")
    merge = next(c for c in found.cells if c.path == "all")
    assert len(merge.layers) == 4
    assert merge.details == ["before: to three"]
    text = draw(analysis.network, analysis.facts, "svg", Options("stage"))
    hold(Svg(text.decode()))


def test_numbers_are_as_long_as_a_picture_needs() -> None:
    """Depths that are multiplied out have seventeen digits."""
    titles = [
        c.title for c in chart("torchvision/efficientnet_b0", "block").all_cells()
    ]
    assert "stochastic depth 0.075…0.0875" in titles
    # and a number alone says of what it is one
    assert "4.1…2" in titles


def test_what_a_linear_layer_needs_is_said_with_it() -> None:
    cells = {c.path: c for c in chart("torchvision/vgg16", "stage").cells}
    linear = next(c for c in cells.values() if c.title.startswith("linear"))
    assert "before: flatten" in linear.details
    assert not any("flatten" in d for c in cells.values() for d in c.details
                   if c.category == "pooling")  # fmt: skip


@pytest.mark.parametrize("level", ["stage", "block", "layer", None])
@pytest.mark.parametrize("name", ["googlenet", "resnet50", "densenet121", "siamese_net",
                                  "timm/ghostnet_100"])  # fmt: skip
def test_what_does_not_fit_says_which_width_would(
    name: str, level: Level | None
) -> None:
    """What fits there was drawn, so it is true however things are arranged."""
    analysis = analysed(name)
    with pytest.raises(TooNarrow, match=r"in 12 mm .* mm would do") as raised:
        scene_of(analysis.network, analysis.facts, Options(level, width=12))
    said = re.search(r"([\d.]+) mm would", str(raised.value))
    assert said is not None
    width = float(said[1])
    scene = scene_of(analysis.network, analysis.facts, Options(level, width=width))
    assert scene.smallest_type() >= 6
    assert scene.width <= width * MM + 0.02


def test_what_is_too_high_for_a_width_asks_for_more_of_it() -> None:
    analysis = analysed("googlenet")
    options = Options("block", width=60)
    with pytest.raises(TooNarrow) as raised:
        draw(analysis.network, analysis.facts, "svg", options)
    assert raised.value.least > 60.1 * MM


def test_greys_survive_a_copier() -> None:
    colors = PALETTES["print"]
    for color in (*colors.fills.values(), colors.ink, colors.skip, *colors.heat):
        assert color[1:3] == color[3:5] == color[5:7]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
def test_tikz_compiles_by_itself(tmp_path: Path) -> None:
    analysis = analysed("googlenet")
    text = draw(analysis.network, analysis.facts, "tex", Options("stage"))
    (tmp_path / "net.tex").write_bytes(text)
    command = ["pdflatex", "-interaction=batchmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, (tmp_path / "net.log").read_text(errors="replace")


@pytest.mark.parametrize("ending", ["svg", "pdf", "png", "dot", "mmd", "tex"])
def test_each_format_is_written(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"net.{ending}"
    spec = str(SPECS / "lenet5.toml")
    result = invoke("draw", spec, "--level", "stage", "-o", str(path))
    assert result.exit_code == 0, result.output
    start = {"svg": b"<?xml", "pdf": b"%PDF", "png": b"\x89PNG", "dot": b"digraph",
             "mmd": b"---", "tex": b"% "}[ending]  # fmt: skip
    assert path.read_bytes().startswith(start)


def test_wrong_use_is_told(tmp_path: Path) -> None:
    spec = str(SPECS / "lenet5.toml")
    for arguments in (
        [spec, "-o", str(tmp_path / "x.gif")],
        [spec, "--width", "wide"],
        [spec, spec.replace("lenet5", "alexnet"), "-o", str(tmp_path / "x.svg")],
        [spec, "--style", "volumes", "--heat", "macs"],
        [spec, "--style", "volumes", "-o", str(tmp_path / "x.mmd")],
        [spec, "--heat", "macs", "-o", str(tmp_path / "x.dot")],
        [spec, "--width", "85mm", "-o", str(tmp_path / "x.dot")],
    ):
        result = invoke("draw", *arguments)
        assert result.exit_code == 2, result.output
    assert not list(tmp_path.iterdir())


def test_folded_table_is_that_of_the_paper() -> None:
    """He et al. 2015, Table 1, the column of ResNet-50; its sizes and counts."""
    analysis = analysed("resnet50")
    text = folded(analysis.network, analysis.facts)
    plain = text.replace(r"$\times$", "x")
    for size, planes, out, count in (
        ("56x56", 64, 256, 3), ("28x28", 128, 512, 4),
        ("14x14", 256, 1024, 6), ("7x7", 512, 2048, 3),
    ):  # fmt: skip
        (row,) = [x for x in plain.splitlines() if f"& {size} &" in x and "left" in x]
        lines = rf"1x1, {planes} \\ 3x3, {planes} \\ 1x1, {out}\end"
        assert lines in row and rf"\right]$ x {count} &" in row
    assert r"\label{tab:resnet50}" in text and r"\begin{table}" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
def test_folded_tables_stand_in_two_columns(tmp_path: Path) -> None:
    names = ["resnet50", "densenet121", "googlenet", "timm/hrnet_w18_small", "unet"]
    tables = ""
    for name in names:
        analysis = analysed(name)
        tables += folded(analysis.network, analysis.facts)
    (tmp_path / "net.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs}\begin{document}"
        f"\n{tables}\n\\end{{document}}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=batchmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    log = (tmp_path / "net.log").read_text(errors="replace")
    assert done.returncode == 0, log
    assert "Overfull" not in log


def test_what_archc_did_not_draw_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = str(SPECS / "lenet5.toml")
    picture = Path("lenet5.svg")

    def status(*arguments: str) -> int:
        return invoke("draw", spec, *arguments).exit_code

    assert status() == 0
    ours = picture.read_bytes()
    assert status("--level", "stage") == 0
    for theirs in (b"mine", ours.replace(b"LeNet", b"Lenet"), ours + b" "):
        picture.write_bytes(theirs)
        assert status() == status("-o", ".") == 2
        assert picture.read_bytes() == theirs
    picture.write_bytes(ours.replace(b"\n", b"\r\n"))
    assert status() == 0
    picture.write_bytes(b"mine")
    assert status("-o", "lenet5.svg") == 0
    assert picture.read_bytes() == ours


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
def test_tikz_of_a_hostile_title_compiles(tmp_path: Path) -> None:
    title = r"\\input{x} % $_^ Ünïcode 網 \n \\end{document} #1"
    spec = (SPECS / "lenet5.toml").read_text("utf-8")
    head, _, rest = spec.partition("title = ")
    text = f'{head}title = "{title}"\n{rest.partition(chr(10))[2]}'
    (tmp_path / "net.toml").write_text(text, encoding="utf-8")
    out = tmp_path / "net.tex"
    arguments = ["draw", str(tmp_path / "net.toml"), "--level", "stage", "-o", str(out)]
    result = invoke(*arguments)
    assert result.exit_code == 0, result.output
    command = ["pdflatex", "-interaction=batchmode", "-halt-on-error", "net.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, (tmp_path / "net.log").read_text(errors="replace")


def _said_of(found: Chart, path: str) -> list[str]:
    (cell,) = (cell for cell in found.all_cells() if cell.path == path)
    return [text for _, text in loops_of(cell)]


def test_loops_are_counted_for_each_of_what_a_box_stands_for() -> None:
    """Not for all repetitions of the frame that it is in, nor on average."""
    senet, ghostnet = analysed("timm/senet154"), analysed("timm/ghostnet_100")
    found = block_chart(senet.network, senet.facts, 1, alike=True)
    assert _said_of(found, "layer3.0.se") == ["mul"]
    found = stage_chart(ghostnet.network, ghostnet.facts)
    assert _said_of(found, "blocks.1") == ["add", "2 branches, concat ×2"]
    assert _said_of(found, "blocks.8")[0] == "add ×4"
    mobile = analysed("torchvision/mobilenet_v2")
    found = stage_chart(mobile.network, mobile.facts)
    assert _said_of(found, "features.2") == ["add, 1 in all"]


def test_identities_after_each_other_are_one_line(tmp_path: Path) -> None:
    """In a shortcut that pools twice in the first repetition, and else does nothing."""
    pool = '{ op = "avg_pool2d", kernel_size = 3, stride = 1, padding = 1'
    part = f'{pool}, when = "i == 0", otherwise = {{ op = "identity" }} }}'
    conv = '{ name = "c{i}", op = "conv2d", out_channels = 8, kernel_size = 1 }'
    analysis = read_spec(
        tmp_path,
        f'  {{ repeat = 3, skip = "add", shortcut = {{ layers = [{part}, {part}] }},'
        f" layers = [{conv}] }},",
    )
    found = block_chart(analysis.network, analysis.facts)
    titles = [cell.title for cell in found.all_cells()]
    assert "add" in titles
    assert "identity" not in titles
