"""The forward pass of a generated module, as the validator's machine runs it.

A variable of the module is one of the machine's, so that what the machine still refers
to is what the module would hold.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any
from weakref import ref

from archc.emit.module import tree
from archc.emit.tree import Module as Tree
from archc.emit.validate.disagreement import Fault
from archc.emit.validate.expected import expected
from archc.emit.validate.machine import Machine
from archc.emit.validate.placed import placed
from archc.emit.validate.values import (
    Called,
    Module,
    Parts,
    Record,
    Tensor,
    Value,
)
from archc.emit.wrong import WrongModule
from archc.network.execution import Execution, Release, Run
from archc.network.graph import Network
from archc.network.inplace import inplace_nodes
from archc.spec.expressions import Expr, rows_in
from archc.spec.model import Node


def execution(network: Network) -> Execution:
    """What the network's module does in training.

    Raises:
        WrongModule: if there is no such module. That is a fault of archc's.
    """
    return _executed(network)[1]


def _executed(network: Network) -> tuple[Tree, Execution]:
    """The same, with the module's tree."""
    try:
        module = tree(network)
        return module, _Recorder(module, network).record()
    except Exception as error:
        # as where the module is written: no spec is to blame
        raise WrongModule(network.name, [f"{type(error).__name__}: {error}"]) from error


class Executions:
    """The forward passes of variants of one spec. Writing a module takes longer than
    running it, so that one is run with other arguments where it is theirs as well."""

    def __init__(self) -> None:
        self._known: dict[frozenset[Node], tuple[Tree, Mapping[str, Any]]] = {}
        """Modules, with what [params] were, by the nodes that work in place."""

    def of(self, network: Network) -> Execution:
        """What a variant's module does in training.

        Raises:
            WrongModule: if there is no such module. That is a fault of archc's.
        """
        key = inplace_nodes(network)
        if key in self._known:
            found = _with_arguments(*self._known[key], network)
            if found is not None:
                return found
        module, made = _executed(network)
        self._known[key] = module, network.params
        return made


def _with_arguments(
    module: Tree, params: Mapping[str, Any], network: Network
) -> Execution | None:
    """What a module does whose constructor is told how a network's [params] differ from
    these; None where that is not the network."""
    made = next(c for c in module.classes if c.name == module.network)
    constructor = made.method("__init__")
    names = () if constructor is None else constructor.parameters
    given = {
        name: value
        for name, value in network.params.items()
        if value != params[name] and not isinstance(network.spec.params[name], Expr)
    }
    if not given.keys() <= {p.local.id for p in names} or rows_in((*given.values(),)):
        return None
    try:
        return _Recorder(module, network).record(given)
    except Exception:
        return None  # whatever it is, a module of its own says more


class _Recorder(Machine):
    def __init__(self, tree: Tree, network: Network) -> None:
        super().__init__(tree, expected(network))
        self._results = network.results()
        self._class = tree.network.key
        self._begin()

    def _begin(self) -> None:
        self._events: list[Run | Release] = []
        self._numbers: dict[int, int] = {}
        """Of the tensors that something refers to, by their `id`."""
        self._alive: dict[int, ref[Tensor]] = {}
        self._made = 0
        self._together: object = None

    def record(self, given: Mapping[str, Any] | None = None) -> Execution:
        """Builds the module, with these arguments, and runs it forward in training.

        Raises:
            Fault: if what it gives is not what the network does.
        """
        built = self.build(self._class, given)
        for _ in placed(built, self.graph):
            pass  # each is told its path
        return self.in_order(lambda: self._recorded(built), training=True)

    def _recorded(self, built: Module) -> Execution:
        self._begin()
        value = self._run(built)
        found = value.fields.values() if isinstance(value, Record) else (value,)
        tensors = [t for t in found if isinstance(t, Tensor)]
        if [t.node for t in tensors] != [self.graph.of[v] for v in self._results]:
            raise Fault("it gives something else")
        outputs = tuple(self._numbers[id(t)] for t in tensors)
        return Execution(tuple(self._events), outputs)

    def _run(self, module: Module) -> Value:
        # held as a training loop holds them
        given = self.inputs()
        for x in given:
            self._number(x)
        return self.invoked(module, given, {})

    def compute(
        self,
        key: Hashable,
        inputs: tuple[Tensor, ...],
        called: Called,
        module: Module | None = None,
    ) -> Tensor:
        made = super().compute(key, inputs, called, module)
        reads = tuple([self._numbers[id(tensor)] for tensor in inputs])
        assert made.layer is not None
        number, together = self._number(made), self._together
        run = Run(made.layer, reads, number, called.inplace, together)
        self._events.append(run)
        return made

    def part(self, parts: Parts, number: int) -> Tensor:
        self._together = parts.token
        made = super().part(parts, number)
        self._together = None
        return made

    def _number(self, tensor: Tensor) -> int:
        number, key = self._made, id(tensor)
        self._made += 1
        # a run that failed may be referred to while another goes on
        numbers, alive, events = self._numbers, self._alive, self._events
        numbers[key] = number

        def gone(_: ref[Tensor]) -> None:
            del numbers[key]
            del alive[number]
            events.append(Release(number))

        alive[number] = ref(tensor, gone)
        return number
