"""A network and the module that was generated for it."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archc.measure.cost import Facts
from archc.network.graph import Network


class BrokenModule(Exception):
    """A generated file that cannot be imported, or whose class cannot be built."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is verified, smoke-tested or trained."""

    label: str
    """What it was asked for as: a name or a path."""
    network: Network
    facts: Facts
    source: str
    """Of the module."""
    file: Path | None = None
    """Where the source was read; None if it was written anew."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one sample: channels, height, width."""
        assert self.network.input.shape is not None
        return self.network.input.shape.sizes

    def module(self, device: str | torch.device = "cpu") -> nn.Module:
        """A new instance of the network's class, its weights initialised.

        Raises:
            BrokenModule: if the source does not run, or has no such class.
        """
        where = self.file or "the generated code"
        try:
            namespace = imported(self.network.name, self.source)
            network_class: Any = getattr(namespace, namespace.__all__[0])
            # weights without values need no initialisation, which takes its time
            empty = torch.device(device).type == "meta"
            with torch.device(device), _Uninitialized() if empty else nullcontext():
                built = network_class()
        # whatever a file that people edit may raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise BrokenModule(f"{where} does not run: {reason}") from error
        if not isinstance(built, nn.Module):
            raise BrokenModule(f"{where}: {namespace.__all__[0]} is no nn.Module")
        return built


class _Uninitialized(TorchFunctionMode):
    """Leaves out what fills tensors, such as `torch.nn.init.normal_`."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name.endswith("_") and not name.endswith("__") and "requires" not in name:
            filled = kwargs.get("tensor", args[0] if args else None)
            if isinstance(filled, Tensor):
                return filled
        return func(*args, **kwargs)


def imported(name: str, source: str) -> ModuleType:
    """The generated source as a module, imported once.

    It is registered under a name made from its content, so that pickles of its classes
    load in this process, and its text is known to `inspect.getsource`.
    """
    full_name = f"archc_{name}_{sha256(source.encode()).hexdigest()[:12]}"
    known = sys.modules.get(full_name)
    if known is not None:
        return known
    file = f"<{full_name}>"
    lines = source.splitlines(keepends=True)
    linecache.cache[file] = (len(source), None, lines, file)
    module = ModuleType(full_name)
    module.__file__ = file
    sys.modules[full_name] = module
    try:
        exec(compile(source, file, "exec"), vars(module))
    except BaseException:
        del sys.modules[full_name]
        raise
    return module
