"""Which class of a module is the network."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import nn

Shapes = dict[str, tuple[int, ...]]

_chosen: dict[str, Any] = {}
"""By the names of modules, which are made from their content."""


def network_class(namespace: ModuleType, state: Shapes) -> Any:
    """The class whose `state_dict` has these shapes, or most of them.

    A module that people wrote may have no `__all__`, or one in another order. Of equals
    the first of `__all__` is taken, and without it the last that is defined: it is the
    one that can use the others.

    Raises:
        TypeError: if there is no nn.Module in it.
        Exception: whatever the only class raises when it is built without arguments.
    """
    name = namespace.__name__
    if name not in _chosen:
        _chosen[name] = _best(_classes(namespace), state)
    return _chosen[name]


def _classes(namespace: ModuleType) -> list[Any]:
    """All of its own, and those of others that it exports, the likeliest first."""
    exported = getattr(namespace, "__all__", ())
    named = [vars(namespace).get(e) for e in exported if isinstance(e, str)]
    defined = reversed(list(vars(namespace).values()))
    found = [c for c in (*named, *defined) if _is_module(c)]
    return list(dict.fromkeys(found))


def _is_module(found: object) -> bool:
    return (
        isinstance(found, type)
        and issubclass(found, nn.Module)
        and found.__module__.partition(".")[0] not in ("torch", "torchvision")
    )


def _best(classes: list[Any], state: Shapes) -> Any:
    if not classes:
        raise TypeError("there is no nn.Module in it")
    if len(classes) == 1:
        return classes[0]
    failure: Exception | None = None
    best, most = None, -1
    for candidate in classes:
        try:
            with torch.device("meta"):
                built = candidate()
        except Exception as error:
            # the parts of a network ask for arguments
            failure = failure or error
            continue
        shapes = {key: tuple(t.shape) for key, t in built.state_dict().items()}
        alike = len(shapes.items() & state.items())
        if shapes == state:
            return candidate
        if alike > most:
            best, most = candidate, alike
    if best is None:
        assert failure is not None
        raise failure
    return best
