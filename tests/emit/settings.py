"""What outputs do not show: the settings of modules, and how weights start."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from archc.network.graph import Network
from archc.spec.init import INITIALIZERS
from tests.emit.mismatch import check
from tests.emit.oracle import folded, key_of, layers_of, may_be_module
from tests.ops import live

Started = dict[int, tuple[str, dict[str, Any]]]
"""The last initialiser of each tensor, by its id, with the arguments it was given."""


@contextmanager
def noted_initialisers() -> Iterator[Started]:
    """Notes each call of a function of torch.nn.init."""
    calls: Started = {}
    plain = {name: getattr(nn.init, name) for name in INITIALIZERS}

    def noting(name: str) -> Callable[..., Any]:
        signature = inspect.signature(plain[name])

        def note(*args: Any, **kwargs: Any) -> Any:
            (_, tensor), *given = signature.bind(*args, **kwargs).arguments.items()
            calls[id(tensor)] = name, dict(given)
            return plain[name](*args, **kwargs)

        return note

    for name in plain:
        setattr(nn.init, name, noting(name))
    try:
        yield calls
    finally:
        for name, function in plain.items():
            setattr(nn.init, name, function)


def hold_starts(model: nn.Module, network: Network, calls: Started) -> None:
    """Each initialiser of [init] was the last for its tensor; layer scales start so."""
    state = {folded(k): v for k, v in model.named_parameters()}
    for layer in layers_of(network):
        x = layer.input_shape()
        if layer.op.bare_parameter:
            start = state[key_of(layer, "")]
            wanted = torch.full_like(start, layer.op.init)  # pyright: ignore[reportAttributeAccessIssue]
            check(torch.equal(start, wanted), "a layer scale starts wrong", layer.path)
        for name, how in network.spec.init.get(layer.op.op, {}).items():
            if name not in layer.op.parameters(x):
                continue
            called = calls.get(id(state[key_of(layer, name)]))
            expected = how.function, dict(how.arguments)
            check(called == expected, "an initialiser is not applied",
                  f"{layer.path}.{name}: {called} for {expected}")  # fmt: skip


def hold_settings(model: nn.Module, network: Network) -> None:
    """Modules are of the op's class and have its attributes."""
    modules = {folded(path): module for path, module in model.named_modules()}
    for layer in layers_of(network):
        made = modules.get(folded(layer.path))
        if made is None or not may_be_module(layer):
            continue
        expected = live.module(layer.op, layer.input_shape())
        kind = type(expected).__name__
        # a class of archc's own may have to be called otherwise
        own = layer.op.helper is not None
        check(own or type(made) is type(expected), f"a module is no {kind}", layer.path)
        found, wanted = _settings(made), _settings(expected)
        if found != wanted:
            differing = [k for k in wanted if found.get(k) != wanted[k]]
            shown = [(k, found.get(k), wanted[k]) for k in differing]
            what = ", ".join(differing)
            check(False, f"settings of {kind}: {what}", f"{layer.path} {shown}")


def _settings(module: nn.Module) -> dict[str, Any]:
    """Public attributes; one number and a pair of it are the same."""
    return {
        key: value[0]
        if isinstance(value, tuple | list) and len(set(value)) == 1
        else tuple(value)
        if isinstance(value, list)
        else value
        for key, value in vars(module).items()
        # whether an op works in place is for the compiler to say
        if not key.startswith("_") and key not in ("training", "inplace")
    }
