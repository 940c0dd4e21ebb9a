"""The whole state of a training, in one file."""

from __future__ import annotations

from dataclasses import asdict, fields
from io import BytesIO
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import torch
from torch import Tensor

from archc.output import Output, write
from archc.run.train.errors import CannotTrain
from archc.run.train.record import Row
from archc.run.train.sums import Sums
from archc.run.train.template import Wrong, finite, like, within
from archc.run.train.trainer import Trainer
from archc.source.kinds import is_list, is_table
from archc.spec.expressions import is_tuple

_FORMAT = 3
_EARLIER = {
    1: "the classes",
    2: "how often a class is among five, and how weights are averaged",
}
"""Formats before it, and what they did not hold."""


def save(trainer: Trainer, path: Path) -> None:
    """Replaces the file in one step; all processes must call it, the first one writes.

    The order of the images is not in it: it follows from the seed and the epoch.
    """
    trainer.settle()
    processes = trainer.world.gathered(_own(trainer))
    if trainer.world.leads:
        write([Output(path, packed(_shared(trainer) | {"processes": processes}))])


def _shared(trainer: Trainer) -> dict[str, Any]:
    """What is the same for all processes."""
    return {
        "format": _FORMAT,
        "settings": trainer.settings.as_dict(),
        **about_images(trainer),
        "epoch": trainer.epoch,
        "step": trainer.step,
        "model": trainer.model.state_dict(),
        "average": {} if trainer.average is None else trainer.average.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "scaler": trainer.scaler.state_dict(),
        "history": [asdict(row) for row in trainer.history],
    }


def _own(trainer: Trainer) -> dict[str, Any]:
    """What each process has for itself."""
    return {"randomness": trainer.randomness(), "sums": asdict(trainer.sums)}


def about_images(trainer: Trainer) -> dict[str, Any]:
    """What someone must know who uses the weights."""
    return {
        "classes": list(trainer.data.names),
        "preprocessing": trainer.preprocessing.as_dict(),
    }


def best(trainer: Trainer) -> bytes:
    """The weights of the epoch that is over, with what someone must know who uses
    them."""
    return packed(
        about_images(trainer)
        | {
            "model": trainer.learned.state_dict(),
            "epoch": trainer.epoch,
            "test_accuracy": trainer.history[-1].test_accuracy,
        }
    )


def packed(state: Any) -> bytes:
    """What `torch.save` writes of what is on the CPU, so that it can be loaded where
    there is no GPU."""
    buffer = BytesIO()
    torch.save(_on_cpu(state), buffer)
    return buffer.getvalue()


def _on_cpu(state: Any) -> Any:
    """Tensors in tables, lists and tuples, moved there."""
    if isinstance(state, Tensor):
        return state.cpu()
    if is_table(state):
        return {key: _on_cpu(value) for key, value in state.items()}
    if is_list(state):
        return [_on_cpu(value) for value in state]
    if is_tuple(state):
        return tuple(map(_on_cpu, state))
    return state


def restore(trainer: Trainer, path: Path) -> int:
    """Puts a trainer where the one that saved was; returns the epochs that it was to
    have.

    Raises:
        CannotTrain: if the file is none of these, its settings or classes were others,
            or something in it is not what this training can go on from.
    """
    state = _read(path)
    try:
        differences = _differences(trainer, state)
        if not differences:
            _check(trainer, state)
            _load(trainer, state)
    # what of the right form makes no sense, such as the state of random numbers, may
    # raise anything
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CannotTrain(
            f"{path} is damaged ({reason}): --output names a place to start anew"
        ) from error
    if differences:
        raise CannotTrain(
            f"{path} is of other settings, and --resume cannot change them:"
            f" {'; '.join(differences)}"
        )
    return state["settings"]["epochs"]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = BytesIO(path.read_bytes())
    except OSError as error:
        raise CannotTrain(f"cannot read {path}: {error.strerror or error}") from error
    try:
        with catch_warnings(action="ignore"):
            state: Any = torch.load(content, map_location="cpu", weights_only=True)
    # what a file that is something else may raise
    except Exception as error:
        raise CannotTrain(f"{path} is no checkpoint of archc train") from error
    if not is_table(state) or "format" not in state:
        raise CannotTrain(f"{path} is no checkpoint of archc train")
    number = state["format"]
    if type(number) is int and number in _EARLIER:
        raise CannotTrain(
            f"{path} is of an earlier version of archc, which did not write down"
            f" {_EARLIER[number]}: --output names a place to start anew, --weights"
            f" {path} starts with its weights"
        )
    if type(number) is not int or number != _FORMAT:
        raise CannotTrain(f"{path} is no checkpoint of this version of archc train")
    return state


def _differences(trainer: Trainer, state: dict[str, Any]) -> list[str]:
    """How settings, classes and preprocessing were others, in words."""
    form: dict[str, Any] = {"settings": {}, "classes": [""], "preprocessing": {}}
    like(form, state, only=tuple(form))
    found = trainer.settings.differences(state["settings"])
    own = about_images(trainer)
    if state["classes"] != own["classes"]:
        found.append(_other_classes(state["classes"], own["classes"]))
    was, now = state["preprocessing"], own["preprocessing"]
    return found + [
        f"{name.replace('_', ' ')} of the images was {was.get(name)} and is {value}"
        for name, value in now.items()
        if was.get(name) != value
    ]


def _other_classes(was: list[str], now: list[str]) -> str:
    """How the classes differ: in which there are, or in their order."""
    gone = [name for name in was if name not in now]
    new = [name for name in now if name not in was]
    if gone or new:
        words = [f"without {_some(gone)}"] if gone else []
        words += [f"with {_some(new)}"] if new else []
        return (
            f"the {len(was)} classes were others: now they are {len(now)},"
            f" {' and '.join(words)}"
        )
    first = next((i for i, name in enumerate(now) if was[i] != name), len(now))
    return f"the classes have another order, from the {first + 1}. on"


def _some(names: list[str]) -> str:
    listed = ", ".join(names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{listed}{more}"


def _check(trainer: Trainer, state: dict[str, Any]) -> None:
    """That all is there that a trainer writes, and of such a kind that it goes on.

    A trainer that has done nothing is what it is compared to.
    """
    row = {field.name: 0 if field.name == "epoch" else 0.0 for field in fields(Row)}
    template = _shared(trainer) | {"history": [row], "processes": [_own(trainer)]}
    ranks = range(trainer.settings.processes)
    random = [f"processes[{i}].randomness.python" for i in ranks]
    like(template, state, but=("optimizer.state", *random))
    if trainer.average is None and state["average"]:
        raise Wrong("`average` is not empty, and no weights are averaged")
    within(state["epoch"], state["settings"]["epochs"], "epoch")
    within(state["step"], trainer.per_epoch, "step")
    done = [row["epoch"] for row in state["history"]]
    if done != [*range(1, state["epoch"] + 1)]:
        raise Wrong(f"`history` has the epochs {done}, and {state['epoch']} are over")
    if len(state["processes"]) != len(ranks):
        found = len(state["processes"])
        raise Wrong(f"`processes` holds {found} instead of {len(ranks)}")
    _check_optimizer(trainer, state)
    _check_scaler(trainer.scaler.state_dict(), state["scaler"])
    for name in ("model", "average", "optimizer", "scaler", "history"):
        finite(state[name], name)
    for i, own in enumerate(state["processes"]):
        finite(own["sums"], f"processes[{i}].sums")


def _check_optimizer(trainer: Trainer, state: dict[str, Any]) -> None:
    """What it keeps of a parameter has the form that it gives it."""
    place = "optimizer.state"
    kept = state["optimizer"]["state"]
    template = trainer.optimizer.state_dict()
    like({}, kept, place)
    for own, found in zip(
        template["param_groups"], state["optimizer"]["param_groups"], strict=True
    ):
        # the rate is set at each step
        odd = [name for name in own if name != "lr" and own[name] != found[name]]
        if odd:
            raise Wrong(f"`optimizer.param_groups` has another {odd[0]}")
    groups = trainer.optimizer.param_groups
    parameters: list[Tensor] = [p for group in groups for p in group["params"]]
    for i, found in kept.items():
        if type(i) is not int or not 0 <= i < len(parameters):
            raise Wrong(f"`{place}` has {i!r}, which is no parameter")
        like(trainer.kept(parameters[i]), found, f"{place}.{i}")
    begun = state["epoch"] or state["step"]
    if begun and not kept and trainer.kept(parameters[0]):
        raise Wrong(f"`{place}` is empty")


def _check_scaler(own: dict[str, Any], found: dict[str, Any]) -> None:
    """It is empty without fp16; else two of its numbers change as it goes."""
    moving = {"scale", "_growth_tracker"}
    if own:
        odd = [name for name in own if name not in moving and own[name] != found[name]]
        if odd:
            raise Wrong(f"`scaler` has another {odd[0]}")
        within(
            found["_growth_tracker"], own["growth_interval"], "scaler._growth_tracker"
        )
        if found["scale"] <= 0:
            raise Wrong(f"`scaler.scale` is {found['scale']}")


def _load(trainer: Trainer, state: dict[str, Any]) -> None:
    own = state["processes"][trainer.world.rank]
    trainer.model.load_state_dict(state["model"])
    if trainer.average is not None:
        trainer.average.load_state_dict(state["average"])
        trainer.averaged_before(state["epoch"] * trainer.per_epoch + state["step"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.scaler.load_state_dict(state["scaler"])
    trainer.restore_randomness(own["randomness"])
    trainer.epoch, trainer.step = state["epoch"], state["step"]
    trainer.history = [Row(**row) for row in state["history"]]
    trainer.sums = Sums(**own["sums"])
