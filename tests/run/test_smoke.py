"""A generated module that can learn passes; one that was broken by hand does not."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

from archc.diagnostics.model import Sink
from archc.emit.execution import execution
from archc.emit.module import emit
from archc.measure.memory import footprint
from archc.pipeline import analyse
from archc.run.device import out_of_memory
from archc.run.smoke import session
from archc.run.smoke.batch import affordable
from archc.run.smoke.settings import Settings, sized
from archc.run.smoke.trial import Trial
from archc.run.subject import Subject
from archc.spec.load import Loader
from tests.command import invoke
from tests.siblings import stands_for_itself

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Many small operations wait for threads longer than they take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(*arguments: object) -> Result:
    return invoke("smoke", "--device", "cpu", *arguments)


def report(tmp_path: Path, *arguments: object) -> tuple[Result, dict[str, dict]]:
    """What is said, and the checks of the only network by their names."""
    file = tmp_path / "report.json"
    done = run(*arguments, "--json", file)
    (network,) = json.loads(file.read_text())["networks"]
    return done, {check["name"]: check for check in network["checks"]}


# minutes on a CPU; fcn_resnet50 has the same backbone
SLOW = {"deeplabv3_resnet50"}
# all of timm's are held to timm in training, these are trained here as well
TIMM = {"dla34", "ghostnet_100", "hrnet_w18_small", "repvgg_a0", "resnet50d"}
# torchvision's editions of these differ in a stride or a bias from the papers'
ALIKE = ("densenet", "resnet", "resnext", "vgg")
KEYS = sorted(
    path.relative_to(ROOT / "specs").with_suffix("").as_posix()
    for path in (ROOT / "specs").rglob("*.toml")
    if "blocks" not in path.parts
    and stands_for_itself(path)
    and path.stem not in SLOW
    and (path.parent.name != "timm" or path.stem in TIMM)
    and not (
        path.parent.name == "torchvision"
        and path.stem.startswith(ALIKE)
        and (ROOT / "specs" / path.name).exists()
    )
)
# The committed module is tested wherever that takes seconds. Otherwise it is written
# anew: with smaller matrices behind the flattened map, or with fewer blocks.
_NARROW = ("--input", "3,32,32", "--set", "channels=[16, 32, 32, 64, 64]")
_SHALLOW = ("--set", "depths=[1, 2, 1, 1]")
SMALLER: dict[str, tuple[str, ...]] = {
    "alexnet": ("--input", "3,67,67"),
    "c3d": ("--set", "widths=[8, 16, 16, 32, 32]", "--set", "features=64"),
    "cifar/wide_resnet28_10": ("--set", "n=1", "--set", "width=2"),
    "alexnet_one_tower": ("--input", "3,67,67"),
    "d2l/alexnet": ("--input", "1,67,67"),
    "d2l/vgg11": ("--input", "1,32,32"),
    "d2l/vgg11_quarter": ("--input", "1,32,32"),
    "resnet101": _SHALLOW,
    "resnet152": _SHALLOW,
    "torchvision/alexnet": ("--input", "3,63,63"),
    "torchvision/fcn_resnet50": _SHALLOW,
    "torchvision/resnet101": _SHALLOW,
    "torchvision/resnet152": _SHALLOW,
    "torchvision/resnet50_fpn": _SHALLOW,
    "torchvision/resnext101_32x8d": _SHALLOW,
    "torchvision/resnext101_64x4d": _SHALLOW,
    "torchvision/wide_resnet50_2": _SHALLOW,
    "unet": ("--input", "1,188,188", "--set", "width=16"),
    "unet_plus_plus": ("--set", "width=8"),
    "zfnet": ("--input", "3,65,65"),
    "zfnet_one_tower": ("--input", "3,64,64"),
} | {
    key: _NARROW if key.startswith("torchvision/") else ("--input", "3,32,32")
    for key in KEYS
    if key.removeprefix("torchvision/").startswith("vgg")
}
WITH_HEADS = {
    "googlenet",
    "googlenet_bn",
    "torchvision/googlenet",
    "torchvision/inception_v3",
}
WITHOUT_CLASSES = {"siamese_net", "unet_plus_plus"}
"""Whose output has a single channel, so that no loss is to fall."""


@pytest.mark.parametrize("key", KEYS)
def test_networks_pass(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    done, checks = report(tmp_path, f"specs/{key}.toml", *SMALLER.get(key, ()))
    assert done.exit_code == 0, done.output
    statuses = {name: check["status"] for name, check in checks.items()}
    assert statuses.pop("heads") == ("passed" if key in WITH_HEADS else "skipped")
    if key in WITHOUT_CLASSES:
        assert statuses.pop("loss falls") == "skipped"
    assert set(statuses.values()) == {"passed"}


# ---- files that were broken by hand

LOGITS = "return self.output(x)  # 10"
BN2 = "x = self.bn2(x)\n        if self.needs"
HEADS = "return GoogLeNetOutputs(x, aux1, aux2)"

BROKEN: dict[str, tuple[str, list[tuple[str, str]], str, str, str]] = {
    "dead branch": (
        "d2l/googlenet",
        [("torch.cat([b1, b2, b3, b4], dim=1)",
          "torch.cat([b1, b2, 0 * b3, b4], dim=1)")],
        "gradients", "net.b5.1.b3_2", "zeros only",
    ),
    "branch that nobody reads": (
        "cifar/resnet20",
        [("x = x + identity", "x = identity + 0")],
        "gradients", "stage3.2.bn2", "gets no gradient",
    ),
    "a value that is overwritten": (
        "cifar/resnet20",
        [("x = x + identity", "x = identity")],
        "runs", "", "modified by an inplace operation",
    ),
    "parameter that is never used": (
        "lenet5",
        [("self.c1 =", "self.extra = nn.Linear(2, 2)\n        self.c1 =")],
        "gradients", "extra", "gets no gradient",
    ),
    "cut": (
        "lenet5",
        [("x = self.s4(x)", "x = self.s4(x).detach()")],
        "gradients", "c3",
        "c3.weight gets no gradient; the same goes for c3.bias, c1.weight",
    ),
    "cut at the end": (
        "lenet5", [(LOGITS, "return self.output(x).detach()")],
        "runs", "", "does not require grad",
    ),
    "backwards backward": (
        "lenet5",
        [(LOGITS, "x = self.output(x)\n        return 2 * x.detach() - x")],
        "loss falls", "", "was to be reached",
    ),
    "an output that ignores the image": (
        "lenet5",
        [("x = torch.flatten(x, 1)", "x = 1 + 1e-9 * torch.flatten(x, 1)")],
        "loss falls", "", "was to be reached",
    ),
    "detached head": (
        "torchvision/googlenet",
        [("self.aux1(x)", "self.aux1(x.detach())")],
        "heads", "aux1", "the loss of aux1 does not reach inception4a",
    ),
    "head left out": (
        "torchvision/googlenet",
        [(HEADS, "return x")],
        "heads", "aux1", "gives the heads none instead of aux1, aux2",
    ),
    "another weight": (
        "torchvision/googlenet",
        [('"aux2": 0.3', '"aux2": 0.5')],
        "heads", "", "loss_weights is",
    ),
    "heads in evaluation": (
        "torchvision/googlenet",
        [(" if self.training else None", "")] * 2,
        "modes", "", "heads are for training",
    ),
    "not a number": (
        "cifar/resnet20",
        [(BN2, "x = torch.log(self.bn2(x))\n        if self.needs")],
        "finite", "stage1.0", "in stage1.0, after stage1.0.bn2",
    ),
    "not a number from a layer": (
        "lenet5",
        [("x = self.s4(x)", "x = self.s4(x / 0)")],
        "finite", "c3", "after c3",
    ),
    "infinite gradient": (
        "lenet5",
        [("x = self.s4(x)", "x = self.s4(x + (x - x.detach()).sqrt())")],
        "finite", "c3", "the gradient of c3.weight is not finite",
    ),
    "dropout that stays on": (
        "cifar/nin",
        [("training=self.training", "training=True")],
        "modes", "dropout", "eval() is random",
    ),
    "dropout that is off": (
        "cifar/nin",
        [("training=self.training", "training=False")] * 2,
        "modes", "dropout", "train() is not random",
    ),
    "dropout that the spec lacks": (
        "lenet5",
        [("x = self.f6(x)", "x = torch.dropout(self.f6(x), 0.5, self.training)")],
        "modes", "", "train() is random",
    ),
    "another scale in training": (
        "lenet5",
        [("x = self.f6(x)", "x = self.f6(x) * (2 if self.training else 1)")],
        "modes", "", "train() and eval() differ",
    ),
    "statistics that stand still": (
        "cifar/resnet20",
        [("nn.BatchNorm2d(16)", "nn.BatchNorm2d(16, momentum=0.0)")],
        "modes", "bn1", "does not move the statistics of bn1",
    ),
    "state that is not saved": (
        "lenet5",
        [("self.c1 =", "self.offset = torch.randn(84)\n        self.c1 ="),
         ("x = self.f6(x)", "x = self.f6(x) + self.offset")],
        "save and load", "", "not in state_dict()",
    ),
    "chance beside the seed": (
        "lenet5",
        [("x = self.f6(x)", "x = self.f6(x) + __import__('random').random()")],
        "same seed", "", "ignores the seed",
    ),
    "an error in forward": (
        "lenet5", [("x = self.s4(x)", "x = self.s4(x, x, x)")],
        "runs", "s4", "s4 fails: TypeError",
    ),
    "a softmax at the end": (
        "lenet5",
        [(LOGITS, "return torch.softmax(self.output(x), 1)")],
        "loss falls", "", "sum to one, as behind a softmax",
    ),
    "images that are mixed up": (
        "lenet5",
        [(LOGITS, "return self.output(x).mean(0, keepdim=True).expand(len(x), -1)")],
        "loss falls", "", "was to be reached",
    ),
    "too few scores": (
        "lenet5", [("nn.Linear(84, num_classes)", "nn.Linear(84, 5)")],
        "runs", "", "5 scores are too few for 10 classes",
    ),
    "no Python": (
        "lenet5", [("def forward", "def forward(")], "runs", "", "SyntaxError",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_module_that_was_broken_by_hand(case: str, tmp_path: Path) -> None:
    spec, edits, name, layer, said = BROKEN[case]
    source = ROOT / "generated" / f"{spec}.py"
    text = source.read_text()
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    (tmp_path / source.name).write_text(text)
    # lenet5 learns in 11, and other checks need few
    steps = 40 if name == "loss falls" else 2
    path = ROOT / "specs" / f"{spec}.toml"
    done, checks = report(tmp_path, path, "-o", tmp_path, "--steps", steps)
    assert done.exit_code == 1, done.output
    assert checks[name]["status"] == "failed", done.output
    assert (checks[name]["layer"] or "").startswith(layer)
    assert said in checks[name]["detail"] and said in done.output
    assert "FAIL" in done.output and "Traceback" not in done.output


def test_memory_that_runs_out(tmp_path: Path) -> None:
    """A CPU has more than a test may take, so the module says that there is none."""
    text = (ROOT / "generated" / "lenet5.py").read_text()
    start = "x = self.c1(x)"
    full = f"if len(x) > 8:\n            raise torch.OutOfMemoryError\n        {start}"
    (tmp_path / "lenet5.py").write_text(text.replace(start, full, 1))
    spec = ROOT / "specs" / "lenet5.toml"
    done, checks = report(tmp_path, spec, "-o", tmp_path, "--batch", 50)
    assert done.exit_code == 1
    said = "out of memory at a batch of 50: a batch of 6 fits"
    assert checks["runs"]["detail"] == said
    assert said in done.output and "Traceback" not in done.output
    network = json.loads((tmp_path / "report.json").read_text())["networks"][0]
    assert network["fits"] == 6 and network["predicted"] > 2**20


def test_a_batch_of_nobodys_choice_is_made_smaller(tmp_path: Path) -> None:
    """Memory that suffices for steps may be too little for what the checks hold."""
    text = (ROOT / "generated" / "lenet5.py").read_text()
    start = "x = self.c1(x)"
    last = "not self.training and len(x) > 2"
    full = f"if {last}:\n            raise torch.OutOfMemoryError\n        {start}"
    (tmp_path / "lenet5.py").write_text(text.replace(start, full, 1))
    done, checks = report(tmp_path, ROOT / "specs" / "lenet5.toml", "-o", tmp_path)
    assert done.exit_code == 0, done.output
    assert "note: memory is too little for more than 2 images" in done.output
    (network,) = json.loads((tmp_path / "report.json").read_text())["networks"]
    assert network["batch"] == 2 and network["fits"] is None
    assert checks["modes"]["status"] == "passed"


def test_memory_that_runs_out_for_the_module(tmp_path: Path) -> None:
    """It is not the module that does not run."""
    text = (ROOT / "generated" / "lenet5.py").read_text()
    start = "self.c1 = "
    assert text.count(start) == 1
    full = f"raise torch.OutOfMemoryError\n        {start}"
    (tmp_path / "lenet5.py").write_text(text.replace(start, full))
    done, checks = report(tmp_path, ROOT / "specs" / "lenet5.toml", "-o", tmp_path)
    assert done.exit_code == 1
    said = "out of memory at a batch of 4: no smaller one fits"
    assert checks["runs"]["detail"] == said


def test_what_memory_was_too_little_for_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would take the place of the smaller batch that is looked for."""
    text = (ROOT / "generated" / "lenet5.py").read_text()
    start = "x = self.c1(x)"
    full = f"raise torch.OutOfMemoryError\n        {start}"
    (tmp_path / "lenet5.py").write_text(text.replace(start, full, 1))
    trials: list[weakref.ref[Trial]] = []
    held: list[bool] = []

    def trial(*arguments: Any) -> Trial:
        made = Trial(*arguments)
        trials.append(weakref.ref(made))
        return made

    def fitting(*arguments: Any) -> int:
        gc.collect()
        held.extend(each() is not None for each in trials)
        return 1

    monkeypatch.setattr(session, "Trial", trial)
    monkeypatch.setattr(session, "fitting", fitting)
    spec = ROOT / "specs" / "lenet5.toml"
    done, _ = report(tmp_path, spec, "-o", tmp_path, "--batch", 4)
    assert "a batch of 1 fits" in done.output
    assert held == [False]


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("CUDA error: out of memory\nCompile with `TORCH_USE_CUDA_DSA`", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`", True),
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True),
        ("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't", True),
        ("CUDA error: device-side assert triggered", False),
        ("shape '[2, 3]' is invalid for input of size 5", False),
    ],
)
def test_how_torch_says_that_memory_ran_out(text: str, is_so: bool) -> None:
    assert out_of_memory(RuntimeError(text)) == is_so


def test_losses_after_a_step_on_a_gpu() -> None:
    apart = [0.01, 0.1]
    near = session._near  # pyright: ignore[reportPrivateUsage]
    assert near([2.3, 0.0058], [2.31, 0.0075], apart)
    assert near([2.3, 30.0], [2.3, 28.0], apart)
    assert not near([2.3, 0.0058], [2.3, 0.25], apart)
    assert not near([2.3, 0.0058], [2.4, 0.0058], apart)
    assert near([2.3, 0.1], [2.3, 0.1], [0.0, 0.0])
    assert not near([2.3, 0.1], [2.3, 0.1 + 1e-9], [0.0, 0.0])


def test_heads_whose_losses_by_themselves_fp16_cannot_hold(tmp_path: Path) -> None:
    """Weighted they are small; a gradient of 65,504 is the largest."""
    head = (
        '[[heads]]\nname = "aux"\nfrom = "stem"\nloss_weight = 1e-4\nlayers = [\n'
        '  { name = "pool", op = "adaptive_avg_pool2d", output_size = 2 },\n'
        '  { name = "flat", op = "flatten" },\n'
        '  { name = "fc", op = "linear", out_features = 3 },\n'
        '  { name = "scale", op = "layer_scale", init = 1e4 },\n]\n'
    )
    spec = small(tmp_path, VECTOR + linear(3))
    spec.write_text(spec.read_text() + head)
    _, checks = report(tmp_path, spec, "--precision", "fp16")
    assert checks["heads"]["status"] == "passed", checks["heads"]


@pytest.mark.parametrize("case", [c for c in BROKEN if BROKEN[c][2] == "loss falls"])
def test_more_steps_do_not_mend_what_is_broken(case: str, tmp_path: Path) -> None:
    """A loss that still falls gets more steps, and none of these comes low enough."""
    spec, edits, _, _, _ = BROKEN[case]
    source = ROOT / "generated" / f"{spec}.py"
    text = source.read_text()
    for old, new in edits:
        text = text.replace(old, new, 1)
    (tmp_path / source.name).write_text(text)
    path = ROOT / "specs" / f"{spec}.toml"
    done, checks = report(tmp_path, path, "-o", tmp_path)
    assert done.exit_code == 1
    assert [c for c in checks if checks[c]["status"] == "failed"] == ["loss falls"]


# ---- outputs of other kinds

STEM = """\
archc = 1
name = "small"
[network]
input = [3, 16, 16]
layers = [
  { name = "stem", op = "conv2d", out_channels = 8, kernel_size = 3, padding = 1 },
  { op = "relu" },
"""
VECTOR = """\
  { op = "adaptive_avg_pool2d", output_size = 2 },
  { op = "flatten" },
"""


def linear(count: int) -> str:
    return f'  {{ name = "fc", op = "linear", out_features = {count} }},\n'


def conv(count: int) -> str:
    return (
        f'  {{ name = "last", op = "conv2d", out_channels = {count},'
        " kernel_size = 1 },\n"
    )


def small(tmp_path: Path, rest: str) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(f"{STEM}{rest}]\n")
    return path


@pytest.mark.parametrize(
    "rest",
    [
        VECTOR + linear(1),
        VECTOR + linear(1) + '  { op = "sigmoid" },\n',
        conv(1),
        conv(1) + '  { op = "tanh" },\n',
    ],
    ids=["number", "probability", "map", "grey image"],
)
def test_what_has_no_classes_is_skipped(rest: str, tmp_path: Path) -> None:
    done, checks = report(tmp_path, small(tmp_path, rest))
    assert done.exit_code == 0, done.output
    statuses = {name: check["status"] for name, check in checks.items()}
    assert statuses.pop("loss falls") == statuses.pop("heads") == "skipped"
    assert set(statuses.values()) == {"passed"}
    said = "skipped whether the loss falls: an output of a single channel"
    (line,) = (line for line in done.output.splitlines() if "note:" in line)
    assert said in line
    network = json.loads((tmp_path / "report.json").read_text())["networks"][0]
    assert network["notes"] and network["verdict"] == "pass"


UP = '  { name = "up", op = "upsample", scale_factor = 2 },\n'


@pytest.mark.parametrize("last", ["sigmoid", "hardsigmoid"])
@pytest.mark.parametrize("rest", [conv(3), UP + conv(3)], ids=["as read", "larger"])
def test_an_image_has_no_classes(rest: str, last: str, tmp_path: Path) -> None:
    spec = small(tmp_path, f'{rest}  {{ name = "end", op = "{last}" }},\n')
    done, checks = report(tmp_path, spec)
    assert done.exit_code == 0, done.output
    assert checks["loss falls"]["status"] == "skipped"
    assert f"an output that is an image, 3 x 16 x 16 behind end ({last})" in (
        done.output.replace("32 x 32", "16 x 16")
    )


@pytest.mark.parametrize(("count", "last"), [(3, "softmax"), (5, "sigmoid")])
def test_probabilities_at_each_place_are_no_image(
    count: int, last: str, tmp_path: Path
) -> None:
    spec = small(tmp_path, f'{conv(count)}  {{ op = "{last}" }},\n')
    done, checks = report(tmp_path, spec)
    assert checks["loss falls"]["status"] != "skipped"
    assert "a softmax of its own: leave that layer out" in done.output


def test_without_classes_a_break_is_found(tmp_path: Path) -> None:
    spec = small(tmp_path, VECTOR + linear(1))
    assert invoke("compile", str(spec), "-o", str(tmp_path))
    module = tmp_path / "small.py"
    text = module.read_text()
    assert "x = self.stem(x)" in text
    module.write_text(text.replace("x = self.stem(x)", "x = self.stem(x).detach()"))
    done, checks = report(tmp_path, spec, "-o", tmp_path)
    assert done.exit_code == 1
    assert checks["gradients"]["layer"] == "stem"


def test_what_has_no_parameters_is_skipped(tmp_path: Path) -> None:
    spec = tmp_path / "none.toml"
    spec.write_text(
        'archc = 1\nname = "none"\n[network]\ninput = [3, 8, 8]\n'
        'layers = [{ op = "relu" }]\n'
    )
    done, checks = report(tmp_path, spec)
    assert done.exit_code == 0
    assert {check["status"] for check in checks.values()} == {"skipped"}
    assert done.output.startswith("skip") and "nothing to learn" in done.output


@pytest.mark.parametrize(
    "rest",
    [
        conv(3),
        conv(12) + '  { op = "pixel_shuffle", upscale_factor = 2 },\n',
        "",
        conv(3) + '  { op = "tanh" },\n',
        VECTOR + linear(1000) + '  { op = "relu6" },\n',
        VECTOR + linear(10) + '  { op = "log_softmax" },\n',
        '  { op = "permute", dims = [0, 2, 3, 1] },\n' + linear(6),
    ],
    ids=["map", "larger map", "features", "image", "relu6", "log", "channels last"],
)
def test_other_outputs_can_be_learnt(rest: str, tmp_path: Path) -> None:
    done, checks = report(tmp_path, small(tmp_path, rest))
    assert done.exit_code == 0, done.output
    assert checks["loss falls"]["status"] == "passed"
    assert "note" not in done.output


@pytest.mark.parametrize("op", ["softmax", "sigmoid", "hardsigmoid"])
def test_a_softmax_before_the_loss_is_named(op: str, tmp_path: Path) -> None:
    """Of ten probabilities as logits: ln(1 + 9 / e) = 1.461."""
    ends = f'  {{ name = "odds", op = "{op}" }},\n'
    done, checks = report(tmp_path, small(tmp_path, VECTOR + linear(10) + ends))
    assert done.exit_code == 1
    assert checks["loss falls"]["layer"] == "odds"
    said = f"cannot come below 1.46, as the output comes from odds ({op})"
    assert said in checks["loss falls"]["detail"]
    assert "leave that layer out" in done.output
    # behind it, what keeps numbers as they are
    rest = f'{conv(10)}{ends}  {{ op = "adaptive_avg_pool2d", output_size = 1 }},\n'
    done, checks = report(tmp_path, small(tmp_path, f'{rest}  {{ op = "flatten" }},\n'))
    assert checks["loss falls"]["layer"] == "odds"


def test_a_softmax_of_two_classes_slows_only(tmp_path: Path) -> None:
    ends = '  { op = "softmax" },\n'
    done, _ = report(tmp_path, small(tmp_path, VECTOR + linear(2) + ends))
    assert done.exit_code == 0, done.output
    assert "note: the loss: it cannot come below 0.313, as" in done.output


@pytest.mark.parametrize("size", [32, 64, 96])
def test_outputs_that_a_rectifier_keeps_at_zero(size: int, tmp_path: Path) -> None:
    """Many of SqueezeNet's thousand are zero for all images before it has learnt."""
    spec = ROOT / "specs" / "torchvision" / "squeezenet1_1.toml"
    done, _ = report(tmp_path, spec, "--input", f"3,{size},{size}")
    assert done.exit_code == 0, done.output
    network = json.loads((tmp_path / "report.json").read_text())["networks"][0]
    assert len(network["losses"]) < 60


def test_a_batch_that_cannot_be_normalised(tmp_path: Path) -> None:
    rest = f'{VECTOR}{linear(8)}  {{ name = "bn", op = "batch_norm1d" }},\n'
    done, checks = report(tmp_path, small(tmp_path, rest), "--batch", 1)
    assert done.exit_code == 1
    assert checks["runs"]["layer"] == "bn"
    assert "--batch 2 or more" in done.output
    assert "Traceback" not in done.output


def test_channels_last_of_what_is_no_image(tmp_path: Path) -> None:
    spec = tmp_path / "vector.toml"
    spec.write_text(
        'archc = 1\nname = "vector"\n[network]\ninput = [12]\n'
        'layers = [{ name = "fc", op = "linear", out_features = 5 }]\n'
    )
    assert run(spec, "--channels-last", "--steps", 1).exit_code == 1
    done, _ = report(tmp_path, spec, "--channels-last")
    assert done.exit_code == 0, done.output


# ---- sizes and options


def test_the_input_shrinks_where_the_code_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    page = tmp_path / "report.md"
    done = run(
        "specs/d2l/nin.toml", "specs/lenet5.toml", "--markdown", page, "--steps", 1
    )
    rows = [
        line for line in page.read_text().splitlines() if line.startswith("| specs")
    ]
    assert "| `generated/d2l/nin.py` | **1x96x96** | 4 |" in rows[0]
    assert "| `generated/lenet5.py` | 1x32x32 | 4 |" in rows[1]
    # one step is too few for a loss to fall
    assert done.exit_code == 1
    assert page.read_text().startswith("# Smoke test\n\n```sh\narchc smoke ")
    assert "--steps 1 --device cpu --markdown" in page.read_text()
    assert "- loss falls: from 2." in page.read_text()


def test_an_input_by_hand_is_kept(tmp_path: Path) -> None:
    spec = ROOT / "specs" / "cifar" / "resnet20.toml"
    done, _ = report(tmp_path, spec, "--input", "3,40,24", "--set", "n=1")
    assert done.exit_code == 0, done.output
    network = json.loads((tmp_path / "report.json").read_text())["networks"][0]
    assert network["input"] == network["spec_input"] == [3, 40, 24]
    assert network["module"] == "written anew"


def test_a_scale_that_is_zero_at_the_start_is_no_break(tmp_path: Path) -> None:
    block = (
        '{ name = "conv", op = "conv2d", out_channels = 8, kernel_size = 1 },'
        ' { name = "scale", op = "layer_scale", init = INIT }'
    )
    for value in ("0.0", "1.0"):
        inside = block.replace("INIT", value)
        rest = f'{{ skip = "add", layers = [{inside}] }},\n{VECTOR}{linear(3)}'
        done, checks = report(tmp_path, small(tmp_path, rest))
        assert done.exit_code == 0, done.output
        assert checks["gradients"]["status"] == "passed"


def test_fewer_images_where_a_gpu_has_little_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = Sink()
    analysis = analyse(ROOT / "specs" / "lenet5.toml", Loader(sink), sink)
    assert analysis is not None
    subject = Subject(
        "lenet5", analysis.network, analysis.facts, emit(analysis.network)
    )
    settings = Settings(device="cuda")
    needs = footprint(
        subject.network, execution(subject.network), optimizer="adam", device="cuda"
    )
    for free, least, most in ((10**9, 32, 32), (2 * 10**6, 2, 31)):
        monkeypatch.setattr("torch.cuda.mem_get_info", lambda free=free: (free, free))
        batch = affordable(sized(subject, settings), settings).batch
        assert least <= batch <= most
        assert needs.peak(batch).total < free
    named = replace(settings, batch=64)
    assert affordable(sized(subject, named), named).batch == 64


def test_steps_and_batch_by_hand(tmp_path: Path) -> None:
    spec = ROOT / "specs" / "lenet5.toml"
    done, _ = report(tmp_path, spec, "--steps", 30, "--batch", 64)
    assert done.exit_code == 0, done.output
    network = json.loads((tmp_path / "report.json").read_text())["networks"][0]
    assert network["batch"] == 64
    assert len(network["losses"]) == len(network["seconds"]) == 30
    assert network["measured"] is None and network["images_per_second"] > 0


@pytest.mark.parametrize(
    "options",
    [("--precision", "bf16"), ("--channels-last",)],
    ids=lambda options: "".join(options),
)
def test_other_ways_to_run(options: tuple[str, ...], tmp_path: Path) -> None:
    spec = ROOT / "specs" / "cifar" / "resnet20.toml"
    done, _ = report(tmp_path, spec, *options)
    assert done.exit_code == 0, done.output


@pytest.mark.slow
def test_compiled(tmp_path: Path) -> None:
    done, _ = report(tmp_path, ROOT / "specs" / "lenet5.toml", "--compile")
    assert done.exit_code == 0, done.output


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_on_a_gpu(precision: str, tmp_path: Path) -> None:
    spec = ROOT / "specs" / "torchvision" / "resnet18.toml"
    done, _ = report(tmp_path, spec, "--device", "cuda", "--precision", precision)
    assert done.exit_code == 0, done.output
    network = json.loads((tmp_path / "report.json").read_text())["networks"][0]
    assert network["measured"] > 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu() -> None:
    done = run("lenet5", "--device", "auto", "--steps", 1)
    assert "there is no GPU here: this runs on the CPU" in done.output
    done = run("lenet5", "--device", "cuda")
    assert done.exit_code == 2
    assert "no GPU" in done.output


def test_errors_in_a_spec(tmp_path: Path) -> None:
    spec = tmp_path / "bad.toml"
    spec.write_text('archc = 1\nname = "bad"\n')
    done = run(spec)
    assert done.exit_code == 1
    assert "error[" in done.output


def test_without_torch() -> None:
    hide = (
        "import sys; sys.modules['torch'] = None\n"
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda n, *a: None if n == 'torch' else find(n, *a)\n"
        "from archc.__main__ import run; sys.argv = ['archc', 'smoke', 'lenet5']; run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", hide], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "pip install" in done.stderr
