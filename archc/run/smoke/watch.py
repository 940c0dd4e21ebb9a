"""Which module of a forward pass goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from archc.run.smoke.trial import Trial
from archc.spec.expressions import is_sequence


class _Watch:
    """Follows a forward pass from module to module."""

    def __init__(self, model: nn.Module) -> None:
        self.inside: list[tuple[str, bool]] = []
        """The modules at work, the innermost last, and whether they read finite
        numbers."""
        self.spoiler: str | None = None
        """The first that makes others of those, or the innermost around what does."""
        self.last = ""
        """The last module that gave finite numbers."""
        self._handles: list[Any] = []
        modules: dict[str, Any] = dict(cast(Any, model).named_modules())
        for name, module in modules.items():
            enter, leave = partial(self._enter, name), partial(self._leave, name)
            self._handles.append(module.register_forward_pre_hook(enter))
            self._handles.append(module.register_forward_hook(leave))

    def _enter(self, name: str, module: nn.Module, reads: Any) -> None:
        self.inside.append((name, _finite(reads)))

    def _leave(self, name: str, module: nn.Module, reads: Any, output: Any) -> None:
        _, fine = self.inside.pop()
        if _finite(output):
            if self.spoiler is None:
                self.last = name
        elif fine and self.spoiler is None:
            self.spoiler = name

    def end(self) -> None:
        for handle in self._handles:
            handle.remove()


def _finite(value: Any) -> bool:
    return all(bool(t.isfinite().all()) for t in _tensors(value))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif is_sequence(value):
        for part in value:
            yield from _tensors(part)


def raising(trial: Trial) -> str:
    """The innermost module whose forward fails; empty for the network's own."""
    inside = _watched(trial).inside
    return inside[-1][0] if inside else ""


def spoiling(trial: Trial) -> tuple[str, str]:
    """The module after which numbers are not finite, and that in words."""
    watch = _watched(trial)
    if watch.spoiler is None:
        return "", "the loss itself is not finite"
    if not watch.spoiler:
        place = f", after {watch.last}" if watch.last else ""
        return watch.last, f"in the network's own forward{place}"
    if watch.last.startswith(f"{watch.spoiler}."):
        return watch.spoiler, f"in {watch.spoiler}, after {watch.last}"
    return watch.spoiler, f"in {watch.spoiler}"


def _watched(trial: Trial) -> _Watch:
    """A forward pass of the fixed batch, followed; it may fail."""
    watch = _Watch(trial.model)
    with torch.no_grad(), suppress(Exception):
        trial.output(trial.images)
    watch.end()
    return watch
