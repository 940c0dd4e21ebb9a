"""A network and the module that was generated for it."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from inspect import Signature, signature
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from archc.emit.digest import State
from archc.measure.cost import Facts
from archc.measure.state import state_of
from archc.measure.summary import shapes_of
from archc.network.graph import Network
from archc.run.building import Building, building
from archc.run.classes import network_class
from archc.run.device import out_of_memory
from archc.run.weights.fit import Fitted


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
    state: State = "current"
    """What became of the file since archc wrote it."""
    weights: Fitted | None = None
    """What instances start with; None for what the class gives them."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one sample: channels, height, width; of the first of several inputs."""
        return next(iter(self.input_shapes.values()))

    @property
    def input_shapes(self) -> dict[str, tuple[int, ...]]:
        """Of one sample, by name, in the order in which `forward` takes them."""
        return shapes_of(self.network.inputs)

    def module(self, device: str | torch.device = "cpu") -> nn.Module:
        """A new instance of the network's class, its weights initialised or loaded.

        Raises:
            BrokenModule: if the source does not run, or has no such class.
            BadWeights: if the class is not that of the network.
        """
        with self.running(), torch.device(device):
            made = self._checked(self._class()())
        if self.weights is not None:
            self.weights.load(made)
        return made

    def without_values(self, **arguments: Any) -> tuple[nn.Module, Building]:
        """A new instance on the meta device, and how its tensors would start.

        Raises:
            BrokenModule: if the source does not run, or has no such class.
        """
        with self.running():
            made = self._class()
            with building() as mode:
                built = made(**arguments)
            return self._checked(built), mode

    def signature(self) -> Signature:
        """The arguments of the class.

        Raises:
            BrokenModule: if the source does not run, or has no such class.
        """
        with self.running():
            return signature(self._class())

    def _class(self) -> Any:
        namespace = imported(self.network.name, self.source)
        if not self.state.startswith("edited"):
            return getattr(namespace, namespace.__all__[0])
        state = {key: held.shape for key, held in state_of(self.network).items()}
        return network_class(namespace, state)

    @property
    def outdated(self) -> str | None:
        """What is to be said of a module that is older than its spec."""
        if not self.state.endswith("outdated"):
            return None
        mend = "write it anew with `archc compile`"
        if self.state.startswith("edited"):
            mend = "it was changed by hand too, and `archc compile` shows where"
        return f"{self.file} is older than the spec {self.label}: {mend}"

    def _checked(self, built: Any) -> nn.Module:
        if not isinstance(built, nn.Module):
            raise TypeError(f"{type(built).__name__} is no nn.Module")
        return built

    @contextmanager
    def running(self) -> Generator[None]:
        """Raises BrokenModule for whatever a file that people edit may raise; memory
        that tensors ran out of is not its fault."""
        try:
            yield
        except (Exception, SystemExit) as error:
            if out_of_memory(error) and not isinstance(error, MemoryError):
                raise
            where = self.file or "the generated code"
            reason = f"{type(error).__name__}: {error}"
            raise BrokenModule(f"{where} does not run: {reason}") from error


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
        # as Python reads the file: nothing of this one's `__future__` holds for it
        code = compile(source, file, "exec", dont_inherit=True)
        exec(code, vars(module))
    except BaseException:
        del sys.modules[full_name]
        raise
    return module
