"""Modules that stay what they are: ops of the spec's own, by what is known of them.

What their instances have in common is a constant of the op, what differs a parameter,
or an expression where a short one fits all instances.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archc.importing.expressions import Expression, Names
from archc.importing.fitting import fitted
from archc.importing.pieces import Occurrence
from archc.importing.trace import Sizes
from archc.ops.base import Op
from archc.ops.registry import OPS
from archc.ops.sizes import axis_names
from archc.spec.expressions import is_sequence

OPAQUE = "archc.opaque"
"""What calls of such modules are called in a trace."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """One such module, as it is called."""

    class_name: str
    """With its package."""
    arguments: tuple[tuple[str, Any, bool], ...]
    """What its constructor is given by name, and whether that is the default."""
    reads: Sizes
    gives: Sizes
    parameters: tuple[tuple[str, Sizes], ...]
    buffers: tuple[tuple[str, Sizes], ...]

    @property
    def kind(self) -> Any:
        """What instances of one op have in common."""
        tensors = [
            [(name, len(sizes)) for name, sizes in held]
            for held in (self.parameters, self.buffers)
        ]
        names = [(name, value is None) for name, value, _ in self.arguments]
        axes = len(self.reads), len(self.gives)
        return repr((self.class_name, names, axes, tensors))


@dataclass(slots=True)
class OwnOps:
    """The ops of a spec's own, and what their nodes say."""

    tables: dict[str, dict[str, Any]] = field(default_factory=dict[str, Any])
    """What `[ops.NAME]` says."""
    nodes: list[tuple[str, dict[str, Any]]] = field(
        default_factory=list[tuple[str, dict[str, Any]]]
    )
    """Of each module the op and its attributes."""


def own_ops(modules: Sequence[Opaque]) -> OwnOps:
    """The ops that these modules are."""
    found = OwnOps(nodes=[("", {}) for _ in modules])
    kinds: dict[Any, list[int]] = {}
    for number, module in enumerate(modules):
        kinds.setdefault(module.kind, []).append(number)
    for members in kinds.values():
        alike = [modules[n] for n in members]
        name = _name(alike[0].class_name, found.tables)
        op = _Fitting(alike)
        found.tables[name] = op.table()
        for place, number in enumerate(members):
            given = {p: values[place] for p, values in op.params.items()}
            found.nodes[number] = name, given
    return found


def _name(class_name: str, taken: Mapping[str, Any]) -> str:
    cls = class_name.rpartition(".")[2].strip("_")
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls)
    base = re.sub(r"\W+", "_", words).lower()
    base = f"my_{base}" if base in OPS or not base[:1].isalpha() else base
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}_{number}"
    return name


class _Fitting:
    """Finds what `[ops.NAME]` says of modules that are alike."""

    def __init__(self, modules: Sequence[Opaque]) -> None:
        self._modules = modules
        self.params: dict[str, list[Any]] = {}
        """What the nodes give, in each of the modules."""

    def table(self) -> dict[str, Any]:
        first = self._modules[0]
        arguments = {
            name: self._written(
                [_said(m.arguments[n][1]) for m in self._modules], name, "in_channels"
            )
            for n, (name, _, _) in enumerate(first.arguments)
            if not all(m.arguments[n][2] for m in self._modules)
        }
        sizes = self._axes()
        output = [
            self._written(
                [m.gives[n] for m in self._modules],
                "size" if n else "out_channels",
                *(sizes[n - 1 : n] if n else ("in_channels",)),
            )
            for n in range(len(first.gives))
        ]  # fmt: skip
        tensors = {
            kind: {
                name: [
                    self._written([getattr(m, kind)[n][1][axis] for m in self._modules],
                                  f"{name.replace('.', '_')}_size")
                    for axis in range(len(dims))
                ]
                for n, (name, dims) in enumerate(getattr(first, kind))
            }
            for kind in ("parameters", "buffers")
        }  # fmt: skip
        table: dict[str, Any] = {"module": first.class_name}
        if self.params:
            table["params"] = list(self.params)
        table["arguments"] = arguments
        table["output"] = output
        return table | {kind: held for kind, held in tensors.items() if held}

    def _written(self, values: list[Any], name: str, *sizes: str) -> Any:
        """A constant, an expression or a new parameter for one number in all of them;
        one of these sizes that are read, where it is that."""
        for size in sizes:
            at = 0 if size == "in_channels" else 1 + self._axes().index(size)
            if values == [m.reads[at] for m in self._modules]:
                return size
        places = [Occurrence(n, (), m.reads[0]) for n, m in enumerate(self._modules)]
        known = {p: dict(enumerate(given)) for p, given in self.params.items()}
        found = fitted(values, places, Names(known))
        if found is not None:
            return _plain(found)
        name = _param(name, self.params)
        self.params[name] = values
        return name

    def _axes(self) -> tuple[str, ...]:
        count = len(self._modules[0].reads) - 1
        return tuple(axis_names(count)) if 1 <= count <= 3 else ()


def _param(wanted: str, taken: Mapping[str, Any]) -> str:
    """A parameter's name: none that all ops have, and none of a size."""
    base = re.sub(r"\W", "_", wanted)
    sizes = {name for count in (1, 2, 3) for name in axis_names(count)}
    if base in sizes or base.startswith("_") or hasattr(Op, base):
        base = f"{base.strip('_')}_"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}{number}"
    return name


def _said(value: Any) -> Any:
    """A value as a spec says it: texts in quotes."""
    if is_sequence(value):
        return [_said(part) for part in value]
    if value is None or isinstance(value, str):
        return Expression(repr(value))
    return value


def _plain(value: Any) -> Any:
    if is_sequence(value):
        return [_plain(part) for part in value]
    return value.text if isinstance(value, Expression) else value
