"""`archc sweep`: held to networks that are loaded one by one, and to a slow front."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import archc
from archc.design.ranges import RangeError, given, read
from archc.design.sweep import Sweep
from archc.design.variants import Step, Variants
from archc.diagnostics.model import Sink
from archc.emit.execution import Executions, execution
from archc.measure.depth import depth
from archc.measure.memory import footprint
from archc.pipeline import analyse, analyse_variant
from archc.spec.load import Loader
from archc.spec.variant import with_params
from tests.command import invoke

SPECS = Path(__file__).parents[2] / "specs"
NET = """\
archc = 1
name = "net"
[params]
width = 16       # of the first stage
act = "'relu'"
blocks = [1, 2]
[network]
input = [3, 32, 32]
layers = [
  { name = "stem", op = "conv2d", out_channels = "width", kernel_size = 3 },
  { repeat = "len(blocks)", index = "s", layers = [
    { repeat = "blocks[s]", layers = [
      { name = "conv{s}_{i}", block = "conv", width = "width * 2 ** s" },
    ] },
    { op = "max_pool2d", kernel_size = 2 },
  ] },
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 10 },
]
[blocks.conv]
params = ["width"]
layers = [{ op = "conv2d", out_channels = "width", kernel_size = 3, groups = 4 }]
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(NET.replace("act = \"'relu'\"\n", ""), "utf-8")
    return path


def _run(*args: Any) -> Any:
    return invoke("sweep", *args)


def variants(path: Path, *ranges: str) -> Variants:
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None
    return Variants(analysis.network.spec, list(map(read, ranges)))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("w=16:64:16", [16, 32, 48, 64]),
        ("w=16:63:16", [16, 32, 48]),
        ("w = 3:1:-1", [3, 2, 1]),
        ("w=1:3", [1, 2, 3]),
        ("w=0.5:1.5:0.25", [0.5, 0.75, 1.0, 1.25, 1.5]),
        ("w=1e2:3e2:1e2", [100, 200, 300]),
        ("w=0.1:0.3:0.1", [0.1, 0.2, 0.3]),
        ("w=[[1, 2], [3]]", [[1, 2], [3]]),
        ("w=[8, 16, 8]", [8, 16]),
        ("w=[true, 1, 1.0]", [True, 1, 1.0]),
    ],
)
def test_ranges(text: str, values: list[Any]) -> None:
    found = list(read(text).values)
    assert list(map(repr, found)) == list(map(repr, values))


@pytest.mark.parametrize(
    "text",
    ["w", "w=", "w=16", "w=1:2:0", "w=2:1", "w=[]", "w=1:2:3:4", "=1:2",
     "w=[1979-05-27]", "w={a=1}", "1w=1:2", "w=0:1:1e-9", "w[x]=1:2",
     "w=[1]\nx=2", "w=1_:2"],
)  # fmt: skip
def test_what_is_no_range(text: str, net: Path) -> None:
    with pytest.raises(RangeError):
        read(text)
    assert _run(net, "--vary", text).exit_code == 2


def test_a_sweep_is_what_loading_gives(net: Path) -> None:
    """The short way of a variant against the long one: read, parse, elaborate."""
    table = archc.sweep(net, vary={"width": [8, 12, 16], "blocks[1]": range(1, 4)})
    assert len(table.rows) == 9
    for row in table.rows:
        width, count = row.variant.values.values()
        other = archc.load(net, width=width, blocks=[1, count])
        assert row.variant.params == other.params
        assert row.variant.macs == other.macs
        assert row.variant.receptive_field == other.receptive_field
        assert row.variant.depth == 1 + 1 + count + 1


@pytest.mark.parametrize("name", ["googlenet", "cifar/densenet_bc100", "lenet5"])
def test_memory_of_variants_is_that_of_the_network(name: str) -> None:
    """One way through the module serves all variants that are wired alike."""
    path = SPECS / f"{name}.toml"
    found = variants(path, "num_classes=[7, 10, 300]")
    for value in (7, 10, 300):
        sink = Sink()
        spec = with_params(found.spec, {"num_classes": value}, sink)
        analysis, _ = found.analysis({"num_classes": value})
        assert spec is not None and analysis is not None
        network = analysis.network
        fresh = footprint(network, execution(network), optimizer="adam")
        memory = found.memory({"num_classes": value}, Step(8, "adam"))
        assert memory == fresh.at(8).peak.total


@pytest.mark.parametrize(
    ("name", "layers"),
    [("resnet50", 50), ("resnet18", 18), ("vgg16", 16), ("densenet121", 121),
     ("googlenet", 22), ("lenet5", 5), ("torchvision/resnet101", 101)],
)  # fmt: skip
def test_depth_is_the_number_in_the_name(name: str, layers: int) -> None:
    """Of GoogLeNet the paper says 22 layers (Szegedy et al. 2015, section 5)."""
    sink = Sink()
    analysis = analyse(SPECS / f"{name}.toml", Loader(sink), sink)
    assert analysis is not None
    assert depth(analysis.network) == layers


def test_forms_agree(net: Path, tmp_path: Path) -> None:
    args = (net, "--vary", "width=14:20:2", "--batch", 4, "--optimizer", "adam")
    data = json.loads(_run(*args, "--format", "json").stdout)
    rows = list(csv.DictReader(StringIO(_run(*args, "--format", "csv").stdout)))
    text = _run(*args).stdout
    assert data["memory"] == {
        "batch": 4, "optimizer": "adam", "precision": "fp32", "device": "cuda",
    }  # fmt: skip
    assert [v["values"]["width"] for v in data["variants"]] == [14, 16, 18, 20]
    for row, variant in zip(rows, data["variants"], strict=True):
        if "problem" in variant:
            assert row["problem"] == variant["problem"]
            assert variant["problem"] in text
            continue
        for key in ("params", "macs", "receptive_field", "depth", "memory"):
            assert int(row[key]) == variant[key]
        assert f"{variant['params']:,}" in text
    assert "problem" in data["variants"][0]  # 14 channels are not 4 groups
    picture = tmp_path / "x.svg"
    assert _run(*args, "--plot", picture).exit_code == 0
    svg = ElementTree.fromstring(picture.read_text("utf-8"))
    dots = svg.findall("{http://www.w3.org/2000/svg}circle")
    assert len(dots) == sum("problem" not in v for v in data["variants"])


def test_the_front_is_what_nothing_beats() -> None:
    table = archc.sweep(
        SPECS / "cifar/resnet20.toml", vary={"num_classes": [10, 20, 10_000]}
    )
    deep = archc.sweep(
        SPECS / "resnet50.toml", vary={"depths[0]": range(1, 4), "depths[2]": [1, 5, 6]}
    )
    for found, x, y in ((table, "macs", "params"), (deep, "params", "receptive_field")):
        front = {id(row) for row in found.front(x, y)}
        for row in found.rows:
            a, b = _point(row, x, y)
            beaten = any(
                p <= a and q >= b and (p, q) != (a, b)
                for p, q in (_point(other, x, y) for other in found.rows)
            )
            assert (id(row) in front) is not beaten


def _point(row: Any, x: str, y: str) -> tuple[float, float]:
    return row.number(x), row.number(y)


def test_values_may_be_words(tmp_path: Path) -> None:
    """A spec is parsed anew for text, which may be a word that nothing asks for."""
    path = tmp_path / "n.toml"
    choice = "\"10 if act == 'relu' else 9 if act == 'elu' else 8\""
    path.write_text(NET.replace("out_features = 10", f"out_features = {choice}"))
    table = archc.sweep(path, vary={"act": ["'elu'", "'relu'", "'gelu'"]})
    first, second, third = (row.variant for row in table.rows)
    assert second.params - first.params == 33  # of one output: 32 weights and a bias
    assert third.problem is not None and "gelu" in third.problem


def test_wrong_use_is_said(net: Path, tmp_path: Path) -> None:
    for args, said in (
        (("--vary", "widht=1:3"), "did you mean `width`"),
        (("--vary", "width=1:3", "--vary", "width=[5]"), "varied twice"),
        (("--vary", "blocks=[[1]]", "--vary", "blocks[0]=[5]"), "varied twice"),
        (("--vary", "blocks[2]=1:3"), "has no blocks[2]"),
        (("--vary", "width[0]=1:3"), "has no width[0]"),
        (("--vary", "width=1:1000000"), "a table may have"),
        (("--vary", "width=8:16:8", "--axes", "macs"), "is not X,Y"),
        (("--vary", "width=8:16:8", "--axes", "macs,params"), "are those of --plot"),
        (("--vary", "width=8:16:8", "--plot", tmp_path / "x.png"), "must end in .svg"),
        (
            ("--vary", "width=8:16:8", "--plot", tmp_path / "x.svg", "--axes", "a,b"),
            "there is no column",
        ),
    ):
        result = _run(net, *args)
        assert (result.exit_code, said in result.stderr) == (2, True), result.output
    assert not list(tmp_path.glob("x.*"))
    assert _run(net, "--vary", "width=[13, 0, -4]").exit_code == 1


def test_hostile_values_are_shown_and_never_done(net: Path) -> None:
    table = archc.sweep(
        net, vary={"width": [8, "</text><script>\x1b[2J", "=1+1", 1e300, -0.0]}
    )
    assert isinstance(table, Sweep)
    assert "\x1b" not in str(table) + table.to_csv() + table.to_json()
    assert "<script>" not in table.to_svg()
    assert ",=1" not in table.to_csv() and "\n=1" not in table.to_csv()
    with pytest.raises(RangeError):
        given("width", [float, None])
    with pytest.raises(RangeError):
        table.to_svg("width", "nothing")


def test_with_params_says_what_is_unknown(net: Path) -> None:
    spec, sink = variants(net, "width=[8]").spec, Sink()
    assert with_params(spec, {"depth": 3}, sink) is None
    assert [d.code for d in sink] == ["unknown-param"]


def test_variants_run_one_module_with_other_arguments() -> None:
    sink = Sink()
    found = analyse(SPECS / "densenet121.toml", Loader(sink), sink)
    assert found is not None
    network = found.network
    known = Executions()
    known.of(network)
    for params in ({"depths": [1, 2, 3, 1]}, {"growth_rate": 12}, {"bn_size": 1}):
        variant = analyse_variant(network.spec, params, Sink())
        assert variant is not None
        assert known.of(variant.network) == execution(variant.network), params
