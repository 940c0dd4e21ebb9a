"""What a generated module calls in evaluation, as the validator's machine runs it."""

from __future__ import annotations

from collections.abc import Hashable

from archc.emit.module import tree
from archc.emit.validate.expected import expected
from archc.emit.validate.machine import Machine
from archc.emit.validate.placed import placed
from archc.emit.validate.values import Called, Module, Tensor
from archc.emit.wrong import WrongModule
from archc.network.execution import Call
from archc.network.graph import Network


def evaluation(network: Network) -> list[Call]:
    """The calls in their order, without auxiliary classifiers.

    Raises:
        WrongModule: if there is no such module. That is a fault of archc's.
    """
    try:
        return _Recorder(network).record()
    except Exception as error:
        raise WrongModule(network.name, [f"{type(error).__name__}: {error}"]) from error


class _Recorder(Machine):
    def __init__(self, network: Network) -> None:
        code = tree(network)
        super().__init__(code, expected(network))
        self._class = code.network.key
        self._calls: list[Call] = []

    def record(self) -> list[Call]:
        built = self.build(self._class)
        for _ in placed(built, self.graph):
            pass  # each is told its path
        return self.in_order(lambda: self._recorded(built), training=False)

    def _recorded(self, built: Module) -> list[Call]:
        self._calls = list[Call]()
        self.invoked(built, self.inputs(), {})
        return self._calls

    def compute(
        self,
        key: Hashable,
        inputs: tuple[Tensor, ...],
        called: Called,
        module: Module | None = None,
    ) -> Tensor:
        made = super().compute(key, inputs, called, module)
        if made.layer is not None:
            name = called.function if module is None else module.name
            self._calls.append(Call(made.layer, name, module is not None))
        return made
