"""What a generated module must have in common with its network."""

from __future__ import annotations

from collections.abc import Iterator

from archc.emit.tree import Assign
from archc.emit.tree import Module as Tree
from archc.emit.validate.calls import call_text, described
from archc.emit.validate.disagreement import Disagreement, Fault, NotFollowed
from archc.emit.validate.expected import ValueGraph, expected
from archc.emit.validate.explain import layer_text
from archc.emit.validate.folding import folded, plain
from archc.emit.validate.initialization import initialization
from archc.emit.validate.machine import Machine
from archc.emit.validate.modules import IDENTITY
from archc.emit.validate.names import Names
from archc.emit.validate.placed import placed
from archc.emit.validate.values import (
    Module,
    Parameter,
    Record,
    Tensor,
    Value,
)
from archc.network.graph import Network
from archc.network.graph import Value as NetworkValue
from archc.network.places import places
from archc.ops.code import Local

_LOSS_WEIGHTS = "loss_weights"


def validate(module: Tree, network: Network) -> list[Disagreement]:
    """The differences between a generated module and its network; none if it is right.

    The module is built with the defaults of its arguments, and run in evaluation and in
    training. Its cost grows with the number of layers.
    """
    found: list[Disagreement] = []
    try:
        names = Names(module)
        if not names.plain():
            found += names.folded_classes()
            module = folded(module)
            names = Names(module)
        found += names.disagreements()
        found += _Comparison(module, network).differences()
    except Fault as fault:
        found.append(fault.disagreement())
    except Exception as error:
        problem = NotFollowed(f"{type(error).__name__}: {error}")
        found.append(problem.disagreement())
    return found


class _Comparison:
    def __init__(self, tree: Tree, network: Network) -> None:
        self._tree = tree
        self._network = network
        self._graph: ValueGraph = expected(network)
        self._machine = Machine(tree, self._graph)

    def differences(self) -> Iterator[Disagreement]:
        name = self._tree.network.key
        built = self._machine.build(name)
        made = dict(placed(built, self._graph))
        yield from self._tensors(made)
        yield from self._helpers(made)
        yield from self._places(made)
        yield from initialization(self._machine, built, made, self._network)
        yield from self._loss_weights()
        yield from self._outcome(built, training=False)
        # a run that did not ask for the mode goes the same way in both
        if self._network.heads or self._machine.asked_training:
            yield from self._outcome(built, training=True)

    # ---- tensors

    def _tensors(self, places: dict[str, Module | Parameter]) -> Iterator[Disagreement]:
        graph = self._graph
        for path, (layer, built) in graph.weighted.items():
            wanted = built.constructor
            assert wanted is not None
            there = places.get(path)
            if there is None or there.call is None:
                what = "nothing" if there is None else f"a `{_kind(there)}`"
                yield Disagreement(
                    path, f"the module has {what} here, the network {call_text(wanted)}"
                )
            elif there.call.key != wanted.key or there.call.inplace:
                yield Disagreement(
                    path,
                    f"the module has {call_text(there.call)} here, the network"
                    f" {call_text(wanted)} ({layer.op.op})",
                )
        for path, there in places.items():
            call = there.call
            if path in graph.weighted or call is None or call.function == IDENTITY:
                continue
            if isinstance(there, Parameter) or call.key not in graph.weightless:
                yield Disagreement(
                    path,
                    f"the module has {call_text(call)} here, and the network has no"
                    " such layer",
                )

    def _places(self, made: dict[str, Module | Parameter]) -> Iterator[Disagreement]:
        """Whether each layer that has tensors was put where it lives."""
        there = places(self._network)
        for path, (layer, _) in self._graph.weighted.items():
            child = made.get(path)
            if there and child is not None and child.place != there[layer]:
                yield Disagreement(
                    path,
                    f"the module has it at {child.place}, the network at"
                    f" {there[layer]}",
                )

    def _helpers(self, places: dict[str, Module | Parameter]) -> Iterator[Disagreement]:
        given = {source.strip() for source in self._tree.helpers}
        used = {m.call.function for m in places.values() if m.call is not None}
        for name in sorted(used):
            signature = self._graph.signatures.get(name)
            for op in signature.ops if signature is not None else ():
                helper = op.helper_of(name)
                if helper is not None and helper.strip() not in given:
                    yield Disagreement(
                        "", f"the class `{name}` of `{op.op}` is used, not defined"
                    )

    # ---- forward

    def _outcome(self, built: Module, *, training: bool) -> list[Disagreement]:
        """What a run gives otherwise than the network, with equal random calls in the
        order in which that is nothing, if there is one.
        """
        least: list[Disagreement] | None = None
        for chances in self._graph.orders():
            self._machine.start(training=training, chances=chances)
            found = list(self._followed(built, training=training))
            least = found if least is None else least
            if not found:
                return []
        assert least is not None
        return least

    def _followed(self, built: Module, *, training: bool) -> Iterator[Disagreement]:
        try:
            value = self._machine.forward(built)
        except Fault as fault:
            yield fault.disagreement()
            return
        mode = "training" if training else "evaluation"
        if self._network.spec.outputs or (training and self._network.heads):
            yield from self._outputs(value, training=training)
        else:
            (wanted,) = self._network.outputs.values()
            yield from self._output(value, wanted, f"the output in {mode}")
        yield from self._runs(training=training)

    def _outputs(self, value: Value, *, training: bool) -> Iterator[Disagreement]:
        """Holds what is returned by name to the outputs and the heads; the latter are
        None in evaluation."""
        network = self._network
        mode = "training" if training else "evaluation"
        if not isinstance(value, Record):
            yield Disagreement("", f"{mode} gives {described(value)}, not a NamedTuple")
            return
        names = list(value.fields)
        heads = [head.name for head in network.heads]
        wanted = [plain(name) for name in (*network.outputs, *heads)]
        # an output without a name is called what no head is
        first = 0 if network.spec.outputs else 1
        if names[first:] != wanted[first:]:
            what = "the outputs" if network.spec.outputs else "the heads"
            yield Disagreement(
                "",
                f"{mode} gives {what} {names[first:]}, the network has"
                f" {wanted[first:]}",
            )
            return
        for number, (name, output) in enumerate(
            zip(names, network.results(), strict=True)
        ):
            found, what = value.fields[name], f"`{name}` in {mode}"
            if training or number < len(network.outputs):
                yield from self._output(found, output, what)
            elif found is not None:
                yield Disagreement("", f"{what} is {described(found)}, not None")

    def _output(
        self, value: Value, wanted: NetworkValue, what: str
    ) -> Iterator[Disagreement]:
        node = self._graph.of[wanted]
        if isinstance(value, Tensor) and value.node == node:
            return
        layer = wanted.layer
        shown = "the input" if layer is None else layer_text(layer)
        path = "" if layer is None else layer.path
        yield Disagreement(
            path, f"{what} is {described(value)}; in the network it is {shown}"
        )

    def _runs(self, *, training: bool) -> Iterator[Disagreement]:
        graph, runs = self._graph, self._machine.runs
        for node, layer in enumerate(graph.layers):
            if node not in graph.runs and node not in graph.head_runs:
                continue
            wanted = graph.runs[node] + (graph.head_runs[node] if training else 0)
            if runs[node] != wanted and layer is not None:
                mode = "training" if training else "evaluation"
                yield Disagreement(
                    layer.path,
                    f"{layer_text(layer)} is run {runs[node]} times in {mode}, in the"
                    f" network {wanted} times",
                )

    def _loss_weights(self) -> Iterator[Disagreement]:
        wanted = {h.name: h.loss_weight for h in self._network.heads}
        found: Value = {}
        for cls in self._tree.classes:
            if cls.name != self._tree.network:
                continue
            for field in cls.fields:
                if not isinstance(field, Assign) or field.value is None:
                    continue
                if field.targets == (Local(_LOSS_WEIGHTS),):
                    found = self._machine.evaluate(field.value, {})
        if not isinstance(found, dict) or list(found.items()) != list(wanted.items()):
            yield Disagreement(
                "", f"{_LOSS_WEIGHTS} is {found}; in the network it is {wanted}"
            )


def _kind(there: Module | Parameter) -> str:
    return there.name if isinstance(there, Module) else "nn.Parameter"
