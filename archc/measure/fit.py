"""Whether a state fits a network, and under which names it would."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Of tensors by their keys, in the order of the file."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A state held to what a network's `state_dict` has."""

    tensors: int
    """That the network has."""
    missing: tuple[str, ...]
    """Keys that only the network has, once the renames are made."""
    unexpected: tuple[str, ...]
    """Keys that only the file has."""
    reshaped: tuple[tuple[str, Shape, Shape], ...]
    """Keys of both whose shapes differ: the network's, the file's."""
    renames: dict[str, str]
    """By the file's key, the network's."""

    @property
    def strict(self) -> bool:
        """Whether `load_state_dict(strict=True)` takes the file as it is."""
        return not (self.missing or self.unexpected or self.reshaped or self.renames)

    @property
    def renamed(self) -> bool:
        """Whether it does once the renames are made."""
        return not (self.missing or self.unexpected or self.reshaped)

    def to_dict(self) -> dict[str, Any]:
        """As `archc diff SPEC FILE --format json` gives it."""
        return {
            "strict": self.strict,
            "strict_when_renamed": self.renamed,
            "tensors": self.tensors,
            "missing": list(self.missing),
            "unexpected": list(self.unexpected),
            "reshaped": {key: [a, b] for key, a, b in self.reshaped},
            "renames": self.renames,
        }


def fit(network: Shapes, file: Shapes) -> Fit:
    """Holds the shapes in a file to a network's.

    Tensors of one module stay together. Modules with tensors of the same names and
    shapes are brought together in order: that of the file or that of the names,
    whichever gives the more regular renames.
    """
    same = {key for key, shape in network.items() if file.get(key) == shape}
    ours = _modules({k: s for k, s in network.items() if k not in same})
    theirs = _modules({k: s for k, s in file.items() if k not in same})
    renames = min(
        (_renames(ours, theirs, natural=natural) for natural in (False, True)),
        key=lambda found: (-len(found), _rules(found)),
    )
    taken = set(renames.values())
    reshaped = tuple(
        (key, shape, file[key])
        for key, shape in network.items()
        if key in file and key not in same | taken and key not in renames
    )
    both = same | taken | {key for key, _, _ in reshaped}
    return Fit(
        len(network),
        tuple(key for key in network if key not in both),
        tuple(k for k in file if k not in renames and (k not in both or k in taken)),
        reshaped,
        renames,
    )


_Modules = dict[str, dict[str, Shape]]


def _modules(shapes: Shapes) -> _Modules:
    """The tensors of each module by their own names."""
    found: _Modules = {}
    for key, shape in shapes.items():
        module, _, name = key.rpartition(".")
        found.setdefault(module, {})[name] = shape
    return found


def _renames(ours: _Modules, theirs: _Modules, *, natural: bool) -> dict[str, str]:
    ranked = [_by_kind(modules, natural=natural) for modules in (ours, theirs)]
    renames: dict[str, str] = {}
    for kind, named in ranked[0].items():
        others = ranked[1].get(kind, [])
        for module, other in _paired(named, others):
            for name in ours[module]:
                renames[_key(other, name)] = _key(module, name)
    order = {_key(m, name): None for m, names in ours.items() for name in names}
    places = {key: place for place, key in enumerate(order)}
    return dict(sorted(renames.items(), key=lambda item: places[item[1]]))


def _by_kind(modules: _Modules, *, natural: bool) -> dict[Any, list[str]]:
    found: dict[Any, list[str]] = {}
    for module, tensors in modules.items():
        found.setdefault(frozenset(tensors.items()), []).append(module)
    return {k: sorted(v, key=_natural) for k, v in found.items()} if natural else found


def _paired(ours: list[str], theirs: list[str]) -> Iterable[tuple[str, str]]:
    """In order, where there are as many; else those whose names end alike."""
    if len(ours) == len(theirs):
        return zip(ours, theirs, strict=True)
    return [
        (module, other)
        for module in ours
        for other in theirs
        if f".{other}".endswith(f".{module}") or f".{module}".endswith(f".{other}")
    ]


def _rules(renames: Mapping[str, str]) -> int:
    """How many different changes of names there are, numbers aside."""
    changes: set[tuple[str, ...]] = set()
    for pair in renames.items():
        one, other = (key.split(".") for key in pair)
        while one and other and one[-1] == other[-1]:
            one, other = one[:-1], other[:-1]
        while one and other and one[0] == other[0]:
            one, other = one[1:], other[1:]
        changes.add(tuple(re.sub(r"\d+", "#", ".".join(part)) for part in (one, other)))
    return len(changes)


def _natural(name: str) -> list[Any]:
    parts = re.findall(r"\d+|\D+", name)
    return [(p.isdigit(), int(p) if p.isdigit() else 0, p) for p in parts]


def _key(module: str, name: str) -> str:
    return f"{module}.{name}" if module else name
