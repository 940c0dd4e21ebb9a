"""One spec with many values of its [params]: what each variant amounts to.

A variant takes milliseconds: the spec is parsed once, and what its module does in a
forward pass is worked out once for all variants that are wired alike.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from archc.design.ranges import Range, RangeError
from archc.diagnostics.model import Sink
from archc.diagnostics.suggest import did_you_mean
from archc.emit.execution import Executions
from archc.escaping import visible
from archc.measure.depth import depth
from archc.measure.memory import Optimizer, Precision, footprint
from archc.measure.rows import Seen
from archc.network.execution import Execution, Run
from archc.network.graph import Layer, Network, Value
from archc.ops.attributes import plain
from archc.ops.base import Op
from archc.ops.steps import Device
from archc.pipeline import Analysis, analyse_variant
from archc.source.kinds import is_list
from archc.source.writing import write
from archc.spec.model import Spec

_MOST_LAYERS = 250_000
"""How many layers are kept of networks that may be asked again; some 200 MB."""


class Step(NamedTuple):
    """The training step whose memory is asked for, as `archc memory` has it."""

    batch: int
    optimizer: Optimizer = "sgd"
    precision: Precision = "fp32"
    device: Device = "cuda"


@dataclass(frozen=True, slots=True)
class Variant:
    """The numbers of a network for one combination of values.

    Of one that the spec cannot be, `problem` says why, and the numbers are 0.
    """

    values: Mapping[str, Any]
    """What is varied."""
    problem: str | None = None
    names: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    """All of the spec's [params]."""
    params: int = 0
    macs: int = 0
    receptive_field: Seen = None
    depth: int = 0
    """Convolutions and linear layers on the longest way to an output: the number in
    ResNet-50's name."""


class Variants:
    """The variants of one spec."""

    def __init__(self, spec: Spec, ranges: Sequence[Range]) -> None:
        """Raises RangeError where a range is for no parameter of the spec, or two are
        for one."""
        self.spec = spec
        self.ranges = tuple(ranges)
        for number, one in enumerate(ranges):
            if one.param not in spec.params:
                help = did_you_mean(one.param, spec.params)
                raise RangeError(
                    visible(
                        f"{spec.name} has no parameter {one.param!r};"
                        f" {help or 'it has no [params] at all'}"
                    )
                )
            for other in ranges[:number]:
                shorter = min(len(one.items), len(other.items))
                same = one.items[:shorter] == other.items[:shorter]
                if one.param == other.param and same:
                    raise RangeError(f"{one.name!r} is varied twice")
            if one.items:
                self.params({one.name: one.values[0]})
        self._executions: dict[Hashable, tuple[Execution, list[Layer]]] = {}
        self._modules = Executions()
        self._analyses: dict[str, Analysis] = {}
        """Networks that were looked at, by the values that make them."""
        self._kept = 0
        """How many layers these have."""

    def params(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What [params] become where these parameters and items have these values.

        Raises:
            RangeError: if an item is varied that there is not.
        """
        found: dict[str, Any] = {}
        for name, value in values.items():
            one = Range(name, ())
            if not one.items:
                found[name] = value
                continue
            given: Any = self.spec.origin.value()["params"][one.param]
            found.setdefault(one.param, deepcopy(given))
            inner = found[one.param]
            for item in one.items[:-1]:
                inner = self._inside(name, inner, item)[item]
            self._inside(name, inner, one.items[-1])[one.items[-1]] = value
        return found

    def _inside(self, name: str, value: Any, item: int) -> list[Any]:
        if not is_list(value) or item >= len(value):
            raise RangeError(
                visible(f"{self.spec.name} has no {name}: that would be an item of")
                + f" {plain(value)}"
            )
        return value

    def analysis(self, values: Mapping[str, Any]) -> tuple[Analysis | None, str]:
        """The network for these values, or what is wrong with them."""
        key = write(dict(values))
        if key in self._analyses:
            return self._analyses[key], ""
        sink = Sink()
        params = self.params(values)
        found = analyse_variant(self.spec, params, sink, told="--vary")
        if found is not None:
            self._kept += len(found.facts.layers)
            if self._kept <= _MOST_LAYERS:
                self._analyses[key] = found
        wrong = next((d for d in sink if d.severity == "error"), None)
        return found, "" if wrong is None else visible(wrong.message)

    def at(self, values: Mapping[str, Any]) -> Variant:
        """What the network amounts to for these values."""
        analysis, problem = self.analysis(values)
        if analysis is None:
            return Variant(values, problem)
        facts = analysis.facts
        return Variant(
            values,
            None,
            analysis.network.params,
            facts.params,
            facts.macs,
            facts.receptive_field,
            depth(analysis.network),
        )

    def memory(self, values: Mapping[str, Any], step: Step) -> int | None:
        """The peak of a training step in bytes; None where there is no network."""
        analysis, _ = self.analysis(values)
        if analysis is None:
            return None
        network = analysis.network
        found = footprint(
            network,
            self._execution(network),
            optimizer=step.optimizer,
            precision=step.precision,
            device=step.device,
        )
        return found.peak(step.batch).total

    def _execution(self, network: Network) -> Execution:
        key = _wiring(network)
        layers = list(network.all_layers())
        if key not in self._executions:
            found = self._modules.of(network)
            self._executions[key] = (found, layers)
            return found
        known, others = self._executions[key]
        here = dict(zip(others, layers, strict=True))
        events = tuple(
            Run(here[event.layer], event.reads, event.makes, event.in_place)
            if isinstance(event, Run)
            else event
            for event in known.events
        )
        return replace(known, events=events)


def _wiring(network: Network) -> Hashable:
    """What the code of a module and its order depend on: everything but sizes."""
    numbers: dict[Value, int] = {v: n for n, v in enumerate(network.inputs.values())}
    ops: dict[int, Hashable] = {}
    rows: list[Hashable] = []
    for layer in network.all_layers():
        reads = tuple([numbers[value] for value in layer.inputs])
        numbers[layer.output] = len(numbers)
        op = layer.op
        if id(op) not in ops:  # instances of a block have the same
            ops[id(op)] = _apart_from_sizes(op)
        rows.append((layer.path, ops[id(op)], reads, layer.again is not None))
    outputs = tuple(numbers[value] for value in network.results())
    return (*rows, outputs)


def _apart_from_sizes(op: Op) -> Hashable:
    settings = tuple(
        (key, value)
        for key, value in op
        if isinstance(value, bool | str) or value is None
    )
    return (type(op), settings, op.unchanged, op.is_random, op.aliases)
