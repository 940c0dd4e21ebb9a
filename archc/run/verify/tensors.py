"""The parameters and buffers of a module held to those of its network."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from archc.network.graph import Layer
from archc.ops.sizes import sizes_of
from archc.run.verify.reference import Reference, path_of
from archc.run.verify.report import Verification


def compare_tensors(
    built: nn.Module, reference: Reference, found: Verification
) -> None:
    """Holds the names, shapes and types of the `state_dict`, and what is trained."""
    there = _There(built)
    # layers with one sample have tensors alike
    rules: dict[int, dict[str, tuple[int, ...]]] = {}
    for layer, wanted in reference.layers.items():
        if layer.again is not None:
            continue  # its tensors are those of an earlier layer
        if not wanted.sample.tensors and not layer.op.can_have_parameters():
            continue
        rule = rules.get(id(wanted.sample))
        if rule is None:
            rule = rules[id(wanted.sample)] = _rule(layer)
        sample = wanted.sample
        for name in rule.keys() - set(sample.tensors):
            message = "the module has no such tensor, which the spec claims"
            found.refuse("tensors", path_of(layer, name), message)
        for name, kind, trained in zip(
            sample.tensors, sample.types, sample.trained, strict=True
        ):
            key = path_of(layer, name)
            found.tensors += 1
            claimed = trained == (name in layer.op.parameters(layer.input_shape()))
            if name not in rule or not claimed:
                kind_ = "parameter" if trained else "buffer"
                message = f"the module has this {kind_}, and the spec claims none"
                found.refuse("tensors", key, message)
                there.ask(key)
                continue
            message = there.differs(key, rule[name], kind.dtype, trained=trained)
            if message:
                found.refuse("tensors", key, message)
    for key in there.unknown():
        found.refuse("tensors", key, "the network has no such tensor")


def _rule(layer: Layer) -> dict[str, tuple[int, ...]]:
    x = layer.input_shape()
    named = layer.op.parameters(x) | layer.op.buffers(x)
    return {name: sizes_of(dims) for name, dims in named.items()}


class _There:
    """What a module has."""

    def __init__(self, built: nn.Module) -> None:
        self._parameters = dict(built.named_parameters(remove_duplicate=False))
        self._buffers = dict(built.named_buffers(remove_duplicate=False))
        self._state = built.state_dict(keep_vars=True)
        self._first: dict[int, str] = {}
        """Where each tensor was met first."""
        self._asked: set[str] = set()

    def unknown(self) -> list[str]:
        """Those in the `state_dict` that were not asked for."""
        return [key for key in self._state if key not in self._asked]

    def ask(self, key: str) -> None:
        """Notes that a tensor was looked at."""
        self._asked.add(key)

    def differs(
        self, key: str, dims: tuple[int, ...], dtype: torch.dtype, *, trained: bool
    ) -> str:
        """How a tensor is not as it should be; nothing if it is."""
        self._asked.add(key)
        kinds = {True: self._parameters, False: self._buffers}
        tensor = kinds[trained].get(key)
        other = kinds[not trained].get(key)
        if tensor is None and other is None:
            return f"the module has no such tensor of {size(dims)}"
        found: Any = other if tensor is None else tensor
        first = self._first.setdefault(id(found), key)
        if first != key:
            return f"is the same tensor as {first}"
        if tuple(found.shape) != dims:
            return f"is {size(found.shape)} instead of {size(dims)}"
        if tensor is None:
            return f"is no {'parameter' if trained else 'buffer'}, as it should be"
        if key not in self._state:
            return "is not in the state_dict, as the buffer is not persistent"
        if found.dtype != dtype:
            return f"is {_type(found.dtype)} instead of {_type(dtype)}"
        if trained and not found.requires_grad:
            return "is not trained: requires_grad is False"
        return ""


def size(dims: Any) -> str:
    """A shape as messages show it."""
    return "x".join(map(str, dims)) or "a single number"


def _type(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
