"""The forward pass of a generated module, as the validator's machine runs it.

A variable of the module is one of the machine's, so that what the machine still refers
to is what the module would hold.
"""

from __future__ import annotations

from collections.abc import Hashable
from weakref import ref

from archc.emit.module import tree
from archc.emit.tree import Module as Tree
from archc.emit.validate.expected import INPUT, ValueGraph, expected
from archc.emit.validate.machine import Machine
from archc.emit.validate.placed import placed
from archc.emit.validate.values import Called, Module, Record, Storage, Tensor
from archc.network.execution import Execution, Release, Run
from archc.network.graph import Network


def execution(network: Network) -> Execution:
    """What the network's module does in training."""
    recorder = _Recorder(tree(network), expected(network))
    built = recorder.construct(recorder.network, (), {})
    assert isinstance(built, Module)
    for _ in placed(built, recorder.graph):
        pass
    return recorder.run_forward(built)


class _Recorder(Machine):
    def __init__(self, tree: Tree, graph: ValueGraph) -> None:
        super().__init__(tree, graph)
        self.network = tree.network.key
        self._events: list[Run | Release] = []
        self._numbers: dict[int, int] = {}
        self._watched: dict[int, ref[Tensor]] = {}
        self._made = 0

    def run_forward(self, module: Module) -> Execution:
        self.start(training=True)
        x = Tensor(INPUT, Storage(fixed=True))
        self._number(x)
        value = self.invoked(module, (x,), {})
        del x
        found = value.fields.values() if isinstance(value, Record) else (value,)
        outputs = tuple(self._numbers[id(t)] for t in found if isinstance(t, Tensor))
        events = tuple(self._events)
        return Execution(events, outputs)

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
        self._events.append(
            Run(made.layer, reads, self._number(made), called.inplace)
        )
        return made

    def _number(self, tensor: Tensor) -> int:
        number, key = self._made, id(tensor)
        self._made += 1
        self._numbers[key] = number

        def gone(_: ref[Tensor]) -> None:
            del self._numbers[key]
            del self._watched[number]
            self._events.append(Release(number))

        self._watched[number] = ref(tensor, gone)
        return number
