"""What modules are that no spec is, before anything runs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.nn.utils.parametrize import is_parametrized
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from archc.run.importing.tensors import held_by, parts_of

TWICE = "give the second one tensors of its own, or import it without one of them"


def unlike_specs(module: nn.Module) -> Generator[tuple[str, str, str]]:
    """Parts by their paths, each with why no spec says it and what to do about it."""
    hidden: list[str] = []
    for path, part in parts_of(module):
        if any(path.startswith(f"{p}.") or not p for p in hidden):
            continue
        if isinstance(part, torch.jit.ScriptModule):
            hidden.append(path)
            reason = "it is compiled by torch.jit, which hides its calls"
            yield path, reason, "import the module that was compiled"
        lazy: Any = part
        if isinstance(part, LazyModuleMixin) and lazy.has_uninitialized_params():
            hidden.append(path)
            reason = "its tensors are not made yet"
            yield path, reason, "call the network once before it is imported"
    if hidden:
        return
    yield from _twice(module)
    for held in held_by(module):
        if held.tensor._backward_hooks:  # pyright: ignore[reportPrivateUsage]
            reason = f"its `{held.name}` has a hook that changes its gradient"
            yield held.path, reason, "remove the hook before"
    other = [h for h in held_by(module) if h.tensor.is_floating_point()
             and h.tensor.dtype != torch.float32]  # fmt: skip
    if other:
        dtype = str(other[0].tensor.dtype).removeprefix("torch.")
        reason = f"its `{other[0].name}` is of {dtype}, and specs compute in float32"
        yield other[0].path, reason, "call `.float()` on it before"


_HOOKS: dict[type[Any], tuple[str, str, str]] = {
    WeightNorm: ("weight_norm", "name", "remove_weight_norm(module, {!r})"),
    SpectralNorm: ("spectral_norm", "name", "remove_spectral_norm(module, {!r})"),
    BasePruningMethod: ("pruning", "_tensor_name", "prune.remove(module, {!r})"),
}
"""What computes a weight ahead of every call: its name, which attribute has that of the
weight, and what of torch.nn.utils ends it."""
_PARAMETRIZED = "parametrize.remove_parametrizations(module, {!r})"


def computed_weights(module: nn.Module) -> Generator[tuple[str, str, str]]:
    """Parts whose weights are computed in every pass, as what `unlike_specs` gives."""
    for path, part in parts_of(module):
        for name, by, end in _computed(part):
            call = f"torch.nn.utils.{end.format(name)}"
            mend = (
                f"call `{call}` on it before, which leaves a parameter of its numbers"
            )
            yield path, f"its `{name}` is computed in every pass, by {by}", mend


def _computed(part: Any) -> Generator[tuple[str, str, str]]:
    """The weights of a module that are, by what they are, and how that ends."""
    if is_parametrized(part):
        for name, used in part.parametrizations.items():
            by = ", ".join(type(each).__name__.strip("_") for each in used)
            yield name, f"the parametrization {by}", _PARAMETRIZED
    for hook in part._forward_pre_hooks.values():
        for kind, (by, named, end) in _HOOKS.items():
            if isinstance(hook, kind):
                yield getattr(hook, named), f"`{by}`", end


def _twice(module: nn.Module) -> Generator[tuple[str, str, str]]:
    """Modules with tensors that have two names in the `state_dict`."""
    holding = {held.path for held in held_by(module) if held.saved}
    first = {part: path for path, part in parts_of(module)}
    inside: Any = module
    for path, part in inside.named_modules(remove_duplicate=False):
        if first[part] != path and first[part] in holding:
            yield path, (f"it is also `{first[part]}`, whose tensors it has once more,"
                         " and no spec gives a tensor to two"), TWICE  # fmt: skip


def eagerly() -> AbstractContextManager[Any]:
    """While it lasts, what `torch.compile` made runs as it is written."""
    compiler: Any = torch.compiler
    if not hasattr(compiler, "set_stance"):  # before torch 2.6
        return nullcontext()
    return compiler.set_stance("force_eager")
