"""The validator: it agrees with what is right, and finds what is not.

What is right is what torch runs: every committed module, and those that other tests
hold to torch. What is not are modules that were once emitted, and small changes to
modules, of which torch says whether they change anything.
"""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_text
from archc.emit.tree import SELF
from archc.emit.validate import Disagreement, validate
from archc.ops.code import Attribute, ClassName, Global, Local
from archc.ops.dropout.stochastic_depth import StochasticDepth
from archc.pipeline import Analysis, analyse
from archc.spec.expressions import Const, Name
from archc.spec.load import Loader
from tests.emit import live
from tests.emit.holding import hold
from tests.emit.mutants import mutants
from tests.emit.reading import read

HERE = Path(__file__).parent
SPECS = sorted((live.ROOT / "specs").rglob("*.toml"))
WRONG = sorted((HERE / "wrong").glob("*.toml"))
CASES = sorted((HERE / "cases").glob("*.toml"))
MUTATED = [
    *CASES,
    *(live.ROOT / "tests/family" / f"{n}.toml" for n in ("lenet", "nin")),
]
MUTANTS = 40
"""Of each network, drawn anew each time; where many are harmless, up to three times as
many, until a third of this number is caught."""


def analysed(path: Path) -> Analysis | None:
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert not sink.failed, render_text(sink)
    return analysis


def disagreements(analysis: Analysis, source: str) -> list[Disagreement]:
    return validate(read(source), analysis.network)


@pytest.mark.parametrize("spec", SPECS, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_agrees_with_every_committed_module(spec: Path) -> None:
    analysis = analysed(spec)
    if analysis is None:
        pytest.skip("it only holds blocks")
    folder = live.ROOT / "generated" / spec.parent.relative_to(live.ROOT / "specs")
    source = (folder / f"{analysis.network.name}.py").read_text()
    assert disagreements(analysis, source) == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_agrees_with_what_torch_agrees_with(path: Path) -> None:
    assert disagreements(*live.compiled(path)) == []


@pytest.mark.parametrize("spec", WRONG, ids=lambda path: path.stem)
def test_finds_what_was_once_emitted_wrongly(spec: Path) -> None:
    analysis = analysed(spec)
    assert analysis is not None
    assert disagreements(analysis, spec.with_suffix(".txt").read_text())


@pytest.mark.parametrize("path", MUTATED, ids=lambda path: path.stem)
def test_finds_every_mutant_that_torch_finds(path: Path) -> None:
    analysis, source = live.compiled(path)
    seed = Random().randrange(2**32)
    print(f"seed {seed}")
    caught = drawn = 0
    for what, text in mutants(source, Random(seed), 3 * MUTANTS):
        if drawn >= MUTANTS and caught > MUTANTS // 3:
            break
        drawn += 1
        if disagreements(analysis, text):
            caught += 1
            continue
        try:
            hold(analysis, text, inside=False)
        except Exception as error:
            raise AssertionError(f"not found: {what}") from error
    assert caught > min(drawn, MUTANTS) // 3


NETWORK = """
archc = 1
name = "net"
[params]
w = 4
[network]
input = [3, 8, 8]
layers = [
  { name = "stem", op = "conv2d", kernel_size = 3, padding = 1, out_channels = "w" },
  { op = "relu" },
  { name = "scale", op = "layer_scale" },
  { name = "norm", op = "batch_norm2d" },
  { op = "channel_slice", stop = 2 },
  { op = "relu" },
  { op = "permute", dims = [0, 2, 3, 1] },
  { name = "drop", op = "stochastic_depth", p = 0.25 },
  { name = "fc", op = "linear", out_features = 5 },
]
[[heads]]
name = "aux"
from = "norm"
loss_weight = 0.5
op = "conv2d"
out_channels = 2
kernel_size = 1
[init]
conv2d = { weight = "kaiming_normal_", bias = 0 }
"""
MODULE = """
from typing import ClassVar, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Net", "NetOutputs"]


HELPER

class NetOutputs(NamedTuple):
    output: Tensor
    aux: Tensor


class Net(nn.Module):
    loss_weights: ClassVar[dict[str, float]] = {"aux": 0.5}

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, kernel_size=3, padding=1)
        self.scale = nn.Parameter(torch.full((width, 1, 1), 1e-06))
        self.norm = nn.BatchNorm2d(width)
        self.drop = StochasticDepth(0.25)
        self.fc = nn.Linear(2, 5)
        self.aux = nn.Conv2d(width, 2, kernel_size=1)
        self._initialize_weights()

    def forward(self, x: Tensor) -> Tensor | NetOutputs:
        x = self.stem(x)
        x = F.relu(x, inplace=True)
        x = x * self.scale
        norm = self.norm(x)
        x = norm[:, :2]
        x = F.relu(x)
        x = x.permute(0, 2, 3, 1)
        x = self.drop(x)
        x = self.fc(x)
        if self.training:
            return NetOutputs(x, self.aux(norm))
        return x

    def _initialize_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)
""".replace("HELPER", StochasticDepth.helper or "")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    path = tmp_path_factory.mktemp("validate") / "net.toml"
    path.write_text(NETWORK)
    analysis = analysed(path)
    assert analysis is not None
    return analysis


def edited(old: str, new: str) -> str:
    """The module with a change; `old` stands in it once, or is a name."""
    assert old in MODULE
    return MODULE.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("width = 4", "width = 4"),
        ("kernel_size=3, padding=1", "padding=1, stride=1, kernel_size=3, bias=True"),
        ("nn.BatchNorm2d(width)", "nn.BatchNorm2d(width, eps=1e-05, momentum=0.1)"),
        ("StochasticDepth(0.25)", 'StochasticDepth(0.25, mode="row")'),
        ("x * self.scale", "self.scale * x"),
        ("norm[:, :2]", "norm[:, 0:2]"),
        ("norm[:, :2]", "norm[:, : norm.shape[1] // 2]"),
        ("F.relu(x, inplace=True)", "F.relu(x)"),
        ("F.relu(x, inplace=True)", "nn.ReLU()(x)"),
        ("(width, 1, 1)", "[width, 1, 1]"),
        ("nn.Conv2d):", "nn.Conv2d | nn.ReLU):"),
    ],
)
def test_the_same_said_otherwise(network: Analysis, old: str, new: str) -> None:
    if old == new:
        assert disagreements(network, MODULE) == []
        hold(network, MODULE)
        return
    assert disagreements(network, edited(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"aux": 0.5', '"aux": 0.25', "loss_weights"),
        ("    aux: Tensor", "    _aux: Tensor", "starts with _"),
        ("    output: Tensor\n    aux", "    aux: Tensor\n    output", "heads"),
        ("NetOutputs", "Tensor", "the class `Tensor` hides"),
        ("self.fc", "self.half", "`half` hides"),
        ("self.fc", "self.__fc", "mangles"),
        ("self.fc", "self.loss_weights", "`loss_weights` hides"),
        ("x = F.relu(x)", "x = F.relu(x, inplace=True)", "has overwritten"),
        ("        self._initialize_weights()\n", "", "is started with nothing"),
        ("nn.init.zeros_", "nn.init.ones_", "is started with nn.init.ones_()"),
        ("(module.weight)", '(module.weight, mode="fan_out")', "is started with"),
        ("(module, nn.Conv2d)", "(module, nn.Linear)", "is started with"),
        (StochasticDepth.helper, "", "`StochasticDepth`"),
        ("        self.drop", "        self.norm = None\n        self.drop", "twice"),
        ("self.norm = ", "self.other = self.scale\n        self.norm = ", "the same"),
        ("import torch\n", "", "`torch` is used, and not imported"),
        ("mask = x.new_empty(", "mask = math.new_(", "`math` is used, and not"),
        ("width: int = 4", "width: int = 5", "nn.Conv2d(3, 5, kernel_size=3"),
        ("kernel_size=3", "kernel_size=3.0", "no whole number"),
        ("        super().__init__()\n", "", "before `super().__init__()`"),
        ("nn.Linear(2, 5)", "nn.Linear(2, 5, bias=1)", "fc"),
        ("StochasticDepth(0.25)", 'StochasticDepth(0.25, mode="batch")', "drop"),
        ("if self.training", "if not self.training", "the output in evaluation"),
        ("0, 2, 3, 1", "0, 3, 2, 1", "permute"),
        ("norm[:, :2]", "norm[:, 1:3]", "slice"),
        ("norm[:, :2]", "norm[:, :, :2]", "slice"),
        ("self.aux(norm)", "self.aux(x)", "`aux` reads `fc`; in the network it reads"),
        ("NetOutputs(x, self.aux(norm))", "x", "not a NamedTuple"),
        ("x = self.stem(x)", "self.stem(x)\n        x = self.stem(x)", "run 2 times"),
        ("        x = self.drop(x)\n", "", "`fc` reads"),
        ("self.fc = ", "self.extra = nn.Linear(2, 5)\n        self.fc = ", "no such"),
        ("self.fc = ", "self.extra = nn.LSTM(2, 5)\n        self.fc = ", "no such"),
        ("(width, 1, 1)", "(1, width, 1)", "torch.full"),
        ("return x\n\n    def _", "return y\n\n    def _", "`y` is used"),
        ("x = self.stem(x)", "y = self.stem(y)", "`y` is read before"),
        ("self.fc(x)", "self.fc.weight(x)", "cannot be followed"),
        ("x = self.fc(x)", "while_ = 1 // 0", "cannot be followed: ZeroDivision"),
    ],
)
def test_what_is_wrong_is_said(
    network: Analysis, old: str, new: str, said: str
) -> None:
    found = disagreements(network, edited(old, new))
    assert any(said in d.message or said == d.path for d in found), found


def exchanged(part: Any, old: Any, new: Any) -> Any:
    """A tree with another node in the place of one."""
    if part == old:
        return new
    if isinstance(part, tuple):
        return tuple(exchanged(p, old, new) for p in part)
    if not is_dataclass(part) or isinstance(part, type):
        return part
    values = {f.name: getattr(part, f.name) for f in fields(part)}
    return type(part)(**{k: exchanged(v, old, new) for k, v in values.items()})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (Local("norm"), Local("F"), "the variable `F` in `forward` of `Net` hides"),
        (Local("norm"), Local("class"), "'class', which is no name in Python"),
        (Local("width"), Local("__width"), "which Python mangles"),
        (Local("norm"), Local("self"), "assigns to self"),
        (ClassName("NetOutputs"), ClassName("nn"), "the class `nn` hides"),
        (ClassName("NetOutputs"), ClassName("Net"), "two classes are called `Net`"),
        (
            Attribute(SELF, "fc"),
            Attribute(SELF, "\ufb01"),
            "the module has nothing here",
        ),
        (Attribute(SELF, "fc"), Attribute(SELF, "\uff46c"), ""),
        (Local("norm"), Local("\uff58"), "in the network it reads `norm`"),
        (Const(0.25), Const(Const(0.25)), "the constant Const"),  # type: ignore
        (Attribute(SELF, "fc"), Attribute(SELF, "0"), "'0', which is no name"),
        (ClassName("Net"), ClassName("__all__"), "a class is called `__all__`"),
        (ClassName("Net"), ClassName("\uff2eet"), "is `Net` to Python, not in __all__"),
        (Global("nn.Linear"), Name("Linear"), "an expression of the kind Name"),
        (Local("norm"), Local("norm#3"), ""),
    ],
)
def test_names_that_hide(network: Analysis, old: Any, new: Any, said: str) -> None:
    found = validate(exchanged(read(MODULE), old, new), network.network)
    if said:
        assert any(said in d.message for d in found), found
    else:
        assert found == []


IN_PLACE = """
import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Net"]


class Net(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        {}
"""


@pytest.mark.parametrize(
    ("layers", "body", "said"),
    [
        (["sigmoid", "relu"], "F.relu(torch.sigmoid(x), inplace=True)", "backward"),
        (["relu"], "F.relu(x, inplace=True)", "the network's input"),
        (["flatten", "relu"], "F.relu(torch.flatten(x, 1), inplace=True)", "input"),
        (["silu", "relu"], "F.relu(F.silu(x), inplace=True)", ""),
        (["relu", "elu"], "F.elu(F.relu(x), inplace=True)", "backward"),
        (["gelu", "silu"], "F.silu(F.gelu(x), inplace=True)", ""),
    ],
)
def test_in_place(tmp_path: Path, layers: list[str], body: str, said: str) -> None:
    path = tmp_path / "net.json"
    spec = {
        "archc": 1,
        "name": "net",
        "network": {"input": [3, 4, 4], "layers": [{"op": op} for op in layers]},
    }
    path.write_text(json.dumps(spec))
    analysis = analysed(path)
    assert analysis is not None
    found = disagreements(analysis, IN_PLACE.format(f"return {body}"))
    assert [said in d.message for d in found] == ([True] if said else [])
