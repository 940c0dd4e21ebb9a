"""`_initialize_weights` held to the `[init]` table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archc.emit.validate.calls import call_text
from archc.emit.validate.disagreement import Disagreement
from archc.emit.validate.machine import Machine
from archc.emit.validate.modules import INITIALIZE
from archc.emit.validate.values import Called, Module, Parameter
from archc.network.graph import Network
from archc.spec.model import Initializer


def initialization(
    machine: Machine,
    network_module: Module,
    places: dict[str, Module | Parameter],
    network: Network,
) -> Iterator[Disagreement]:
    """Where weights are not started as the spec says.

    Modules that have the same class and the same parameters are treated alike by any
    such method, so one of each is looked at.
    """
    init = network.spec.init
    called = machine.initialized
    # one that is not called starts nothing, which may be right
    if called and called != ([network_module] if init else []):
        yield Disagreement(
            "", f"`{INITIALIZE}` is called {len(called)} times, and the spec has "
            + ("an" if init else "no") + " [init]",
        )  # fmt: skip
        return
    if not init:
        return
    kinds: dict[tuple[str, frozenset[str]], str] = {}
    for path, module in places.items():
        if isinstance(module, Module):
            weighted = machine.graph.weighted.get(path)
            call = module.call
            if weighted is None and call and call.key not in machine.graph.weightless:
                continue  # the network has no such layer, which is said elsewhere
            names = frozenset[str]() if weighted is None else weighted[1].parameters
            kinds.setdefault((module.name, names), path)
    for path in kinds.values():
        module = places[path]
        assert isinstance(module, Module)
        machine.kinds.append(module)
    if called:
        assert network_module.cls is not None
        method = network_module.cls.method(INITIALIZE)
        assert method is not None
        machine.run_method(network_module, method, (), {})
    for (_, names), path in kinds.items():
        weighted = machine.graph.weighted.get(path)
        starts: Mapping[str, Initializer] = {}
        if weighted is not None:
            starts = network.spec.starts(weighted[0].op)
        for name in sorted(names | {"weight", "bias"}):
            found = [_shown(c) for c in machine.initializers.get((path, name), [])]
            wanted: list[str] = []
            if name in names and name in starts:
                how = starts[name]
                call = Called(f"nn.init.{how.function}", (), dict(how.arguments), None)
                wanted = [_shown(call)]
            if found != wanted:
                has, wants = (", ".join(s) or "nothing" for s in (found, wanted))
                yield Disagreement(
                    f"{path}.{name}",
                    f"it is started with {has}; the spec wants {wants}",
                )


def _shown(call: Called) -> str:
    return call_text(
        Called(call.function, call.args, dict(sorted(call.kwargs.items())), None)
    )
