"""What a file that torch saved holds."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from archc.source.kinds import is_table

_WRAPPED = ("state_dict", "model_state_dict", "model", "module", "net")
"""Where trainings keep the weights in what they save."""


class NoState(Exception):
    """A file that holds no weights; as text, why."""


def shapes_in(file: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a `state_dict`, by key; nothing in the file is run.

    Raises:
        NoState: if it holds none, or what only runs code can load.
        OSError: if it cannot be read.
    """
    try:
        found: Any = torch.load(file, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except UnpicklingError as error:
        raise NoState(
            "holds more than weights, and loading that would run code: save"
            " `model.state_dict()` alone"
        ) from error
    except Exception as error:  # a bad file fails in many ways
        raise NoState("is no file of weights that torch saved") from error
    while is_table(found) and not _tensors(found):
        found = next((found[k] for k in _WRAPPED if k in found), None)
    shapes = _tensors(found) if is_table(found) else {}
    if not shapes:
        raise NoState("holds no `state_dict`")
    return shapes


def _tensors(found: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {
        str(key): tuple(value.shape)
        for key, value in found.items()
        if isinstance(value, torch.Tensor)
    }
