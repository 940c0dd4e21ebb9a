"""From plans to the classes of a module's tree, each made once, in the order in which
they depend."""

from __future__ import annotations

from archc.emit import annotations
from archc.emit.classes import Planner
from archc.emit.factories import Conventions
from archc.emit.lower_class import ClassLowering, Lowered
from archc.emit.plan import ClassPlan, Convention, Slot
from archc.emit.row_classes import row_classes
from archc.emit.tree import (
    Class,
    Module,
    Parameter,
)
from archc.network.graph import Network
from archc.network.inplace import inplace_nodes


def packages(network: Network) -> tuple[str, ...]:
    """The modules that a network's code imports beside PyTorch's."""
    found = {layer.op.imports for layer in network.distinct_layers()}
    return tuple(sorted(name for name in found if name is not None))


class Lowering:
    """All classes of one generated module."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.spec = network.spec
        self.planner = Planner(network)
        self.symbols = self.planner.symbols
        self.inplace = inplace_nodes(network)
        self.helpers: dict[str, str] = {}
        self.classes: list[Class] = []
        self._lowered: dict[ClassPlan, Lowered] = {}
        self._begun: set[ClassPlan] = set()
        self._conventions = Conventions(self)
        self._types = annotations.Types(network)

    def module(self) -> Module:
        """The tree of the whole module."""
        main = self.lowered(self.planner.program()).made
        spec = self.network.spec
        doc = [f"{(spec.title or spec.name).rstrip('.')}."]
        if spec.source:
            doc.append(f"Source: {spec.source.rstrip('.')}.")
        return Module(
            doc=tuple(doc),
            imports=(),
            helpers=tuple(self.helpers[name] for name in sorted(self.helpers)),
            classes=(*row_classes(self.network, self.classes), *self.classes),
            network=main.name,
            packages=packages(self.network),
        )

    def lowered(self, plan: ClassPlan) -> Lowered:
        """A class, lowered when it is first asked for."""
        if plan not in self._lowered:
            self._begun.add(plan)
            self._lowered[plan] = ClassLowering(self, plan).lowered()
            self._begun.remove(plan)
        return self._lowered[plan]

    def is_begun(self, plan: ClassPlan) -> bool:
        """Whether a class is just being lowered."""
        return plan in self._begun

    def convention(self, slot: Slot) -> Convention:
        """How what is in a slot is called."""
        return self._conventions.of(slot)

    def parameter(self, plan: ClassPlan, symbol: str) -> Parameter:
        return self._types.parameter(plan, symbol)
