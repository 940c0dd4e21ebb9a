from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torchvision")

from .conftest import Archc

NETWORK = """\
from torch import nn


def build(width: int = 4, kind: str = "relu") -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU(), nn.Conv2d(width, 2, 1))


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


broken = 3
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(NETWORK)
    return path


def test_a_network_of_ones_own(archc: Archc, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.toml"
    done = archc(
        "import",
        f"{source}:build",
        "--args",
        "width=8",
        "--input",
        "3,16,16",
        "-o",
        out,
    )
    assert done.exit_code == 0, done.output
    assert "outputs equal to the bit" in done.stderr
    assert "out_channels = 8" in out.read_text()
    assert archc("check", out).exit_code == 0


def test_without_a_file_the_spec_is_printed(archc: Archc, source: Path) -> None:
    done = archc("import", f"{source}:build", "--input", "3,16,16")
    assert done.stdout.startswith("archc = 1\n")


def test_json(archc: Archc) -> None:
    done = archc("import", "torchvision:squeezenet1_1", "--format", "json")
    found = json.loads(done.stdout)
    assert found["proof"] == {
        "state_dict": True, "outputs": "equal", "max_difference": 0.0,
        "training": "equal",
    }  # fmt: skip
    assert found["params"] == 1_235_496
    assert found["lines"] == len(found["spec"].splitlines())
    assert found["refused"] == []


def test_what_is_refused_is_not_written(
    archc: Archc, source: Path, tmp_path: Path
) -> None:
    out = tmp_path / "net.toml"
    place = f"{source}:Branching"
    done = archc("import", place, "--input", "3,8,8", "-o", out)
    assert done.exit_code == 1
    assert f"{source}:10" in done.stderr
    assert not out.exists()
    done = archc("import", place, "--input", "3,8,8", "--format", "json")
    assert json.loads(done.stdout)["refused"][0]["line"] == 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resnet50"], "is no source"),
        (["net.caffemodel"], "FILE.prototxt"),
        (["torchvision:resnet51"], "resnet50"),
        (["nowhere_at_all:build"], "cannot be imported"),
        (["FILE:broken", "--input", "3,8,8"], "broken"),
        (["FILE:missing"], "there is no `missing`"),
        (["FILE:build"], "--input"),
        (["FILE:build", "--args", "colour=1", "--input", "3,8,8"], "colour"),
        (["FILE:build", "--args", "width"], "KEY=VALUE"),
        (["FILE:build", "--input", "y=3,8,8"], "no 'y'"),
    ],
)
def test_wrong_use(archc: Archc, source: Path, arguments: list[str], said: str) -> None:
    given = [argument.replace("FILE", str(source)) for argument in arguments]
    done = archc("import", *given)
    assert done.exit_code == 2, done.output
    assert said in done.stderr


PROTOTXT = """\
name: "Small"
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
layer { name: "a/conv" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 4 kernel_size: 3 } }
layer { name: "prob" type: "Softmax" bottom: "c" top: "prob" }
"""


def test_a_file_of_caffe(archc: Archc, tmp_path: Path) -> None:
    file, out = tmp_path / "small.prototxt", tmp_path / "small.toml"
    file.write_text(PROTOTXT)
    done = archc("import", file, "-o", out)
    assert done.exit_code == 0, done.output
    assert "112 parameters, 3,888 multiply-adds" in done.stderr
    assert "a/conv is a.conv" in done.stderr
    assert "`prob`" in done.stderr
    assert archc("check", out).exit_code == 0
    found = json.loads(archc("import", file, "--format", "json").stdout)
    assert found["names"] == {"a/conv": "a.conv"}
    assert found["proof"]["outputs"] == "not run"
    assert archc("import", file, "--args", "a=1").exit_code == 2
    assert archc("import", tmp_path / "none.prototxt").exit_code == 2
    out.unlink()
    file.write_text(PROTOTXT.replace("Convolution", "Warp"))
    done = archc("import", file, "-o", out)
    assert done.exit_code == 1
    assert f"{file}:3" in done.stderr
    assert not out.exists()
