"""What a network computes, as a graph of values in which equal ones are one node."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, permutations, product
from typing import Any, cast

from archc.emit.validate.autograd import shares_memory
from archc.emit.validate.calls import SCALARS, Signature, key_of
from archc.emit.validate.disagreement import Fault
from archc.emit.validate.folding import plain
from archc.emit.validate.tensors import TensorEvaluator
from archc.emit.validate.values import (
    Called,
    Module,
    Parameter,
    Storage,
    Tensor,
    Value,
)
from archc.network.graph import Layer, Network
from archc.network.graph import Value as NetworkValue
from archc.ops.base import Call, Op
from archc.ops.code import Attribute, Local
from archc.ops.merge.family import Merge
from archc.ops.sizes import Dims, Shape
from archc.spec.expressions import Expr, is_sequence

_X = Local("x0")
_TRAINING = Attribute(Local("self"), "training")
_SELF = Module("", "module")
"""What `self` is in the forms of ops, which ask it whether it is training."""


Order = Mapping[int, Sequence[int]]
"""The nodes of random calls that are written several times, by the first of them."""
_MOST_ORDERS = 500
"""That are looked at until a module is called wrong."""


@dataclass(slots=True, eq=False)
class Built:
    """An op on inputs of one shape: how it is built, and what tensors it has."""

    constructor: Called | None
    """None for a merge."""
    form: Call | Expr | None
    """How it is computed without a module."""
    around: tuple[tuple[Hashable, ...], tuple[Hashable, ...]] | None
    """If that is one call on the input: the key before the input, and behind it."""
    random: bool
    parameters: frozenset[str]
    has_tensors: bool
    shares: bool
    """Whether its output may lie in the memory of its first input."""
    kept: dict[bool, frozenset[int]] = field(
        default_factory=dict[bool, "frozenset[int]"]
    )
    """Which inputs autograd keeps, and -1 for the output, by whether it is in place."""


@dataclass(slots=True, eq=False)
class ValueGraph:
    """The network as its values; a node is a number."""

    inputs: int = 0
    """How many inputs the network has, which are the first nodes."""
    has_places: bool = False
    """Whether the module is told the devices of its places."""
    nodes: dict[Hashable, int] = field(default_factory=dict[Hashable, int])
    """By what computes it: which call on which nodes."""
    layers: list[Layer | None] = field(default_factory=list["Layer | None"])
    """The first layer that makes, or helps to make, each node."""
    built: list[Built | None] = field(default_factory=list["Built | None"])
    """What that layer's op is."""
    shapes: list[Shape | None] = field(default_factory=list["Shape | None"])
    again: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """For a random call that is written several times: the node of each."""
    of: dict[NetworkValue, int] = field(default_factory=dict["NetworkValue", int])
    runs: Counter[int] = field(default_factory=Counter[int])
    """How often each node is computed without the heads."""
    head_runs: Counter[int] = field(default_factory=Counter[int])
    """How often the heads compute it."""
    signatures: dict[str, Signature] = field(
        default_factory=lambda: defaultdict(Signature)
    )
    weighted: dict[str, tuple[Layer, Built]] = field(
        default_factory=dict[str, "tuple[Layer, Built]"]
    )
    """The layers with tensors, by path."""
    weightless: dict[Hashable, Op] = field(default_factory=dict[Hashable, Op])
    """The ops without tensors, by how their modules are built."""

    def orders(self) -> Iterator[Order]:
        """The orders that equal random calls may have, the network's first.

        Nothing but their order tells them apart, and one is as good as another: the
        code's may be another than the network's.
        """
        sets = self.again.values()
        each = [islice(permutations(nodes), _MOST_ORDERS) for nodes in sets]
        for order in islice(product(*each), _MOST_ORDERS):
            yield dict(zip(self.again, order, strict=True))

    def add(self, key: Hashable | None) -> int:
        """A new node."""
        node = len(self.layers)
        if key is not None:
            self.nodes[key] = node
        self.layers.append(None)
        self.built.append(None)
        self.shapes.append(None)
        return node


def expected(network: Network) -> ValueGraph:
    """The network's value graph, its layers in order, heads last."""
    builder = _Builder()
    graph = builder.graph
    for name, value in network.inputs.items():
        node = graph.of[value] = graph.add(("input", name))
        graph.shapes[node] = value.shape
    graph.inputs = len(network.inputs)
    graph.has_places = bool(network.spec.places)
    for layer in network.layers():
        for node in builder.layer(layer):
            graph.runs[node] += 1
    for head in network.heads:
        for layer in head.region.layers():
            for node in builder.layer(layer):
                graph.head_runs[node] += 1
    # from here on a name that is asked for and not there is no call of the network's
    graph.signatures = dict(graph.signatures)
    return graph


class _Builder(TensorEvaluator):
    def __init__(self) -> None:
        self.graph = ValueGraph()
        self.signatures = self.graph.signatures
        self._built: dict[Hashable, Built] = {}
        self._op: Op | None = None
        self._met: list[int] = []
        self._nowhere = Storage()

    # ---- layers

    def layer(self, layer: Layer) -> list[int]:
        """Adds a layer; gives the nodes that are computed for it."""
        graph, op = self.graph, layer.op
        known = layer.output.shape if op.merges else layer.input_shape()
        assert known is not None
        built = self._build(op, known, len(layer.inputs))
        inputs = tuple([graph.of[v] for v in layer.inputs])
        path = plain(layer.path)
        if built.has_tensors:
            assert built.constructor is not None
            if layer.again is None:
                if path in graph.weighted:
                    raise Fault("two layers of the network have this path", layer.path)
                graph.weighted[path] = (layer, built)
            else:
                first = graph.weighted[path][1].constructor
                if first is None or first.key != built.constructor.key:
                    raise Fault("a further use of this has other settings", layer.path)
        key = self._key(op, path, built, inputs)
        if key is None:
            assert built.form is not None
            self._op, self._met = op, []
            node, met = self._computed(built.form, inputs), self._met
        else:
            node = self._node(key, random=built.random)
            met = [node]
        if built.constructor is not None and not built.has_tensors:
            graph.weightless.setdefault(built.constructor.key, op)
            graph.nodes.setdefault((built.constructor.key, *inputs), node)
        graph.of[layer.output] = node
        for part in met:
            if graph.layers[part] is None:
                graph.layers[part] = layer
                graph.built[part] = built
        if not met:
            return []  # it hands on what it is given
        graph.shapes[node] = layer.output.shape
        return met if op.merges else [node]

    def _key(
        self, op: Op, path: str, built: Built, inputs: tuple[int, ...]
    ) -> Hashable | None:
        """What a layer that is one call is looked up by; None for any other."""
        if op.bare_parameter:
            key = ("parameter", path)
            parameter = self.graph.nodes.get(key)
            if parameter is None:
                parameter = self.graph.add(key)
            return ("*", *sorted((parameter, *inputs)))
        if built.has_tensors:
            return (path, *inputs)
        if built.around is not None:
            before, after = built.around
            return (*before, (Tensor, inputs[0]), *after)
        if built.form is not None:
            return None
        assert built.constructor is not None
        return (built.constructor.key, *inputs)

    def _computed(self, form: Call | Expr, inputs: tuple[int, ...]) -> int:
        env: dict[str, Value] = {"self": _SELF}
        for number, node in enumerate(inputs):
            env[f"x{number}"] = Tensor(node, self._nowhere)
        if isinstance(form, Call):
            value = self._form(form, env)
        else:
            value = self.evaluate(form, env)
        assert isinstance(value, Tensor)
        return value.node

    def _build(self, op: Op, x: Shape, count: int) -> Built:
        # layers of equal instances have one op
        known = (id(op), count, x.dims, x.channel_axis)
        found = self._built.get(known)
        if found is None:
            # ops with the same settings say the same, and asking takes its time
            stated = frozenset(op.model_fields_set)
            settings = op.__dict__.values()
            key = (type(op), count, x.dims, x.channel_axis, stated, *settings)
            found = self._built.get(key)
            if found is None:
                self._op = op
                found = self._built[key] = self._asked(op, x, count)
            self._built[known] = found
        return found

    def _asked(self, op: Op, x: Shape, count: int) -> Built:
        if isinstance(op, Merge):
            form = op.combine(x, *(Local(f"x{n}") for n in range(count)))
            shares = op.aliases
            return Built(None, form, None, False, frozenset(), False, shares)
        call = op.module(x)
        args, kwargs = call.args, call.kwargs
        if not all(type(v) in SCALARS for v in (*args, *kwargs.values())):
            args = tuple(self._value(a, {}) for a in args)
            kwargs = {k: self._value(v, {}) for k, v in kwargs.items()}
        parameters = frozenset(op.parameters(x))
        tensors = bool(parameters or op.buffers(x))
        form = None if tensors else op.function(x, Local("x0"))
        constructor = self.called(call.function, args, kwargs)
        shares = not tensors and shares_memory(op, x)
        around = None if form is None else self._around(form)
        random = op.category == "dropout"
        return Built(constructor, form, around, random, parameters, tensors, shares)

    def _around(
        self, form: Call | Expr
    ) -> tuple[tuple[Hashable, ...], tuple[Hashable, ...]] | None:
        if not isinstance(form, Call) or form.args[:1] != (_X,):
            return None
        rest = (*form.args[1:], *form.kwargs.values())
        if any(isinstance(v, Call | Expr) for v in rest if v != _TRAINING):
            return None
        env: dict[str, Value] = {"self": _SELF}
        args = tuple(self._value(a, env) for a in form.args[1:])
        kwargs = {k: self._value(v, env) for k, v in form.kwargs.items()}
        # the input's place is held, and its key is put there for each layer
        call = self.called(form.function, (None, *args), kwargs)
        key = cast("tuple[Hashable, ...]", call.key)
        assert key[2] is None
        return key[:2], key[3:]

    # ---- calls

    def _form(self, call: Call, env: dict[str, Value]) -> Value:
        args = tuple(self._value(a, env) for a in call.args)
        kwargs = {k: self._value(v, env) for k, v in call.kwargs.items()}
        return self.function(call.function, args, kwargs)

    def _value(self, value: Any, env: dict[str, Value]) -> Value:
        if isinstance(value, Call):
            return self._form(value, env)
        if isinstance(value, Expr):
            return self.evaluate(value, env)
        if is_sequence(value):
            return tuple(self._value(v, env) for v in value)
        return value

    def called(
        self, function: str, args: tuple[Value, ...], kwargs: dict[str, Value]
    ) -> Called:
        call = Called(function, args, kwargs, key_of(function, args, kwargs))
        if self._op is not None:
            self.signatures[function].learn(self._op, call)
        return call

    def compute(
        self, key: Hashable, inputs: tuple[Tensor, ...], called: Called
    ) -> Tensor:
        signature = self.signatures.get(called.function)
        random = signature is not None and signature.random
        node = self._node(key, random=random)
        self._met.append(node)
        return Tensor(node, self._nowhere)

    def _node(self, key: Hashable, *, random: bool) -> int:
        graph = self.graph
        node = graph.nodes.get(key)
        if node is None:
            node = graph.add(key)
        elif random:
            first = node
            node = graph.add(None)
            graph.again.setdefault(first, [first]).append(node)
        return node

    def parameter_node(self, parameter: Parameter) -> int:
        raise AssertionError("the forms of ops have no parameters in them")

    def dims(self, tensor: Tensor) -> Dims:
        shape = self.graph.shapes[tensor.node]
        assert shape is not None
        return shape.dims

    def is_training(self) -> bool:
        raise AssertionError("the forms of ops do not branch")
