"""Counts a network as another tool does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, NamedTuple

from archc.measure.counting.rules import (
    MULTIPLY_ADDS,
    Level,
    Rules,
    functions_of,
    use_of,
)
from archc.network.execution import Call
from archc.network.graph import Layer, Network

TOOLS = ("torchinfo", "fvcore", "ptflops", "thop", "calflops", "torch")
Tool = Literal["torchinfo", "fvcore", "ptflops", "thop", "calflops", "torch"]


@dataclass(frozen=True, slots=True)
class Convention:
    """One figure of a tool's: which calls it counts, and how."""

    name: str
    """As `tests/benchmarks/counters.py` has it."""
    shown: str
    """What the tool calls it."""
    each: int
    """What it counts for a multiply-add."""
    parts: tuple[tuple[Level, Rules], ...]
    """Rules on modules as they are called, and on the functions behind all calls."""
    as_modules: bool = False
    """Whether functions count as the modules that torch has for them, as where people
    write nn.ReLU for F.relu."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A tool."""

    name: str
    version: str
    """With which its figures were compared."""
    conventions: tuple[Convention, ...]
    remarks: tuple[str, ...] = ()
    """What it counts wrongly, and where that is told."""


class LayerCount(NamedTuple):
    """What a tool counts for one layer."""

    path: str
    op: str
    counted: int
    macs: int
    """What archc counts."""


class Part(NamedTuple):
    """What a tool counts for one reason."""

    what: str
    counted: int
    ops: dict[str, int]
    """The same by op."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a tool prints."""

    name: str
    shown: str
    each: int
    total: int
    parts: tuple[Part, ...]
    layers: tuple[LayerCount, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """What a tool prints for a network."""

    network: str
    tool: str
    version: str
    macs: int
    """What archc counts."""
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As `archc summary --as TOOL --format json` gives it."""
        return {
            "name": self.network,
            "tool": self.tool,
            "version": self.version,
            "macs": self.macs,
            "figures": [
                {
                    "name": figure.name,
                    "counts": figure.shown,
                    "for_each_multiply_add": figure.each,
                    "total": figure.total,
                    "parts": [part._asdict() for part in figure.parts],
                    "layers": [layer._asdict() for layer in figure.layers],
                }
                for figure in self.figures
            ],
            "remarks": list(self.remarks),
        }


def counter(tool: Tool) -> Counter:
    """The tool of that name."""
    found = import_module(f"archc.measure.counting.{tool}_rules").COUNTER
    assert isinstance(found, Counter)
    return found


def count(
    network: Network, calls: Sequence[Call], macs: dict[Layer, int], tool: Tool
) -> Count:
    """`network` as `tool` counts it: one sample, in evaluation, without auxiliary
    classifiers. `calls` are those of the generated module."""
    found = counter(tool)
    return Count(
        network.name,
        tool,
        found.version,
        sum(macs.values()),
        tuple(_figure(network, calls, macs, one) for one in found.conventions),
        found.remarks,
    )


def _figure(
    network: Network, calls: Sequence[Call], macs: dict[Layer, int], by: Convention
) -> Figure:
    totals: dict[str, dict[str, int]] = {}
    each: dict[Layer, int] = {}
    for call in calls:
        for what, number in _counted(call, by):
            ops = totals.setdefault(what, {})
            op = call.layer.op.op
            ops[op] = ops.get(op, 0) + number
            each[call.layer] = each.get(call.layer, 0) + number
    parts = [Part(what, sum(ops.values()), ops) for what, ops in totals.items()]
    parts.sort(key=lambda part: (part.what != MULTIPLY_ADDS, -part.counted))
    return Figure(
        by.name,
        by.shown,
        by.each,
        sum(part.counted for part in parts),
        tuple(part for part in parts if part.counted),
        tuple(
            LayerCount(layer.path, layer.op.op, each.get(layer, 0), macs[layer])
            for layer in network.layers()
        ),
    )


def _counted(call: Call, by: Convention) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    module = call.layer.op.module_class
    if by.as_modules and module is not None and call.name.startswith("F."):
        call = Call(call.layer, module, is_module=True)
    for level, rules in by.parts:
        names = functions_of(call) if level == "functions" else []
        if level == "modules" and call.is_module:
            names = [call.name]
        for name in names:
            use = use_of(call, name)
            found += [(r.what, r.formula(use)) for r in rules.get(name, ())]
    return found
