"""Weights from a file: a state dict, or what `archc train` wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast
from warnings import catch_warnings

import torch
from torch import Tensor

from archc.escaping import visible
from archc.source.kinds import is_list, is_table

_WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before each name."""
_NESTED = ("average", "state_dict", "model_state_dict", "model")
"""Under what a state dict is kept in checkpoints. The moving average is what `archc
train` tests; it is empty where there is none."""
_LISTED = 3
"""How many names a message has."""


class BadWeights(ValueError):
    """Weights that cannot be used; one line with the reason and the mend."""


@dataclass(frozen=True, slots=True)
class Weights:
    """A state dict in float32 on the CPU, and what is known of it."""

    source: str
    """A file, or where else they are from."""
    tensors: Mapping[str, Tensor]
    classes: tuple[str, ...] = ()
    """The names of the outputs; empty if nobody wrote them down."""
    preprocessing: Mapping[str, Any] | None = None
    """What is done to an image, as `Preprocessing.as_dict` has it."""
    notes: tuple[str, ...] = ()
    """What was done to them, a line each."""


def read(path: Path) -> Weights:
    """The weights in a file, `.safetensors` or what `torch.save` writes.

    It may be a state dict, a checkpoint that holds one, or a checkpoint of `archc
    train` of any version, with the classes and the preprocessing if that wrote them.
    Nothing in the file is executed.

    Raises:
        BadWeights: if it cannot be read, or holds no weights.
    """
    if path.suffix == ".safetensors":
        return from_state_dict(_safetensors(path), visible(str(path)))
    state, elsewhere = unpickled(path)
    found = from_state_dict(_nested(state), visible(str(path)))
    about = state if is_table(state) and "classes" in state else _beside(path)
    names, steps = about.get("classes"), about.get("preprocessing")
    if elsewhere:
        note = f"{found.source} was written from {elsewhere}: read onto the CPU"
        found = replace(found, notes=(note, *found.notes))
    return replace(
        found,
        classes=tuple(map(str, names)) if is_list(names) else (),
        preprocessing=steps if is_table(steps) else None,
    )


def unpickled(path: Path) -> tuple[Any, str]:
    """What `torch.save` wrote, on the CPU, and where it was if not there.

    Raises:
        BadWeights: if it cannot be read, or is more than data.
    """
    shown = visible(str(path))
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise BadWeights(f"cannot read {shown}: {reason}") from error
    places: set[str] = set()

    def onto_cpu(storage: Any, location: str) -> Any:
        places.add(location)
        return storage

    try:
        with catch_warnings(action="ignore"):
            state: Any = torch.load(BytesIO(content), onto_cpu, weights_only=True)
    # what a file that is something else may raise
    except Exception as error:
        raise BadWeights(f"{shown} {_not_data(error, content)}") from error
    return state, ", ".join(sorted(places - {"cpu"}))


def _not_data(error: Exception, content: bytes) -> str:
    """Why a file could not be unpickled, as the end of a sentence."""
    said = str(error)
    marks = ("unsupported global", "unsupported class", "not an allowed global")
    refused = any(mark in said.lower() for mark in (*marks, "torchscript"))
    # a pickle with what state dicts do without
    refused |= "Unsupported operand" in said and content[:1] in (b"\x80", b"P")
    if refused:
        return (
            "holds more than tensors, and would run code when it is read: write it with"
            " torch.save(model.state_dict(), FILE)"
        )
    return "is damaged, or was not written by torch.save or safetensors"


def _safetensors(path: Path) -> Mapping[str, Tensor]:
    shown = visible(str(path))
    try:
        from safetensors.torch import load
    except ImportError as error:
        raise BadWeights(
            f"{shown} needs safetensors: pip install 'archc-compiler[torch]'"
        ) from error
    try:
        return load(path.read_bytes())
    except OSError as error:
        reason = error.strerror or error
        raise BadWeights(f"cannot read {shown}: {reason}") from error
    # its header may be wrong in many ways
    except Exception as error:
        raise BadWeights(f"{shown} is damaged, or no safetensors file") from error


def _nested(state: Any) -> Any:
    """The state dict in what was saved, which may be one itself."""
    if is_table(state) and not _holds_tensors(state):
        held = (state.get(key) for key in _NESTED)
        return next(filter(_holds_tensors, held), state)
    return state


def _holds_tensors(found: Any) -> bool:
    return is_table(found) and any(isinstance(x, Tensor) for x in found.values())


def _beside(path: Path) -> Mapping[str, Any]:
    """What `archc train` wrote of the `model.pt` beside it."""
    if path.name != "model.pt":
        return {}
    try:
        found: Any = json.loads((path.parent / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if is_table(found) else {}


def from_state_dict(state: Any, source: str) -> Weights:
    """A state dict as weights: names without wrappers, numbers in float32.

    Raises:
        BadWeights: if it holds something else, or numbers that are not finite.
    """
    if not isinstance(state, Mapping) or not state:
        raise BadWeights(f"{source} holds no state dict: names with tensors")
    given = cast("Mapping[Any, Any]", state)
    for name, tensor in given.items():
        if type(name) is not str or not isinstance(tensor, Tensor):
            shown = visible(repr(name))
            raise BadWeights(
                f"{source} holds no state dict: {shown} is no tensor with a name"
            )
        _check(name, tensor, source)
    tensors: dict[str, Tensor] = dict(given)
    notes: list[str] = []
    for wrapper in _WRAPPERS:
        if all(name.startswith(wrapper) for name in tensors):
            tensors = {n.removeprefix(wrapper): t for n, t in tensors.items()}
            notes.append(f"{source}: `{wrapper}` before each name was taken off")
    others = {t.dtype for t in tensors.values() if _floats(t)} - {torch.float32}
    if others:
        kinds = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in others))
        notes.append(f"{source} holds {kinds}: read as float32")
    plain = {
        name: tensor.detach().to("cpu", torch.float32 if _floats(tensor) else None)
        for name, tensor in tensors.items()
    }
    return Weights(source, plain, notes=tuple(notes))


def _floats(tensor: Tensor) -> bool:
    return tensor.is_floating_point()


def _check(name: str, tensor: Tensor, source: str) -> None:
    shown = visible(name)
    if tensor.is_meta:
        raise BadWeights(f"{source}: {shown} has no values, it is on the meta device")
    odd = tensor.is_complex() or tensor.is_quantized or tensor.layout != torch.strided
    if odd:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise BadWeights(
            f"{source}: {shown} is {kind}, {tensor.layout}: only dense tensors of real"
            " numbers can be loaded"
        )
    # a file of a few bytes may say so of a tensor that no memory holds
    if tensor.numel() * tensor.itemsize > tensor.untyped_storage().nbytes():
        raise BadWeights(
            f"{source}: {shown} repeats numbers that it has once: save it after"
            " .contiguous()"
        )
    if _floats(tensor) and not torch.isfinite(tensor.float()).all():
        raise BadWeights(f"{source}: {shown} has numbers that are not finite")


def some(names: list[str]) -> str:
    """A few names, and how many more there are."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(map(visible, names[:_LISTED])) + more
