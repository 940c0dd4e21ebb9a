"""Weights that are given: read from files of any kind, and held to the network."""

from __future__ import annotations

import os
import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import archc
from tests.command import invoke
from tests.run.training import STATEFUL


@pytest.fixture
def lenet(tmp_path: Path) -> Path:
    """The weights of an instance, whose numbers no other has."""
    torch.manual_seed(7)
    path = tmp_path / "lenet.pt"
    torch.save(archc.load("d2l/lenet").module().state_dict(), path)
    return path


def same(model: nn.Module, state: dict[str, Tensor]) -> bool:
    own = model.state_dict()
    return own.keys() == state.keys() and all(
        torch.equal(own[name], state[name]) for name in own
    )


def said(*arguments: object, exit_code: int = 2) -> str:
    """The one line with which a command answers on stderr."""
    done = invoke(*arguments)
    assert done.exit_code == exit_code, done.output
    (line,) = done.stderr.splitlines()
    return line


def refused(path: object, spec: str = "d2l/lenet") -> str:
    return said("memory", spec, "--weights", path)


def test_a_state_dict_is_read(lenet: Path, tmp_path: Path) -> None:
    state = torch.load(lenet, weights_only=True)
    network = archc.load("d2l/lenet")
    assert same(network.module(weights=lenet), state)
    assert same(network.module(weights=str(lenet)), state)
    assert same(network.module(weights=state), state)
    other = tmp_path / "lenet.safetensors"
    save_file(state, other)
    assert same(network.module(weights=other), state)


@pytest.mark.parametrize("wrapper", ["module.", "_orig_mod."])
def test_wrappers_and_nests_are_taken_off(
    wrapper: str, lenet: Path, tmp_path: Path
) -> None:
    state = torch.load(lenet, weights_only=True)
    path = tmp_path / "wrapped.pt"
    wrapped = {f"{wrapper}{name}": tensor for name, tensor in state.items()}
    torch.save({"epoch": 3, "state_dict": wrapped}, path)
    assert same(archc.load("d2l/lenet").module(weights=path), state)
    assert wrapper in said("memory", "d2l/lenet", "--weights", path, exit_code=0)


def test_half_precision_is_read_and_said(lenet: Path, tmp_path: Path) -> None:
    state = torch.load(lenet, weights_only=True)
    path = tmp_path / "half.pt"
    torch.save({name: tensor.half() for name, tensor in state.items()}, path)
    model = archc.load("d2l/lenet").module(weights=path)
    assert same(model, {name: x.half().float() for name, x in state.items()})
    line = said("memory", "d2l/lenet", "--weights", path, exit_code=0)
    assert line == f"{path} holds float16: read as float32"


def test_tensors_of_a_gpu_are_read_onto_the_cpu(lenet: Path, tmp_path: Path) -> None:
    path = tmp_path / "gpu.pt"
    with zipfile.ZipFile(lenet) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry.endswith("data.pkl"):
                # BINUNICODE with its length in front
                assert b"X\x03\x00\x00\x00cpu" in content
                content = content.replace(
                    b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"
                )
            new.writestr(entry, content)
    state = torch.load(lenet, weights_only=True)
    assert same(archc.load("d2l/lenet").module(weights=path), state)
    assert "cuda:0" in said("memory", "d2l/lenet", "--weights", path, exit_code=0)


class _Harm:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("it_ran"),))


class _System:
    """Of a module that torch blocks by name, and says so in other words."""

    def __reduce__(self) -> Any:
        return (os.system, ("touch it_ran",))


@pytest.mark.parametrize("how", ["torch", "pickle", "module", "system"])
def test_what_would_run_code_is_refused(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "harm.pt"
    if how == "pickle":
        path.write_bytes(pickle.dumps(_Harm()))
    else:
        held = {"module": nn.Linear(2, 2), "system": _System()}.get(how, _Harm())
        torch.save({"a": held}, path)
    line = refused(path)
    assert "would run code" in line and "state_dict()" in line
    assert not Path("it_ran").exists()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, "holds no state dict"),
        ([1, 2], "holds no state dict"),
        ({"a": 1}, "holds no state dict"),
        ({3: torch.ones(2)}, "3 is no tensor with a name"),
        ({"a": torch.tensor([1.0, torch.nan])}, "a has numbers that are not finite"),
        ({"a": torch.ones(2, dtype=torch.complex64)}, "complex64"),
        ({"a": torch.ones(2, device="meta")}, "no values"),
        ({"a": torch.ones(2).to_sparse()}, "dense"),
        ({"a": torch.ones(1).expand(10**11)}, "a repeats numbers that it has once"),
        ({"a": torch.ones(9).as_strided((5, 5), (1, 1))}, "a repeats numbers"),
        ({"a\x1b[31m": torch.ones(2)}, r"a\x1b[31m"),
    ],
)
def test_what_holds_no_weights_is_refused(
    state: Any, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "odd.pt"
    torch.save(state, path)
    line = refused(path)
    assert words in line and "\x1b" not in line


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
def test_what_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert "cannot read" in refused(path)
    path.mkdir()
    assert "cannot read" in refused(path)
    path.rmdir()
    for content in (b"", b"PK\x03\x04", b"\xff" * 1000, b"\x08" + b"\0" * 7 + b"{}"):
        path.write_bytes(content)
        assert "damaged" in refused(path)


def test_weights_of_another_network_are_refused(lenet: Path) -> None:
    line = refused(lenet, "torchvision/alexnet")
    assert "16 of its 16 tensors are missing, first features.0.weight" in line
    assert "10 do not belong there" in line
    line = refused(lenet, "d2l/lenet_bn")
    assert "are missing" in line


def test_a_name_that_is_nearly_right_is_offered(lenet: Path, tmp_path: Path) -> None:
    state = torch.load(lenet, weights_only=True)
    first = next(iter(state))
    state[first.replace("weight", "wieght")] = state.pop(first)
    path = tmp_path / "typo.pt"
    torch.save(state, path)
    line = refused(path)
    assert "1 of its 10 tensors is missing" in line
    assert f"first {first} (the nearest there is {first.replace('ei', 'ie')})" in line
    assert "and 1 does not belong there" in line
    state[first] = state[first.replace("weight", "wieght")]
    torch.save(state, path)
    assert f"(the nearest there is {first})" in refused(path)


def test_another_number_of_classes_is_told(lenet: Path, tmp_path: Path) -> None:
    path = tmp_path / "seven.pt"
    torch.save(archc.load("d2l/lenet", num_classes=7).module().state_dict(), path)
    line = refused(path)
    assert "is of 7 classes, and d2l/lenet of 10" in line
    assert line.endswith("--set num_classes=7")
    state = torch.load(lenet, weights_only=True)
    state["net.0.weight"] = torch.zeros(6, 1, 3, 3)
    torch.save(state, path)
    assert "net.0.weight is 6 x 1 x 3 x 3 instead of 6 x 1 x 5 x 5" in refused(path)


def test_auxiliary_classifiers_may_be_missing(tmp_path: Path) -> None:
    spec = tmp_path / "stateful.toml"
    spec.write_text(STATEFUL)
    network = archc.load(spec)
    state = network.module().state_dict()
    counters = [name for name in state if name.endswith("num_batches_tracked")]
    assert counters
    bare = {n: t for n, t in state.items() if "aux" not in n and n not in counters}
    made = network.module(weights=bare)
    assert torch.equal(made.state_dict()["conv.weight"], state["conv.weight"])
    del bare["fc.bias"]
    with pytest.raises(ValueError, match=r"1 of its 11 tensors is missing.*fc\.bias"):
        network.module(weights=bare)


def test_smoke_starts_from_the_weights(lenet: Path) -> None:
    done = invoke("smoke", "d2l/lenet", "--weights", str(lenet), "--steps", "2")
    assert "runs" in done.output or "passes" in done.output or done.exit_code in (0, 1)
    assert "net.0.weight" in said(
        "smoke", "d2l/lenet", "--weights", _without_first(lenet)
    )


def _without_first(path: Path) -> Path:
    state = torch.load(path, weights_only=True)
    state.pop("net.0.weight")
    other = path.with_name("less.pt")
    torch.save(state, other)
    return other


def test_published_weights_are_torchvisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """They come from a server; here a random state stands for what it gives."""
    from torchvision import models
    from torchvision.models import _api

    torch.manual_seed(3)
    state = models.squeezenet1_1().state_dict()
    asked: list[str] = []

    def served(url: str, **_: Any) -> dict[str, Tensor]:
        asked.append(url)
        buffer = BytesIO()
        torch.save(state, buffer)
        return torch.load(BytesIO(buffer.getvalue()), weights_only=True)

    monkeypatch.setattr(_api, "load_state_dict_from_url", served)
    network = archc.load("torchvision/squeezenet1_1")
    assert same(network.module(weights="torchvision"), state)
    assert len(asked) == 1 and "squeezenet1_1" in asked[0]

    from archc.run.weights.published import published

    found = published("specs/torchvision/squeezenet1_1.toml")
    assert len(found.classes) == 1000 and found.classes[0] == "tench"
    assert found.preprocessing is not None
    assert found.preprocessing["shorter_side"] == 256
    assert found.preprocessing["center_crop"] == [224, 224]


def test_what_is_not_published_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import _api

    assert "editions of torchvision" in refused("torchvision")

    def lost(url: str, **_: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(_api, "load_state_dict_from_url", lost)
    line = refused("torchvision", "torchvision/squeezenet1_1")
    assert "could not be downloaded: no route to host" in line
