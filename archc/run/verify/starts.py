"""How parameters start, held to the network's `[init]` and to PyTorch's own ways."""

from __future__ import annotations

from math import isclose
from typing import Any

import torch
from torch import Tensor, nn

from archc.network.graph import Layer
from archc.run.building import Building, building
from archc.run.fills import Start
from archc.run.live import module, named_tensors
from archc.run.verify.reference import Reference, path_of
from archc.run.verify.report import Verification
from archc.spec.model import Initializer


def compare_starts(
    built: nn.Module, starts: Building, reference: Reference, found: Verification
) -> None:
    """Holds the function that fills each parameter and buffer, and its numbers."""
    there = named_tensors(built)
    spec = found.subject.network.spec
    for layer, wanted in reference.layers.items():
        sample = wanted.sample
        stated = spec.starts(layer.op)
        for name, plain in zip(sample.tensors, sample.starts, strict=True):
            path = path_of(layer, name)
            tensor = there[path]
            how = stated.get(name)
            expected = plain if how is None else _by(how, tensor)
            start = starts.start(tensor)
            if start == expected:
                continue
            start = starts.in_full(start, tensor)
            if how is None:
                expected = _in_full(layer, name, expected)
            if not _alike(start, expected):
                message = f"starts with {_shown(start)} instead of {_shown(expected)}"
                found.refuse("initialization", path, message)


_started: dict[Any, Start] = {}


def _by(how: Initializer, tensor: Tensor) -> Start:
    """What a function of torch.nn.init does to a parameter of this shape."""
    key = how.function, tuple(how.arguments.items()), tuple(tensor.shape)
    if key not in _started:
        with building() as mode:
            twin = nn.Parameter(torch.empty(tensor.shape))
            getattr(nn.init, how.function)(twin, **how.arguments)
        _started[key] = mode.start(twin)
    return _started[key]


def _in_full(layer: Layer, name: str, start: Start) -> Start:
    """PyTorch's way of starting a tensor, written out."""
    made, mode = module(layer.op, layer.input_shape())
    if not isinstance(made, nn.Module):
        return start
    named = named_tensors(made)
    return mode.in_full(start, named[name])


def _alike(a: Any, b: Any) -> bool:
    """Equal, but for the rounding of numbers that were computed in other ways."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_alike, a, b))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(a, float) and isinstance(b, float):
        return a == b or isclose(a, b, rel_tol=1e-12)
    return a == b


def _shown(start: Start) -> str:
    words: list[str] = []
    for function, arguments in start:
        numbers = ", ".join(map(_brief, arguments))
        words.append(f"{function.removeprefix('_no_grad_')}({numbers})")
    return ", ".join(words) or "what was in memory"


def _brief(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
