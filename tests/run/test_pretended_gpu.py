"""What runs a network runs it where it was told to; a GPU is only pretended here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import archc
from archc.run.subject import imported
from tests.command import invoke
from tests.run import pretended
from tests.run.training import ROOT, STATEFUL


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A directory with a spec and an image; one thread."""
    monkeypatch.chdir(tmp_path)
    Path("stateful.toml").write_text(STATEFUL)
    Image.new("L", (20, 20), 128).save("grey.png")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(*arguments: object, exit_code: int = 0) -> str:
    done = invoke(*arguments)
    assert done.exit_code == exit_code, done.output
    return done.output


def test_it_refuses_what_a_gpu_refuses() -> None:
    with pretended.gpu():
        with torch.device("cuda"):
            layer = torch.nn.Linear(3, 2)
        x = torch.ones(4, 3)
        assert layer.weight.device == torch.device("cuda", 0)
        with pytest.raises(RuntimeError, match="same device"):
            layer(x)
        with pytest.raises(RuntimeError, match="generator"):
            torch.rand(2, device="cuda", generator=torch.Generator())
        made = layer(x.to("cuda"))
        with pytest.raises(TypeError, match="numpy"):
            made.detach().numpy()
        with pytest.raises(RuntimeError, match="same device"):
            x[made.argmax(1)]
        made.sum().backward()
        assert layer.weight.grad is not None
        assert layer.weight.grad.device == layer.weight.device
        # a number, and indices, it takes from the CPU
        assert (made + torch.tensor(1.0))[torch.arange(2)].cpu().shape == (2, 2)


def test_a_module_that_makes_a_tensor_on_the_cpu_is_seen() -> None:
    run("compile", "stateful.toml", "-o", ".")
    file = Path("stateful.py")
    text = file.read_text()
    assert text.count("x = self.bn(x)") == 1
    odd = "x = self.bn(x) + torch.zeros(1, 8, 1, 1)"
    file.write_text(text.replace("x = self.bn(x)", odd))
    common = ("smoke", "stateful.toml", "-o", ".", "--steps", 2)
    assert "runs" not in run(*common, "--device", "cpu", exit_code=1)
    with pretended.gpu():
        said = run(*common, "--device", "cuda", exit_code=1)
    assert "runs: a step fails: RuntimeError: Expected all tensors to be on" in said


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_smoke(precision: str) -> None:
    with pretended.gpu(rounds=True):
        run("smoke", "stateful.toml", "--precision", precision, "--channels-last")


def test_train_evaluate_predict_look() -> None:
    weights = ("--weights", "out/best.pt")
    train = (
        *("train", "stateful.toml", "--data", "digits", "--batch", 64, "--ema", 0.9),
        *("--augment", "crop,mixup", "--output", "out", "--optimizer", "adamw"),
    )
    for precision in ("fp16", "bf16"):
        common = (*train, "--precision", precision, "--output", precision)
        with pretended.gpu() as state:
            run(*common, "--epochs", 1, "--channels-last")
            said = run(*common, "--epochs", 2, "--channels-last", "--resume")
            assert "going on after epoch 1" in said
        # weights can be loaded where there is no GPU
        assert not state.pickled
    weights = ("--weights", "fp16/best.pt")
    digits = ("--data", "digits")
    with pretended.gpu(rounds=True):
        common = ("evaluate", "stateful.toml", *weights, *digits)
        found = run(*common, "--crops", 10)
        run("predict", "stateful.toml", *weights, "grey.png")
        common = ("look", "stateful.toml", *weights, "--image", "grey.png")
        run(*common, *digits, "-o", "found.html")
        run(*common, "-o", "found.png")
    assert "top-1" in found


def smoked(*arguments: object, exit_code: int) -> list[dict[str, Any]]:
    """The networks of a smoke test's report."""
    with pretended.gpu():
        run("smoke", *arguments, "--json", "report.json", exit_code=exit_code)
    return json.loads(Path("report.json").read_text())["networks"]


def test_memory_is_measured_without_the_checks() -> None:
    """They hold graphs of their own in the first step."""
    for steps, known in ((1, False), (2, True)):
        (found,) = smoked("stateful.toml", "--steps", steps, exit_code=1)
        assert (found["measured"] is not None) == known


def test_a_gpu_that_answers_no_more() -> None:
    """What is tested after that is not said to fail."""
    Path("after.toml").write_text(STATEFUL.replace('"stateful"', '"after"'))
    run("compile", "stateful.toml", "-o", ".")
    file = Path("stateful.py")
    text = file.read_text()
    asserts = "CUDA error: device-side assert triggered"
    here = "x = self.bn(x)"
    assert text.count(here) == 1
    gone = "torch.cuda.synchronize = torch.cuda.empty_cache = lost"
    file.write_text(
        text.replace(here, f"{gone}\n        lost()")
        + f"\n\ndef lost(*_):\n    raise RuntimeError({asserts!r})\n"
    )
    found = smoked("stateful.toml", "after.toml", "-o", ".", exit_code=1)
    assert [each["verdict"] for each in found] == ["FAIL", "skip"]
    assert asserts in found[0]["checks"][0]["detail"]
    assert "the GPU answers this process no more" in found[1]["notes"][0]


@pytest.mark.parametrize(
    "words",
    [("smoke",), ("train", "--data", "digits"), ("evaluate", "--data", "digits")],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ("synchronize", "CUDA-capable device(s) is/are busy or unavailable"),
        ("ones", "no kernel image is available for execution on the device"),
    ],
)
def test_a_gpu_that_cannot_be_used(
    words: tuple[str, ...], where: str, reason: str
) -> None:
    def refused(*arguments: object, **named: object) -> None:
        raise RuntimeError(f"CUDA error: {reason}\nCompile with `TORCH_USE_CUDA_DSA`")

    torch.save(archc.load("stateful.toml").module().state_dict(), "some.pt")
    weights = ("--weights", "some.pt") if words[0] == "evaluate" else ()
    # ends before the pretence does
    with pretended.gpu(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda if where == "synchronize" else torch, where, refused)
        said = run(words[0], "stateful.toml", *words[1:], *weights, exit_code=2)
    assert f"the GPU here cannot be used (CUDA error: {reason}): --device cpu" in said


def test_a_network_on_two_places() -> None:
    source = (ROOT / "generated/alexnet_two_gpus.py").read_text()
    kind = imported("alexnet_two_gpus", source).AlexNetTwoGPUs
    for places in (("cuda", "cpu"), ("cpu", "cuda")):
        with pretended.gpu():
            made = kind(devices=dict(zip(("gpu0", "gpu1"), places, strict=True)))
            found = made(torch.rand(1, 3, 227, 227).to(places[0]))
            found.sum().backward()
            named = dict(made.named_parameters())
            kinds = {name: p.grad.device.type for name, p in named.items()}
        assert set(kinds.values()) == {"cpu", "cuda"}
        assert found.device.type == places[0]


def test_chance_beside_a_small_scale_is_seen() -> None:
    """Of ConvNeXt's blocks hardly anything comes through at first, so that dropping one
    changes outputs by less than TF32 does."""
    Path("small.toml").write_text(SMALL)
    (found,) = smoked("small.toml", "--steps", 1, exit_code=1)
    checks = {check["name"]: check for check in found["checks"]}
    assert checks["modes"]["status"] == "passed", checks["modes"]


SMALL = """\
archc = 1
name = "small"

[network]
input = [3, 16, 16]
layers = [
  { name = "stem", op = "conv2d", out_channels = 8, kernel_size = 3 },
  { skip = "add", layers = [
    { name = "conv", op = "conv2d", out_channels = 8, kernel_size = 1 },
    { name = "scale", op = "layer_scale", init = 1e-6 },
    { name = "drop", op = "stochastic_depth", p = 0.5 },
  ] },
  { op = "adaptive_avg_pool2d", output_size = 1 },
  { op = "flatten" },
  { name = "fc", op = "linear", out_features = 10 },
]
"""
