from __future__ import annotations

import inspect
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import archc

from .conftest import SPECS, TINY, Archc

RESNET = SPECS / "torchvision" / "resnet50.toml"


def test_numbers() -> None:
    network = archc.load(RESNET)
    assert network.name == "resnet50"
    assert network.params == network.params_with_heads == 25_557_032
    assert network.macs == 4_089_184_256
    assert network.receptive_field == 427
    assert network.input_shape == (3, 224, 224)
    assert network.output_shape == (1000,)
    assert network.buffers == 53_173
    assert repr(network) == (
        "<Network resnet50: 3x224x224 -> 1000, 25,557,032 parameters,"
        " 4,089,184,256 MACs>"
    )


def test_parameters_and_input(tiny: Path) -> None:
    network = archc.load(str(tiny), width="2 * 2", classes=7, input_shape=(1, 9, 9))
    assert network.parameters == {"width": 4, "classes": 7}
    assert network.input_shape == (1, 9, 9)
    assert network.output_shape == (7,)
    deeper = archc.load(RESNET, depths=(3, 4, 23, 3))
    assert deeper.params == 44_549_160


def test_the_summary_is_the_command_s(archc_cli: Archc) -> None:
    summary = archc.load(RESNET).summary()
    shown = archc_cli("summary", RESNET, "--format", "json").stdout
    assert summary.to_dict() == json.loads(shown)
    assert str(summary) + "\n" == archc_cli("summary", RESNET).stdout
    assert "<td>layer4.2.conv3</td>" in summary._repr_html_()
    assert len(repr(summary)) < 500


@pytest.fixture
def archc_cli(request: pytest.FixtureRequest) -> Archc:
    return request.getfixturevalue("archc")


def test_errors(tiny: Path) -> None:
    tiny.write_text(TINY.replace("relu", "rleu"))
    with pytest.raises(archc.SpecError) as caught:
        archc.load(tiny)
    assert [d.code for d in caught.value.diagnostics] == ["unknown-op"]
    assert "1 error\n\nerror[unknown-op]" in str(caught.value)
    assert "specs/tiny.toml:12:" in str(caught.value)
    again = pickle.loads(pickle.dumps(caught.value.args[0][0].code))
    assert again == "unknown-op"


def test_an_unknown_parameter(tiny: Path) -> None:
    with pytest.raises(archc.SpecError, match="did you mean `width`"):
        archc.load(tiny, widht=3)


def test_a_parameter_no_spec_could_hold(tiny: Path) -> None:
    with pytest.raises(TypeError, match="width"):
        archc.load(tiny, width=object())


def test_warnings_are_kept(tiny: Path) -> None:
    tiny.write_text(TINY.replace("[params]", "[params]\nunused = 1"))
    assert [d.code for d in archc.load(tiny).diagnostics] == ["unused-param"]


def test_a_library_is_no_network(tree: Path) -> None:
    path = tree / "b.toml"
    path.write_text("archc = 1\n[blocks.b]\nlayers = [{ op = 'relu' }]\n")
    with pytest.raises(ValueError, match="only holds blocks"):
        archc.load(path)


def test_source_and_pictures() -> None:
    network = archc.load(RESNET)
    assert "class " in network.source()
    assert network.dot().startswith("digraph")
    assert "<svg" in network._repr_svg_()


def test_the_live_module() -> None:
    network = archc.load(RESNET, num_classes=10)
    model = network.module()
    assert sum(p.numel() for p in model.parameters()) == network.params
    assert inspect.getsource(type(model)) in network.source()
    # made once, so that a pickle finds its class again
    assert type(network.module()) is type(model)
    assert type(pickle.loads(pickle.dumps(model.eval().fc.__class__))) is type
    assert pickle.loads(pickle.dumps(type(model))) is type(model)
    assert type(archc.load(RESNET).module()) is not type(model)


def test_without_torch_the_error_names_the_command() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"import archc; n = archc.load({str(RESNET)!r}); n.source(); n.module()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert "pip install 'archc[torch]'" in last
