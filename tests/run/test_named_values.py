"""Networks with several inputs and outputs, verified and smoke-tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

import archc
from tests.command import invoke

SPEC = """
archc = 1
name = "rgbd"

[network]
inputs = { image = [3, 16, 16], depth = [1, 8, 8] }
layers = [
  { name = "color", op = "conv2d", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { name = "shape", from = "depth", op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "sum", op = "add", from = ["color", "shape"] },
  { op = "relu" },
  { name = "maps", op = "conv2d", out_channels = 8, kernel_size = 1 },
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 8 },
]
outputs = { maps = "maps", scores = "prev" }

[[heads]]
name = "aux"
from = "color"
op = "conv2d"
out_channels = 8
kernel_size = 1
loss_weight = 0.3
"""  # noqa: E501


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "rgbd.toml"
    path.write_text(SPEC)
    return path


def run(*arguments: str) -> Result:
    return invoke(*arguments)


def test_the_module_agrees(spec: Path) -> None:
    done = run("verify", str(spec))
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("image: Tensor, depth: Tensor", "depth: Tensor, image: Tensor"),
        ("RgbdOutputs(maps, x, aux)", "RgbdOutputs(x, maps, aux)"),
        ("if self.training:\n            aux", "if True:\n            aux"),
        ("    maps: Tensor\n    scores", "    map: Tensor\n    scores"),
        ("return RgbdOutputs(maps, x, aux)", "return (maps, x, aux)"),
        ("self.shape(depth)", "self.shape(depth.add_(1))"),
    ],
)
def test_what_was_changed_is_found(spec: Path, old: str, new: str) -> None:
    assert run("compile", str(spec)).exit_code == 0
    module = Path("generated/rgbd.py")
    text = module.read_text()
    assert old in text, text
    module.write_text(text.replace(old, new))
    done = run("verify", str(spec))
    assert done.exit_code == 1, done.output


def test_all_outputs_learn(spec: Path) -> None:
    done = run("smoke", str(spec), "--device", "cpu")
    assert done.exit_code == 0, done.output


def test_train_says_why_not(spec: Path) -> None:
    done = run("train", str(spec), "--data", "digits")
    assert done.exit_code == 2
    assert "returns maps, scores by name" in done.output


def test_an_input_is_overridden_by_its_name(spec: Path) -> None:
    other = archc.load(spec, input_shape={"depth": (1, 16, 16), "image": (3, 32, 32)})
    assert other.input_shapes == {"image": (3, 32, 32), "depth": (1, 16, 16)}
    assert other.output_shapes == {"maps": (8, 16, 16), "scores": (8,)}
    done = run("summary", str(spec), "--input", "dept=1,8,8")
    assert done.exit_code == 1
    assert "did you mean `depth`?" in done.output
