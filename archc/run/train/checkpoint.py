"""The whole state of a training, in one file."""

from __future__ import annotations

from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from archc.output import Output, write
from archc.run.train.errors import CannotTrain
from archc.run.train.record import Row
from archc.run.train.trainer import Sums, Trainer
from archc.source.kinds import is_table

_FORMAT = 1


def save(trainer: Trainer, path: Path) -> None:
    """Replaces the file in one step; all processes must call it, the first one writes.

    The order of the images is not in it: it follows from the seed and the epoch.
    """
    trainer.settle()
    own = {"randomness": trainer.randomness(), "sums": asdict(trainer.sums)}
    processes = trainer.world.gathered(own)
    if not trainer.world.leads:
        return
    state = {
        "format": _FORMAT,
        "settings": trainer.settings.as_dict(),
        "epoch": trainer.epoch,
        "step": trainer.step,
        "model": trainer.model.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "scaler": trainer.scaler.state_dict(),
        "history": [asdict(row) for row in trainer.history],
        "processes": processes,
    }
    write([Output(path, packed(state))])


def packed(state: Any) -> bytes:
    """What `torch.save` writes."""
    buffer = BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def restore(trainer: Trainer, path: Path) -> None:
    """Puts a trainer where the one that saved was.

    Raises:
        CannotTrain: if the file is none of these, or its settings were others.
    """
    state = _read(path)
    differences = trainer.settings.differences(state["settings"])
    if differences:
        raise CannotTrain(
            f"{path} is of other settings, and --resume cannot change them:"
            f" {'; '.join(differences)}"
        )
    trainer.epoch, trainer.step = state["epoch"], state["step"]
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    trainer.scaler.load_state_dict(state["scaler"])
    trainer.history = [Row(**row) for row in state["history"]]
    own = state["processes"][trainer.world.rank]
    trainer.sums = Sums(**own["sums"])
    trainer.restore_randomness(own["randomness"])


def _read(path: Path) -> dict[str, Any]:
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise CannotTrain(f"cannot read {path}: {error}") from error
    # what a file that is something else may raise
    except Exception as error:
        raise CannotTrain(f"{path} is no checkpoint of archc train") from error
    if not is_table(state) or state.get("format") != _FORMAT:
        raise CannotTrain(f"{path} is no checkpoint of this version of archc train")
    return state
