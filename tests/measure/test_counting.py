"""Other tools' figures, to the digit: `counted.toml` holds what they printed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from archc.diagnostics.model import Sink
from archc.emit.evaluation import evaluation
from archc.measure.counting.count import TOOLS, count, counter
from archc.measure.counting.rules import MULTIPLY_ADDS
from archc.pipeline import Analysis, analyse
from archc.spec.load import Loader
from tests.command import invoke
from tests.ops import specs
from tests.ops.cases import CASES

SPECS = Path(__file__).parents[2] / "specs"
FIGURES: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "counted.toml").read_text("utf-8")
)
VERSIONS: dict[str, str] = FIGURES.pop("versions")
OF_OPS: dict[str, Any] = tomllib.loads(
    (Path(__file__).parent / "counted_ops.toml").read_text("utf-8")
)
NAMED = (
    "resnet50", "densenet121", "googlenet", "torchvision/mobilenet_v2",
    "torchvision/efficientnet_b0", "vgg16", "torchvision/shufflenet_v2_x1_0", "unet",
)  # fmt: skip


def _analysis(path: Path) -> Analysis:
    sink = Sink()
    found = analyse(path, Loader(sink), sink)
    assert found is not None
    return found


def _count(analysis: Analysis, tool: Any) -> dict[str, int]:
    network, facts = analysis.network, analysis.facts
    macs = {layer: facts.layers[layer].macs for layer in network.layers()}
    found = count(network, evaluation(network), macs, tool)
    for figure in found.figures:
        assert figure.total == sum(part.counted for part in figure.parts)
        assert figure.total == sum(layer.counted for layer in figure.layers)
    return {figure.name: figure.total for figure in found.figures}


def test_there_are_figures_of_many_networks() -> None:
    assert set(NAMED) <= FIGURES.keys()
    assert len(FIGURES) >= 25
    # what is said to have been compared is what was
    normal = {tool: version.replace("-", ".post") for tool, version in VERSIONS.items()}
    assert {tool: counter(tool).version for tool in TOOLS} == normal


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_met_to_the_digit(name: str) -> None:
    expected: dict[str, Any] = FIGURES[name]
    analysis = _analysis(SPECS / f"{name}.toml")
    found: dict[str, int] = {}
    for tool in TOOLS:
        found |= _count(analysis, tool)
    # where a tool failed, the kind of its error stands under its name
    printed = {k: v for k, v in expected.items() if isinstance(v, int)}
    assert {key: found[key] for key in printed} == printed
    assert len(printed) >= 5


def test_there_are_figures_of_all_ops() -> None:
    cases = {f"{op} {number}" for op in CASES for number in range(len(CASES[op]))}
    assert OF_OPS["ops"].keys() == cases
    assert OF_OPS["versions"] == VERSIONS


@pytest.mark.parametrize("op", CASES)
def test_figures_of_ops_are_met_to_the_digit(op: str, tmp_path: Path) -> None:
    for number, case in enumerate(CASES[op]):
        path = specs.write(tmp_path / "net.json", op, case, named=True)
        analysis, found = _analysis(path), dict[str, int]()
        for tool in TOOLS:
            found |= _count(analysis, tool)
        expected: dict[str, Any] = OF_OPS["ops"][f"{op} {number}"]
        printed = {k: v for k, v in expected.items() if isinstance(v, int)}
        assert {key: found[key] for key in printed} == printed, case


@pytest.mark.parametrize(
    ("tool", "figures"),
    [
        ("torchinfo", {"torchinfo": 4_089_238_376}),
        ("fvcore", {"fvcore": 4_111_512_576}),
        ("thop", {"thop": 4_133_742_592, "thop_modules": 4_133_742_592}),
        ("torch", {"torch": 8_178_368_512}),
        (
            "ptflops",
            {"ptflops_aten": 4_089_185_256, "ptflops_pytorch_modules": 4_132_436_968},
        ),
    ],
)
def test_torchvisions_own_resnet50(tool: str, figures: dict[str, int]) -> None:
    """As the tools print them for torchvision's module, which has nn.ReLU alone."""
    found = _count(_analysis(SPECS / "torchvision/resnet50.toml"), tool)
    assert {key: found[key] for key in figures} == figures


def test_what_differs_is_told() -> None:
    def run(*args: str) -> Any:
        return invoke("summary", str(SPECS / "lenet5.toml"), *args)

    text = run("--as", "fvcore").stdout
    assert "The two agree." in text
    text = run("--as", "torchinfo").stdout
    assert "archc counts 416,520 multiply-adds" in text
    assert "The difference is +6,518:" in text
    assert "biases, 1 for each number of the output (conv2d 6,424)" in text
    data = json.loads(run("--as", "calflops", "--format", "json").stdout)
    flops, macs = data["figures"]
    assert macs["total"] == data["macs"] == 416_520
    assert flops["for_each_multiply_add"] == 2
    same = [p["counted"] for p in flops["parts"] if p["what"] == MULTIPLY_ADDS]
    assert same == [2 * data["macs"]]
    assert {"path", "op", "counted", "macs"} == flops["layers"][0].keys()
    assert run("--as", "fvcore", "--format", "csv").exit_code == 2
    assert run("--as", "wc").exit_code == 2
