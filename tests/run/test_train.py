"""`archc train` from its command line to its files."""

from __future__ import annotations

import csv
import importlib.util
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

import archc
from tests.command import invoke
from tests.run.training import (
    PLAIN,
    ROOT,
    STATEFUL,
    learnt,
    refusal,
    result,
    train,
    weights,
)


@pytest.fixture(autouse=True)
def _tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN)
    Path("stateful.toml").write_text(STATEFUL)


def test_it_learns_and_leaves_its_files() -> None:
    done = train(
        *("plain.toml", "--data", "digits", "--epochs", 3, "--batch", 32),
        *("--lr", 0.1, "--momentum", 0.9, "--log", "tensorboard"),
    )
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "plain.toml: 2,970 parameters, digits: 1,438 images and 359" in lines[0]
    assert [line[:9] for line in lines[1:]] == [f"epoch {i}/3" for i in (1, 2, 3)]
    directory = Path("runs/plain-digits")
    found = result(directory)
    assert found["test_accuracy"] > 0.9
    assert found["settings"]["momentum"] == 0.9
    assert f"{found['test_accuracy']:.4f}" in lines[-1]
    rows = list(csv.DictReader((directory / "log.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    ElementTree.parse(directory / "curve.svg")
    assert set(weights(directory)) == {
        *("conv.weight", "conv.bias", "fc.weight", "fc.bias")
    }
    assert list((directory / "tensorboard").iterdir())


def test_the_seed_and_not_the_workers_decide() -> None:
    common = ("stateful.toml", "--data", "digits", "--epochs", 1, "--batch", 64)
    # a GPU sums in no fixed order
    common = (*common, "--augment", "crop,flip", "--optimizer", "adam")
    common = (*common, "--device", "cpu")
    for name, more in (
        ("a", ()),
        ("b", ("--workers", 2)),
        ("c", ("--seed", 1)),
    ):
        assert train(*common, *more, "--output", name).exit_code == 0
    assert learnt(Path("a")) == learnt(Path("b")) != learnt(Path("c"))


@pytest.mark.parametrize(
    "options",
    [
        ("--precision", "bf16", "--channels-last"),
        ("--precision", "fp16", "--optimizer", "adam"),
        ("--schedule", "cosine", "--warmup", "0.5", "--label-smoothing", "0.1"),
    ],
    ids=lambda options: options[1],
)
def test_other_ways_to_learn(options: tuple[str, ...]) -> None:
    common = ("stateful.toml", "--data", "digits", "--epochs", 2, "--batch", 64)
    assert train(*common, *options).exit_code == 0
    assert result(Path("runs/stateful-digits"))["test_accuracy"] > 0.4


def test_a_network_with_heads_reports_their_loss_too() -> None:
    """The loss of a network that has learnt nothing is ln 10 for each of them."""
    common = ("stateful.toml", "--data", "fake", "--epochs", 1, "--lr", "1e-9")
    assert train(*common).exit_code == 0
    found = result(Path("runs/stateful-fake"))
    assert found["train_loss"] - 1.3 * 2.3 > 0 > found["test_loss"] - 1.3 * 2.3


def test_set_and_input_reach_the_network() -> None:
    done = train(
        *("stateful.toml", "--data", "fake", "--epochs", 1),
        *("--set", "num_classes=3", "--input", "3,16,20"),
    )
    assert done.exit_code == 0, done.output
    state = weights(Path("runs/stateful-fake"))
    assert state["conv.weight"].shape == (8, 3, 3, 3)
    assert state["fc.weight"].shape == (3, 8 * 7 * 9)


def test_a_loss_that_is_no_number_ends_it() -> None:
    done = train("plain.toml", "--data", "digits", "--lr", "1e30", "--batch", 64)
    assert done.exit_code == 1
    assert "step 2 of epoch 1, at a learning rate of 1e+30" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_classes_must_be_those_of_the_data() -> None:
    line = refusal("stateful.toml", "--data", "digits", "--set", "num_classes=7")
    assert "digits has 10 classes" in line and line.endswith("--set num_classes=10")


def test_a_training_is_not_overwritten_or_resumed_as_another() -> None:
    common = ("plain.toml", "--data", "digits", "--epochs", 1)
    assert train(*common).exit_code == 0
    before = learnt(Path("runs/plain-digits"))
    assert "--resume" in refusal(*common)
    line = refusal(*common, "--resume", "--lr", 0.3, "--augment", "flip")
    assert "lr was 0.1 and is 0.3; augment was nothing and is flip" in line
    Path("plain.toml").write_text(PLAIN.replace("relu", "sigmoid"))
    assert "code has changed" in refusal(*common, "--resume")
    Path("plain.toml").write_text(PLAIN)
    assert train(*common, "--resume").exit_code == 0
    assert learnt(Path("runs/plain-digits")) == before
    Path("runs/plain-digits/checkpoint.pt").write_bytes(b"no")
    assert "no checkpoint" in refusal(*common, "--resume")


# one number of a channel, at which batch normalisation refuses a single image
HIDDEN = """\
  { op = "flatten" },
  { name = "hidden", op = "linear", out_features = 16 },
  { name = "bn", op = "batch_norm1d", track_running_stats = true },
"""
# scikit-learn's digits are 1438 to learn and 359 to test on
ONE_LEFT, ONE_LEFT_TO_TEST = 479, 179


def _hidden(tracked: str) -> None:
    text = PLAIN.replace('  { op = "flatten" },\n', HIDDEN)
    Path("hidden.toml").write_text(text.replace("= true", f"= {tracked}"))


@pytest.mark.parametrize("tracked", ["true", "false"])
@pytest.mark.parametrize("batch", [ONE_LEFT, ONE_LEFT_TO_TEST, 256])
def test_a_last_batch_of_one_image(tracked: str, batch: int) -> None:
    _hidden(tracked)
    done = train(
        *("hidden.toml", "--data", "digits", "--epochs", 2, "--batch", batch),
        *("--output", "o", "--save-every", 1),
    )
    assert done.exit_code == 0, done.output
    said = "a single image, which bn cannot normalise: it joins the batch before"
    assert done.stdout.count(said) == (batch == ONE_LEFT)
    state = torch.load("o/checkpoint.pt", weights_only=True)
    share = {ONE_LEFT: 3, ONE_LEFT_TO_TEST: 9, 256: 6}[batch]
    assert result(Path("o"))["settings"]["smallest_batch"] == 2
    norm = state["model"].get("bn.num_batches_tracked")
    assert norm is None or int(norm) == 2 * share


def test_batches_of_one_image() -> None:
    _hidden("true")
    line = refusal("hidden.toml", "--data", "digits", "--batch", 1)
    assert "bn of hidden.toml cannot normalise a batch of one image" in line
    assert "--batch 2 or more" in line
    # where nothing refuses it
    common = ("--data", "digits", "--epochs", 1, "--batch", ONE_LEFT)
    done = train("plain.toml", *common)
    assert done.exit_code == 0 and "single image" not in done.output


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *((name, v) for name in ("--lr", "--warmup") for v in ("nan", "inf", "-1")),
        *(
            ("--momentum", "nan"),
            ("--weight-decay", "inf"),
            ("--label-smoothing", "nan"),
        ),
        *(("--milestones", v) for v in ("nan", "-1", "3,,4", "inf", "a")),
        *(("--output", "plain.toml"), ("--output", "plain.toml/below")),
    ],
)
def test_values_that_are_none(option: str, value: str) -> None:
    given = ("plain.toml", "--data", "digits", "--schedule", "step", option, value)
    done = train(*given)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("Error: ")


def test_networks_that_tell_no_classes_apart() -> None:
    text = PLAIN.replace("out_features = 10", "out_features = 1")
    Path("plain.toml").write_text(text)
    assert "plain.toml gives 1" in refusal("plain.toml", "--data", "fake")
    head = STATEFUL.rpartition("out_features = ")
    Path("stateful.toml").write_text(f"{head[0]}out_features = 5 }},\n]\n")
    line = refusal("stateful.toml", "--data", "digits")
    assert "the head aux of stateful.toml gives 5, and the network 10" in line
    spec = 'archc = 1\nname = "n"\n[network]\ninput = [1, 4, 4]\nlayers = ['
    Path("n.toml").write_text(spec + '{ op = "flatten" }]\n')
    assert "has no parameters" in refusal("n.toml", "--data", "fake")


def test_what_reads_no_images() -> None:
    Path("sound.toml").write_text(
        'archc = 1\nname = "sound"\n[network]\ninput = [1, 64]\nlayers = ['
        '{ op = "flatten" }, { name = "fc", op = "linear", out_features = 10 }]\n'
    )
    said = refusal("sound.toml", "--data", "digits")
    assert "sound.toml reads 1 x 64: archc train is for images" in said


def test_a_softmax_is_told_of() -> None:
    Path("plain.toml").write_text(
        PLAIN.replace(
            "out_features = 10 },", 'out_features = 10 }, { op = "softmax" },'
        )
    )
    done = train("plain.toml", "--data", "digits", "--epochs", 1, "--batch", 512)
    assert done.exit_code == 0
    assert done.stdout.count("note: the output comes from softmax, between 0") == 1


@pytest.mark.parametrize(
    "broken", ["return self.fc(x, x)", "return self.fc(x).detach()", "return x[:, :3]"]
)
def test_a_module_that_fails_is_told_in_a_line(broken: str) -> None:
    assert invoke("compile", "plain.toml").exit_code == 0
    module = Path("generated/plain.py")
    text = module.read_text()
    assert "return self.fc(x)" in text
    module.write_text(text.replace("return self.fc(x)", broken))
    done = train("plain.toml", "--data", "digits", "--epochs", 1, "--batch", 512)
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: the module fails in step 1 of epoch 1: ")


def test_what_is_refused() -> None:
    digits = ("plain.toml", "--data", "digits")
    if not torch.cuda.is_available():
        assert "no GPU" in refusal(*digits, "--device", "cuda")
    assert "classifiers" in refusal(_map(), "--data", "digits")
    for wrong in (
        ("--data", "nothing"),
        ("--data", "folder:"),
        ("--augment", "twist"),
        ("--optimizer", "adam", "--momentum", 0.9),
        ("--milestones", "3"),
        ("--workers", 1_000_000),
    ):
        assert train(*digits, *wrong).exit_code == 2, wrong
    assert not Path("runs").exists()


def _map() -> Path:
    path = Path("map.toml")
    path.write_text(
        PLAIN.replace('{ op = "flatten" },', "").partition('  { name = "fc"')[0] + "]\n"
    )
    return path


@pytest.mark.parametrize("package", ["torch", "torchvision"])
def test_without_torch(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == package else found(name, *rest),
    )
    assert "pip install 'archc-compiler[torch]'" in refusal(
        "plain.toml", "--data", "fake"
    )


@pytest.mark.parametrize(
    "error",
    [
        'RuntimeError("operator torchvision::nms does not exist")',
        'ImportError("libtorch_cuda.so: cannot open shared object file")',
    ],
)
def test_a_torchvision_that_does_not_fit_torch(error: str) -> None:
    broken = Path("broken/torchvision/__init__.py")
    broken.parent.mkdir(parents=True)
    broken.write_text(f"raise {error}\n")
    path = os.pathsep.join([str(broken.parents[1].resolve()), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "archc", "train", "plain.toml", "--data", "fake"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert error.split('"')[1] in line
    assert f"torch {version('torch')}: pip install -U torch torchvision" in line


@pytest.mark.parametrize("command", ["train", "smoke", "verify"])
def test_a_torch_that_does_not_load(command: str) -> None:
    broken = Path("broken/torch/__init__.py")
    broken.parent.mkdir(parents=True)
    broken.write_text('raise ImportError("libtorch_cpu.so: cannot open")\n')
    path = os.pathsep.join([str(broken.parents[1].resolve()), str(ROOT)])
    data = ("--data", "fake") if command == "train" else ()
    done = subprocess.run(
        [sys.executable, "-m", "archc", command, "plain.toml", *data],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "libtorch_cpu.so: cannot open" in line and "pip install" in line


def test_an_error_in_the_spec() -> None:
    Path("plain.toml").write_text(PLAIN.replace("kernel_size = 3", "kernel_size = 9"))
    assert train("plain.toml", "--data", "digits").exit_code == 1


def test_memory_that_runs_out_is_said_in_a_line() -> None:
    """torch's allocator raises such an error on the CPU."""
    assert invoke("compile", "plain.toml").exit_code == 0
    module = Path("generated/plain.py")
    line = "def forward(self, x: Tensor) -> Tensor:\n"
    error = 'raise RuntimeError("DefaultCPUAllocator: not enough memory")'
    module.write_text(module.read_text().replace(line, f"{line}        {error}\n"))
    done = train("plain.toml", "--data", "digits", "--epochs", 1, "--batch", 32)
    assert done.exit_code == 1
    assert "memory ran out with batches of 32" in done.stderr
    assert "archc memory plain.toml --fit SIZE" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_module_with_too_few_scores(command: str) -> None:
    """A GPU would assert it and answer no more."""
    assert invoke("compile", "plain.toml").exit_code == 0
    module = Path("generated/plain.py")
    text = module.read_text()
    assert text.count("return self.fc(x)") == 1
    module.write_text(text.replace("return self.fc(x)", "return self.fc(x)[:, :7]"))
    weights = ()
    if command == "evaluate":
        torch.save(archc.load("plain.toml").module().state_dict(), "plain.pt")
        weights = ("--weights", "plain.pt")
    done = invoke(command, "plain.toml", "--data", "digits", *weights)
    assert done.exit_code == 1
    said = {"train": "7 scores are too few for 10 classes", "evaluate": "gives (7,)"}
    assert said[command] in done.stderr and "Traceback" not in done.output
