# ruff: noqa: E501 - lines of generated code stand as they are
"""A module that does what its network says agrees; one that was changed does not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from archc.emit.digest import signed, unsigned
from tests.command import invoke

ROOT = Path(__file__).parents[2]


def run(*arguments: str) -> Result:
    return invoke("verify", *arguments)


def test_every_network_agrees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = run("specs")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()[1:]
    assert len(lines) > 60
    assert all(line.endswith("agrees") for line in lines)
    # Table 1 of He et al. 2015, with the stride in the first 1x1
    (row,) = [line for line in lines if line.startswith("specs/resnet50.toml ")]
    assert "generated/resnet50.py" in row and "3,857,973,248" in row


def broken(tmp_path: Path, spec: str, *edits: tuple[str, str]) -> Result:
    """What is said of a spec's committed module after edits by hand."""
    source = ROOT / "generated" / f"{spec}.py"
    text = source.read_text()
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    (tmp_path / source.name).write_text(text)
    return run(str(ROOT / "specs" / f"{spec}.toml"), "-o", str(tmp_path))


RESIDUAL = "x = x + self.downsample(identity)"
RELU = "x = F.relu(x, inplace=True)"

BROKEN: dict[str, tuple[str, list[tuple[str, str]], str]] = {
    "wrong stride": (
        "torchvision/resnet50",
        [("kernel_size=3,\n            stride=stride", "kernel_size=3,\n            stride=1")],
        "layer2.0.conv2: conv2d has stride 1 instead of 2",
    ),
    "wrong stride that still fits": (
        "cifar/resnet20",
        [("32, n, stride=2", "32, n, stride=4")],
        "stage2.0.conv1: conv2d has stride 4 instead of 2",
    ),
    "missing skip": (
        "torchvision/resnet18",
        [(RESIDUAL, "x = x + 0 * self.downsample(identity)")],
        "layer1.0.add",
    ),
    "no skip at all": ("torchvision/resnet18", [(RESIDUAL, "")], "layer1.0.add"),
    "the skip leaves from elsewhere": (
        "torchvision/resnet18",
        [("        identity = x\n        x = self.conv1(x)\n", "        x = self.conv1(x)\n        identity = x\n")],
        "layer1.0",
    ),
    "dead branch": (
        "googlenet",
        [("self.branch3(x), self.branch4(x)]", "self.branch2(x), self.branch4(x)]")],
        "inception3a",
    ),
    "branches in another order": (
        "d2l/googlenet",
        [("torch.cat([b1, b2, b3, b4], dim=1)", "torch.cat([b2, b1, b3, b4], dim=1)")],
        "net.b3.0",
    ),
    "detached head": (
        "googlenet",
        [("self.aux1(x)", "self.aux1(x.detach())")],
        "aux1.avgpool",
    ),
    "head elsewhere": (
        "torchvision/googlenet",
        [("aux1 = self.aux1(x)", "inception4a = x\n        aux1 = self.aux1(x)"),
         ("self.aux2(x)", "self.aux2(inception4a)")],
        "forward fails",
    ),
    "head left out": (
        "googlenet",
        [("return GoogLeNetOutputs(x, aux1, aux2)", "return x")],
        "",
    ),
    "another loss weight": (
        "googlenet",
        [('{"aux1": 0.3, "aux2": 0.3}', '{"aux1": 0.3, "aux2": 0.4}')],
        "loss_weights",
    ),
    "activation left out": ("alexnet", [(RELU, "")], "relu"),
    "another activation": (
        "lenet5", [("torch.tanh(x)", "torch.sigmoid(x)")], "tanh"
    ),
    "another dropout": (
        "alexnet", [("p=self.dropout", "p=0.4")], "dropout"
    ),
    "another normalisation": (
        "alexnet",
        [("alpha=0.0005", "alpha=0.0001")],
        "norm1: local_response_norm has alpha 0.0001 instead of 0.0005",
    ),
    "another epsilon": (
        "torchvision/googlenet",
        [("eps=0.001", "eps=0.01")],
        "conv1.bn: batch_norm has eps 0.01 instead of 0.001",
    ),
    "groups": (
        "alexnet",
        [("self.conv2 = nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=groups)",
          "self.conv2 = nn.Conv2d(96, 256, kernel_size=5, padding=2)")],
        "conv2.weight: is 256x96x5x5 instead of 256x48x5x5",
    ),
    "another name": (
        "lenet5",
        [("self.c1 = ", "self.conv1 = "), ("self.c1(x)", "self.conv1(x)")],
        "c1.weight: the module has no such tensor",
    ),
    "a parameter too many": (
        "lenet5",
        [("self.c1 = ", "self.extra = nn.Linear(2, 2)\n        self.c1 = ")],
        "extra.",
    ),
    "a layer used twice": (
        "vgg16",
        [("x = self.features(x)  # 512 x 7 x 7", "x = self.features(x)\n        x = F.relu(x)"),
         ("import torch\n", "import torch\nimport torch.nn.functional as F\n")],
        "flatten",
    ),
    "no Python": ("lenet5", [("def forward", "def forward(")], "SyntaxError"),
    "an error when it is built": (
        "lenet5", [("super().__init__()", "super().__init__(1)")], "TypeError"
    ),
    "an error in forward": (
        "lenet5",
        [("x = self.s4(x)", "x = self.s4(x, x, x)")],
        "s4: forward fails: TypeError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_module_that_was_broken_by_hand(case: str, tmp_path: Path) -> None:
    spec, edits, said = BROKEN[case]
    done = broken(tmp_path, spec, *edits)
    assert done.exit_code == 1, done.output
    (row,) = [r for r in done.output.splitlines() if r.endswith("DISAGREES")]
    assert "0" not in row.split()  # what was not reached is not counted
    assert said in done.output.splitlines()[-1]
    assert "Traceback" not in done.output


def test_a_digest_proves_nothing(tmp_path: Path) -> None:
    """A broken module that carries the digest of what it is now."""
    text = (ROOT / "generated" / "lenet5.py").read_text()
    assert "torch.tanh(x)" in text
    source = signed(unsigned(text.replace("torch.tanh(x)", "torch.sigmoid(x)", 1)))
    (tmp_path / "lenet5.py").write_text(source)
    done = run(str(ROOT / "specs" / "lenet5.toml"), "-o", str(tmp_path))
    assert done.exit_code == 1
    assert "DISAGREES" in done.output
    assert "older than the spec" in done.stderr


SAME: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "a module in place of a function": (
        "lenet5",
        [("x = torch.tanh(x)", "x = nn.Tanh()(x)")],
    ),
    "not in place": ("torchvision/resnet18", [(RELU, "x = torch.relu(x)")]),
    "another order of the sum": (
        "torchvision/resnet18",
        [(RESIDUAL, "x = self.downsample(identity).add(x)")],
    ),
    "in another order": (
        "d2l/googlenet",
        [("        b1 = self.b1_1(x)\n        b1 = F.relu(b1, inplace=True)\n", ""),
         ("        return torch.cat", "        b1 = F.relu(self.b1_1(x))\n        return torch.cat")],
    ),
    "flatten as a method": ("lenet5", [("torch.flatten(x, 1)", "x.flatten(start_dim=1)")]),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_what_is_only_written_otherwise_agrees(case: str, tmp_path: Path) -> None:
    spec, edits = SAME[case]
    done = broken(tmp_path, spec, *edits)
    assert done.exit_code == 0, done.output


def test_a_module_without_all(tmp_path: Path) -> None:
    """The class is found by its structure, whatever else there is."""
    source = (ROOT / "generated" / "resnet18.py").read_text()
    start, end = source.index("__all__"), source.index("]\n") + 2
    others = "\n\nclass Zero(nn.Module):\n    pass\n"
    for text in (
        source[:start] + source[end:] + others,
        source[:start]
        + '__all__ = ["BasicBlock", "Zero", "ResNet"]\n'
        + source[end:]
        + others,
    ):
        (tmp_path / "resnet18.py").write_text(text)
        done = run(str(ROOT / "specs" / "resnet18.toml"), "-o", str(tmp_path))
        assert done.exit_code == 0, done.output
        assert "older" not in done.stderr


def test_a_module_without_a_class(tmp_path: Path) -> None:
    (tmp_path / "lenet5.py").write_text("x = 1\n")
    done = run(str(ROOT / "specs" / "lenet5.toml"), "-o", str(tmp_path))
    assert done.exit_code == 1
    assert "there is no nn.Module in it" in done.output


def test_a_module_that_is_older_than_its_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("specs", "generated"):
        Path(folder).mkdir()
    spec = (ROOT / "specs" / "lenet5.toml").read_text()
    Path("specs/lenet5.toml").write_text(spec.replace("LeNet-5", "LeNet five"))
    old = (ROOT / "generated" / "lenet5.py").read_text()
    for text in (old, old.replace("torch.tanh", "F.tanh", 1)):
        Path("generated/lenet5.py").write_text(text)
        done = run("specs/lenet5.toml")
        assert "generated/lenet5.py is older than the spec" in done.stderr


def test_other_numbers_are_written_anew(tmp_path: Path) -> None:
    shutil.copy(ROOT / "specs" / "lenet5.toml", tmp_path)
    done = run(str(tmp_path / "lenet5.toml"), "--set", "num_classes=7")
    assert done.exit_code == 0, done.output
    assert "written anew" in done.output


def test_errors_in_a_spec(tmp_path: Path) -> None:
    spec = tmp_path / "bad.toml"
    spec.write_text('archc = 1\nname = "bad"\n')
    done = run(str(spec))
    assert done.exit_code == 1
    assert "error[" in done.output


def test_modules_that_end_their_process(tmp_path: Path) -> None:
    """Nobody waits for them, and the others are verified."""
    for name in ("one", "two", "three"):
        body = {"input": [3, 8, 8], "layers": [{"op": "relu"}]}
        spec = {"archc": 1, "name": name, "network": body}
        (tmp_path / f"{name}.json").write_text(json.dumps(spec))
    (tmp_path / "two.py").write_text("import os\nos._exit(0)\n")
    done = subprocess.run(
        [sys.executable, "-m", "archc", "verify", *tmp_path.glob("*.json"), "-o", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == (1 if sys.platform == "linux" else 0)
    if sys.platform == "linux":
        assert "its code ends the process that runs it" in done.stdout
        assert done.stdout.count("agrees") == 2
    alone = [sys.executable, "-m", "archc", "verify", "two.json", "-o", "."]
    done = subprocess.run(alone, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == (1 if sys.platform == "linux" else 0)


def test_without_torch() -> None:
    hide = (
        "import sys; sys.modules['torch'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'torch' else find(n, *a)\n"
        "from archc.__main__ import run; sys.argv = ['archc', 'verify', 'lenet5']; run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "pip install" in done.stderr
