"""A checkpoint that is not this training's, in whatever way, is refused in one line."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from archc.run.train.checkpoint import restore, save
from archc.run.train.data import Wanted, load
from archc.run.train.errors import CannotTrain
from archc.run.train.trainer import Trainer
from archc.run.train.world import World
from tests.run.test_train_distributed import network
from tests.run.test_train_parts import settings
from tests.run.training import PLAIN, refusal, result, train

SGD = settings(batch=512, momentum=0.9, epochs=2)
ADAM = settings(batch=512, optimizer="adam", epochs=2, precision="bf16")


@cache
def trainer(chosen: Any = SGD) -> Trainer:
    data = load(Wanted("digits", None, download=False), (1, 8, 8), 10)
    return Trainer(network(), data, (1, 8, 8), chosen, World(torch.device("cpu")))


@pytest.fixture(scope="module", params=[SGD, ADAM], ids=["sgd", "adam"])
def made(request: pytest.FixtureRequest, tmp_path_factory: Any) -> tuple[Any, Any]:
    """Settings, and the state after an epoch with them."""
    path = tmp_path_factory.mktemp("made") / "checkpoint.pt"
    trainer.cache_clear()  # this may be made again, behind the other one
    done = trainer(request.param)
    assert done.epoch == 0
    for _ in done.steps():
        done.settle()
    done.close_epoch(1.0, 0.0)
    save(done, path)
    restore(trainer(request.param), path)
    return request.param, torch.load(path, weights_only=True)


Path_ = tuple[Any, ...]
OTHERS: list[Any] = [
    None, "x", -7, 3.5, 10**30, float("nan"), True, [], {}, [{}], {"a": 1}, (),
    torch.zeros(3), torch.tensor(torch.nan), torch.zeros(0, dtype=torch.int8),
]  # fmt: skip


def places(value: Any, place: Path_ = ()) -> Iterator[Path_]:
    yield place
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*place, key))
    elif isinstance(value, list | tuple) and 0 < len(value) < 20:
        yield from places(value[0], (*place, 0))


def changed(value: Any, place: Path_, change: Callable[[dict, Any], None]) -> Any:
    """A copy in which the last key of a place is changed."""
    copy = list(value) if isinstance(value, tuple) else value.copy()
    if len(place) == 1:
        change(copy, place[0])
    else:
        copy[place[0]] = changed(value[place[0]], place[1:], change)
    return tuple(copy) if isinstance(value, tuple) else copy


def told(chosen: Any, state: Any, directory: Path) -> str | None:
    """What is said of a state; None if it is taken. Nothing else may be raised."""
    path = directory / "checkpoint.pt"
    torch.save(state, path)
    try:
        restore(trainer(chosen), path)
    except CannotTrain as error:
        assert "\n" not in str(error) and str(path) in str(error)
        return str(error)
    return None


def put(value: Any) -> Callable[[Any, Any], None]:
    return lambda table, key: table.__setitem__(key, value)


def test_each_key_missing(made: tuple[Any, Any], tmp_path: Path) -> None:
    chosen, state = made
    keys = [p for p in places(state) if p and isinstance(p[-1], str)]
    assert len([p for p in keys if len(p) == 1]) == 12
    for place in keys:
        broken = changed(state, place, lambda table, key: table.pop(key))
        assert told(chosen, broken, tmp_path) is not None, place


def test_each_key_of_another_type(made: tuple[Any, Any], tmp_path: Path) -> None:
    chosen, state = made
    taken: list[Any] = []
    for place in places(state):
        for value in OTHERS:
            broken = changed(state, place, put(value)) if place else value
            if told(chosen, broken, tmp_path) is None:
                taken.append((place, value))
    # what may be so, or says nothing of what comes next
    for place, value in taken:
        own: Any = state
        for key in place:
            own = own[key]
        free = place[-1] == "lr" or place[0] in ("history", "processes")
        assert (
            free
            or (type(own) is type(value) and own == value)
            or (place in [("scaler",)] and own == {})
        ), (place, value)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        ("model.0.weight", torch.zeros(8, 1, 5, 5), "8 x 1 x 5 x 5 instead of"),
        ("model.0.weight", torch.zeros(8, 1, 3, 3).half(), "torch.float16 instead"),
        ("model.0.weight", torch.full((8, 1, 3, 3), torch.inf), "not finite"),
        ("model.0.extra", torch.zeros(1), "`model.0.extra` does not belong there"),
        ("optimizer.state", {}, "`optimizer.state` is empty"),
        ("optimizer.state", {9: {}}, "has 9, which is no parameter"),
        ("epoch", 3, "`epoch` is 3, and must be 0 to 2"),
        ("epoch", 0, "`history` has the epochs [1], and 0 are over"),
        ("step", 99, "`step` is 99, and must be 0 to 3"),
        ("processes", [], "`processes` holds 0 instead of 1"),
        ("settings.lr", 0.25, "lr was 0.25 and is 0.5"),
        ("format", 4, "no checkpoint of this version"),
        ("format", 1, "of an earlier version"),
        ("format", 2, "starts with its weights"),
        ("classes", list("0123456798"), "another order, from the 9. on"),
        ("classes", list("012345678"), "the 9 classes were others: now they are 10"),
        ("classes", [*"012345678", "nine"], "without nine and with 9"),
        ("preprocessing.mean", [0.5], "mean of the images was [0.5] and is None"),
    ],
)
def test_what_is_said(
    made: tuple[Any, Any], tmp_path: Path, place: str, value: Any, said: str
) -> None:
    chosen, state = made
    if place.startswith("model."):
        keys: Path_ = ("model", place.removeprefix("model."))
    else:
        keys = tuple(place.split("."))
    line = told(chosen, changed(state, keys, put(value)), tmp_path)
    assert line is not None and said in line


def test_momentum_of_another_shape(made: tuple[Any, Any], tmp_path: Path) -> None:
    chosen, state = made
    kept = state["optimizer"]["state"][0]
    name = next(n for n, v in kept.items() if isinstance(v, Tensor) and v.ndim)
    place = ("optimizer", "state", 0, name)
    line = told(chosen, changed(state, place, put(torch.zeros(2))), tmp_path)
    assert line is not None and f"`optimizer.state.0.{name}` is 2 instead of" in line


class Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return open, ("executed", "w")


def test_files_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN)
    common = ("plain.toml", "--data", "digits", "--epochs", 1, "--output", "o")
    assert train(*common).exit_code == 0
    checkpoint = Path("o/checkpoint.pt")
    whole = checkpoint.read_bytes()
    contents = [b"", b"no", whole[:100], whole[: len(whole) // 2], whole[:-1]]
    contents += [
        pickle.dumps({"a": 1}),
        pickle.dumps(Code()),
        Path("o/model.pt").read_bytes(),
    ]
    for content in contents:
        checkpoint.write_bytes(content)
        assert "is no checkpoint of archc train" in refusal(*common, "--resume")
    torch.save({"format": 2, "a": Code()}, checkpoint)
    assert "is no checkpoint of archc train" in refusal(*common, "--resume")
    assert not Path("executed").exists()
    checkpoint.unlink()
    checkpoint.mkdir()
    assert "cannot read o/checkpoint.pt" in refusal(*common, "--resume")


def test_classes_and_preprocessing_are_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plain.toml").write_text(PLAIN)
    common = ("plain.toml", "--data", "digits", "--epochs", 1, "--output", "o")
    assert train(*common).exit_code == 0
    found = result(Path("o"))
    assert found["classes"] == list("0123456789")
    assert found["preprocessing"] == {
        "mode": "L",
        "shorter_side": None,
        "center_crop": None,
        "grey": False,
        "size": [8, 8],
        "interpolation": "bilinear, antialiased",
        "scale": 1 / 255,
        "mean": None,
        "std": None,
        "channels": 1,
    }
    state = torch.load("o/checkpoint.pt", weights_only=True)
    assert state["classes"] == found["classes"]
    assert state["preprocessing"] == found["preprocessing"]
