"""Emission with one slip in its own source."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import archc

HERE = Path(__file__).parent
ROOT = Path(archc.__file__).parent

# What says whether a module is right stays as it is, with the tree that it reads and
# the exception that the command line knows.
_KEPT = ("archc.emit", "archc.emit.tree", "archc.emit.wrong")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One place in the source of archc that says something else."""

    name: str
    file: str
    """Below `archc`."""
    old: str
    new: str
    breaks: str
    """What is wrong then."""
    harmless: str = ""
    """Why it may give modules that are written otherwise, and are right."""

    @property
    def path(self) -> Path:
        return ROOT / self.file

    @property
    def module(self) -> str:
        return "archc." + self.file.removesuffix(".py").replace("/", ".")


def listed() -> list[Mutant]:
    """The fixed list."""
    tables: list[dict[str, Any]] = tomllib.loads(
        (HERE / "emitter_mutants.toml").read_text()
    )["mutant"]
    return [Mutant(**table) for table in tables]


class _Loader(SourceFileLoader):
    """Loads a module from its file with one change, without any cache."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(mutant.path))
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        source = self._mutant.path.read_text()
        assert source.count(self._mutant.old) == 1
        changed = source.replace(self._mutant.old, self._mutant.new)
        return compile(changed, str(self._mutant.path), "exec")


class _Finder:
    """Finds the one module that is changed, before Python's own finders do."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != self._mutant.module:
            return None
        loader = _Loader(self._mutant)
        return spec_from_file_location(fullname, self._mutant.path, loader=loader)


def _is_fresh(name: str) -> bool:
    """Whether a module is loaded anew, as it may depend on the one that is changed."""
    if name == "archc.network.inplace":
        return True
    validates = name.startswith("archc.emit.validate")
    return name.startswith("archc.emit.") and not validates and name not in _KEPT


def _forget() -> dict[str, ModuleType]:
    """Takes out the modules that are loaded anew; gives them."""
    found = {name: made for name, made in sys.modules.items() if _is_fresh(name)}
    for name in found:
        del sys.modules[name]
        # a package has its modules as attributes, which imports go by too
        package, _, own = name.rpartition(".")
        vars(sys.modules.get(package, ModuleType(package))).pop(own, None)
    return found


@contextmanager
def active(mutant: Mutant) -> Iterator[Any]:
    """Emission as it is with the mutant: gives `archc.emit.module`.

    Whoever imports it meanwhile gets the same. Afterwards all is as it was before.
    """
    importlib.import_module("archc.emit.module")
    before = _forget()
    finder = _Finder(mutant)
    sys.meta_path.insert(0, finder)
    try:
        yield importlib.import_module("archc.emit.module")
    finally:
        sys.meta_path.remove(finder)
        _forget()
        sys.modules.update(before)
        for name, made in before.items():
            package, _, own = name.rpartition(".")
            setattr(sys.modules[package], own, made)
