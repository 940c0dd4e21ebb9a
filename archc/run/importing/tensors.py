"""The tensors of a module, and those in what it takes and gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from torch import Tensor, nn

from archc.spec.expressions import is_sequence


class Held(NamedTuple):
    """A parameter or buffer where a module holds it."""

    path: str
    """Of the module."""
    name: str
    store: dict[str, Any]
    tensor: Tensor
    saved: bool
    """Whether it is in the `state_dict`."""

    @property
    def key(self) -> str:
        """In the `state_dict`."""
        return f"{self.path}.{self.name}" if self.path else self.name


def parts_of(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """A module and those in it by their paths, each once."""
    inside: Any = module
    return list(inside.named_modules())


def held_by(module: nn.Module) -> list[Held]:
    """All tensors of a module; one that stands in several places is there as often."""
    found: list[Held] = []
    for path, part in parts_of(module):
        inside: Any = part
        for store in (inside._parameters, inside._buffers):
            for name, tensor in store.items():
                if tensor is not None:
                    saved = name not in inside._non_persistent_buffers_set
                    found.append(Held(path, name, store, tensor, saved))
    return found


@contextmanager
def lending(module: nn.Module, other: Callable[[Held], Tensor]) -> Generator[None]:
    """While it lasts, a module has other tensors, one for each of its own."""
    lent: dict[int, Tensor] = {}
    held = held_by(module)
    try:
        for each in held:
            if id(each.tensor) not in lent:
                lent[id(each.tensor)] = other(each)
            each.store[each.name] = lent[id(each.tensor)]
        yield
    finally:
        for each in held:
            each.store[each.name] = each.tensor


@contextmanager
def in_mode(module: nn.Module, training: bool) -> Generator[None]:
    """While it lasts, a module is in training or in evaluation."""
    modes = {part: part.training for _, part in parts_of(module)}
    module.train(training)
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def tensors_in(values: Iterable[Any]) -> Generator[Tensor]:
    """All tensors in lists, tuples, dicts and dataclasses, in their order."""
    for value in values:
        for _, tensor in named_tensors_in(value):
            yield tensor


def named_tensors_in(value: Any, name: str = "") -> Generator[tuple[str, Tensor]]:
    """The same of one value, with names by keys, fields and places."""
    if isinstance(value, Tensor):
        yield name, value
        return
    if value is None or isinstance(value, bool | int | float | str):
        return
    for key, part in _parts(value):
        yield from named_tensors_in(part, f"{name}_{key}" if name else key)


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [(str(k), part) for k, part in cast("Mapping[Any, Any]", value).items()]
    if is_sequence(value):
        parts: list[Any] = list(value)
        fields = getattr(value, "_fields", [f"output{i}" for i in range(len(parts))])
        return zip(fields, parts, strict=True)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return vars(value).items()
    return ()
