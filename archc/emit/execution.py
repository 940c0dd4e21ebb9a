"""The forward pass of a generated module, as the validator's machine runs it.

A variable of the module is one of the machine's, so that what the machine still refers
to is what the module would hold.
"""

from __future__ import annotations

from collections.abc import Hashable
from weakref import ref

from archc.emit.module import tree
from archc.emit.tree import Module as Tree
from archc.emit.validate.expected import ValueGraph, expected
from archc.emit.validate.machine import Machine
from archc.emit.validate.placed import placed
from archc.emit.validate.values import (
    Called,
    Module,
    Record,
    Tensor,
    Value,
)
from archc.emit.wrong import WrongModule
from archc.network.execution import Execution, Release, Run
from archc.network.graph import Network


def execution(network: Network) -> Execution:
    """What the network's module does in training.

    Raises:
        WrongModule: if there is no such module. That is a fault of archc's.
    """
    try:
        recorder = _Recorder(tree(network), expected(network))
        return recorder.record()
    except Exception as error:
        # as where the module is written: no spec is to blame
        raise WrongModule(network.name, [f"{type(error).__name__}: {error}"]) from error


class _Recorder(Machine):
    def __init__(self, tree: Tree, graph: ValueGraph) -> None:
        super().__init__(tree, graph)
        self._class = tree.network.key
        self._events: list[Run | Release] = []
        self._numbers: dict[int, int] = {}
        """Of the tensors that something refers to, by their `id`."""
        self._alive: dict[int, ref[Tensor]] = {}
        self._made = 0

    def record(self) -> Execution:
        """Builds the module, and runs it forward in training."""
        built = self.construct(self._class, (), {})
        assert isinstance(built, Module)
        for _ in placed(built, self.graph):
            pass  # each is told its path
        self.start(training=True)
        value = self._run(built)
        found = value.fields.values() if isinstance(value, Record) else (value,)
        outputs = tuple(self._numbers[id(t)] for t in found if isinstance(t, Tensor))
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
        reads = tuple(self._numbers[id(tensor)] for tensor in inputs)
        assert made.layer is not None
        self._events.append(Run(made.layer, reads, self._number(made), called.inplace))
        return made

    def _number(self, tensor: Tensor) -> int:
        number, key = self._made, id(tensor)
        self._made += 1
        self._numbers[key] = number

        def gone(_: ref[Tensor]) -> None:
            del self._numbers[key]
            del self._alive[number]
            self._events.append(Release(number))

        self._alive[number] = ref(tensor, gone)
        return number
