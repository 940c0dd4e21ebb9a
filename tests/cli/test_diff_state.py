"""`archc diff SPEC FILE`: whether weights fit, and what would make them fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from archc import load

from .conftest import Archc


def state_of(name: str) -> dict[str, Any]:
    return getattr(torchvision.models, name)().state_dict()


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_weights_that_fit(archc: Archc, tree: Path, suffix: str) -> None:
    state = state_of("resnet18")
    file = tree / f"w.{suffix}"
    save_file(state, file) if suffix == "safetensors" else torch.save(state, file)
    done = archc("diff", "torchvision/resnet18", file, "--format", "json")
    found = json.loads(done.stdout)
    assert found["strict"] and found["tensors"] == len(state)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("resnet50", "resnet50"), ("vgg11", "vgg11"), ("squeezenet", "squeezenet1_1")],
)
def test_renames_make_weights_fit(
    archc: Archc, tree: Path, ours: str, theirs: str, suffix: str
) -> None:
    """Held to `load_state_dict` and to the outputs: the wrong of two equal shapes
    would be seen there."""
    key = {"squeezenet": "torchvision/squeezenet1_1"}.get(ours, ours)
    network = load(key)
    model = getattr(torchvision.models, theirs)().eval()
    state = {f"module.{k}": v for k, v in model.state_dict().items()}
    file = tree / f"w.{suffix}"
    if suffix == "safetensors":
        save_file(state, file)
    else:
        torch.save({"epoch": 3, "model": state}, file)
    done = archc("diff", key, file, "--remap", "names.json")
    assert done.exit_code == 0, done.output
    assert "are renamed; --remap" in done.stdout.replace("\n", " ")
    names = json.loads(Path("names.json").read_text())
    live = network.module()
    live.load_state_dict({names.get(k, k): v for k, v in state.items()}, strict=True)
    if key.startswith("torchvision"):
        x = torch.rand(1, 3, 64, 64)
        assert torch.equal(live.eval()(x), model(x))


def test_weights_of_another_network(archc: Archc, tree: Path) -> None:
    state = state_of("resnet18")
    state["fc.weight"], state["extra"] = torch.zeros(10, 512), torch.zeros(1)
    del state["bn1.bias"]
    save_file(state, tree / "w.safetensors")
    done = archc("diff", "torchvision/resnet18", "w.safetensors")
    for line in (
        "w.safetensors does not fit torchvision/resnet18.",
        "  bn1.bias",
        "  extra",
        "  fc.weight: 1000×512 in the network, 10×512 in the file",
    ):
        assert line in done.stdout.splitlines()


def test_counters_may_be_left_out(archc: Archc, tree: Path) -> None:
    state = {k: v for k, v in state_of("resnet18").items() if "num_batches" not in k}
    save_file(state, tree / "w.safetensors")
    assert (
        "w.safetensors fits"
        in archc("diff", "torchvision/resnet18", "w.safetensors").stdout
    )
    load("torchvision/resnet18").module().load_state_dict(state, strict=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.safetensors", b""),
        ("w.safetensors", b"\xff" * 16),
        ("w.safetensors", (2).to_bytes(8, "little") + b"[]"),
        ("w.safetensors", (9).to_bytes(8, "little") + b'{"a":{}}'),
        ("w.pt", b"no"),
    ],
)
def test_files_that_are_broken(
    archc: Archc, tree: Path, name: str, content: bytes
) -> None:
    Path(name).write_bytes(content)
    done = archc("diff", "lenet5", name)
    assert done.exit_code == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert archc("diff", "lenet5", "nosuch.pt").exit_code == 2


def test_a_pickled_module_is_not_run(archc: Archc, tree: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), "w.pt")
    done = archc("diff", "lenet5", "w.pt")
    assert done.exit_code == 2 and "would run code" in done.stderr
