"""What separates two networks: their layers side by side, and their totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

from archc.compare.align import Aligner, Pair
from archc.compare.structure import attributes, row_of
from archc.measure.cost import Facts
from archc.measure.summary import describe
from archc.network.graph import Head, Layer, Network, Value
from archc.ops.base import Op

Dims = tuple[int, ...]
Kind = Literal["same", "changed", "removed", "inserted", "moved"]


@dataclass(frozen=True, slots=True)
class Change:
    """An attribute with two values; `op` is one of them where the op is another."""

    attribute: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One of the two networks."""

    network: Network
    facts: Facts
    label: str
    """What it was asked for as: a name or a path."""

    @property
    def title(self) -> str:
        return self.network.spec.title or self.network.name


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A layer of the one network, of the other, or both where they belong together.

    `moved` is a layer that both have, at another place; it stands where the second
    network has it, and `a` is where it was.
    """

    kind: Kind
    a: Layer | None
    b: Layer | None
    changes: tuple[Change, ...] = ()
    head: str | None = None
    """The auxiliary classifier that it is a part of."""

    @property
    def layer(self) -> Layer:
        """The layer, the second network's where there are two."""
        layer = self.b or self.a
        assert layer is not None
        return layer

    @property
    def shapes(self) -> tuple[Dims | None, Dims | None]:
        """The shape of its output in each network."""
        return _dims(self.a), _dims(self.b)

    @property
    def reshaped(self) -> bool:
        """Whether it is in both networks and gives another shape."""
        a, b = self.shapes
        return a is not None and b is not None and a != b

    def to_dict(self, a: Side, b: Side) -> dict[str, Any]:
        """As `archc diff --format json` gives it."""
        return {
            "kind": self.kind,
            "head": self.head,
            "a": _layer(self.a, a.facts),
            "b": _layer(self.b, b.facts),
            "changes": {c.attribute: [c.before, c.after] for c in self.changes},
            "reshaped": self.reshaped,
        }


@dataclass(frozen=True, slots=True)
class Total:
    """A number, or a shape, of both networks."""

    name: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Weights:
    """What the `state_dict` of one network is to the other."""

    same: int
    """Tensors that have the same name and shape in both."""
    a: int
    b: int
    in_order: bool
    """Whether, layer by layer, all have the same shapes, under whatever names."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two networks, layer by layer along the longest structure they have in common."""

    a: Side
    b: Side
    rows: tuple[Row, ...]
    totals: tuple[Total, ...]
    settings: tuple[Total, ...]
    """Parameters that both specs have, with different values."""
    training: tuple[Total, ...]
    """What only matters in training: initialisers and the weights of heads' losses,
    where they are different."""
    weights: Weights
    maps: tuple[tuple[int | Dims, ...], tuple[int | Dims, ...]]
    """The sizes of the feature maps that each network goes through."""

    @property
    def equal(self) -> bool:
        """Whether both are one network, whatever their layers are called."""
        alike = all(total.a == total.b for total in self.totals)
        return alike and not self.differences and not self.training

    @property
    def differences(self) -> list[Row]:
        """The rows that are not the same."""
        return [row for row in self.rows if row.kind != "same"]

    def to_dict(self) -> dict[str, Any]:
        """As `archc diff --format json` gives it.

        Pairs are what the first and the second network have. `layers` holds each layer
        of both once, alone or with its counterpart: `kind` is same, changed, removed,
        inserted or moved, `changes` are its attributes with two values (`op` where it
        is another op, `from` where it reads something else), `reshaped` is whether its
        output has another shape, and `head` names the auxiliary classifier around it.
        `training` are initialisers and weights of losses that differ.
        """
        return {
            "a": _about(self.a),
            "b": _about(self.b),
            "equal": self.equal,
            "totals": {t.name: [t.a, t.b] for t in self.totals},
            "settings": {t.name: [t.a, t.b] for t in self.settings},
            "training": {t.name: [t.a, t.b] for t in self.training},
            "maps": [list(maps) for maps in self.maps],
            "weights": {
                "same_name_and_shape": self.weights.same,
                "tensors": [self.weights.a, self.weights.b],
                "same_shapes_in_order": self.weights.in_order,
            },
            "layers": [row.to_dict(self.a, self.b) for row in self.rows],
        }


def compare(a: Side, b: Side) -> Comparison:
    """Lays two networks side by side."""
    aligner = Aligner()
    pairs = aligner.align(row_of(a.network.body), row_of(b.network.body))
    rows = list(_rows(pairs, None))
    heads = _heads(a.network, b.network)
    for one, other in heads:
        name = other.name if other else one.name if one else None
        inside = aligner.align(
            row_of(one.region) if one else (), row_of(other.region) if other else ()
        )
        rows += _rows(inside, name)
    rows = _rewired(rows, a.network, b.network)
    return Comparison(
        a,
        b,
        tuple(_with_moves(rows)),
        tuple(_totals(a, b)),
        tuple(_settings(a.network, b.network)),
        tuple(_training(a.network, b.network, heads)),
        _weights(a.network, b.network),
        (_maps(a.network), _maps(b.network)),
    )


# ---- rows


def _rows(pairs: list[Pair], head: str | None) -> Iterator[Row]:
    for a, b in pairs:
        if a is None or b is None:
            yield Row("removed" if b is None else "inserted", a, b, head=head)
            continue
        changes = tuple(_changes(a.op, b.op))
        yield Row("changed" if changes else "same", a, b, changes, head)


def _changes(a: Op, b: Op) -> Iterator[Change]:
    if a.op != b.op:
        yield Change("op", a.op, b.op)
    before, after = attributes(a), attributes(b)
    for name in before if a.op == b.op else ():
        if before[name] != after[name]:
            yield Change(name, before[name], after[name])


def _heads(a: Network, b: Network) -> list[tuple[Head | None, Head | None]]:
    """Auxiliary classifiers of one name, and then the others in their order."""
    names = [{head.name for head in network.heads} for network in (b, a)]
    ours, theirs = (
        [head for head in network.heads if head.name not in taken]
        for network, taken in zip((a, b), names, strict=True)
    )
    named = {head.name: head for head in b.heads}
    found = [(head, named[head.name]) for head in a.heads if head.name in named]
    return [*found, *zip_longest(ours, theirs)]


def _rewired(rows: list[Row], a: Network, b: Network) -> list[Row]:
    """Rows that also say where a layer reads another value than its counterpart.

    What is removed or inserted on the way stands between a layer and what it reads; so
    both are followed back through such layers to one that is in both networks.
    """
    counterpart = {row.a.output: row.b.output for row in rows if row.a and row.b}
    counterpart[a.input] = b.input
    shared = set(counterpart.values())
    found: list[Row] = []
    for row in rows:
        if row.a and row.b and row.a.op.op == row.b.op.op:
            ends = _ends(row.a, row.b, counterpart, shared)
            if ends is not None:
                names = (
                    ", ".join(_name(v, n) for v in e)
                    for e, n in zip(ends, (a, b), strict=True)
                )
                change = Change("from", *names)
                row = Row("changed", row.a, row.b, (*row.changes, change), row.head)
        found.append(row)
    return found


def _ends(
    a: Layer, b: Layer, counterpart: dict[Value, Value], shared: set[Value]
) -> tuple[list[Value], list[Value]] | None:
    """What two layers read, where it is not the same; None where it is or who knows."""
    before = [_back(value, counterpart) for value in a.inputs]
    after = [_back(value, shared) for value in b.inputs]
    ours = [value for value in before if value is not None]
    theirs = [value for value in after if value is not None]
    if len(ours) != len(before) or len(theirs) != len(after):
        return None
    expected, found = [id(counterpart[v]) for v in ours], [id(v) for v in theirs]
    if a.op.op in _COMMUTATIVE:
        expected, found = sorted(expected), sorted(found)
    return None if expected == found else (ours, theirs)


_COMMUTATIVE = ("add", "mul")


def _back(value: Value, known: Any) -> Value | None:
    """The value from which `value` is made by layers that only one network has."""
    while value not in known:
        if value.layer is None or len(value.layer.inputs) != 1:
            return None
        (value,) = value.layer.inputs
    return value


def _name(value: Value, network: Network) -> str:
    return (
        "the input"
        if value is network.input
        else value.layer.path
        if value.layer
        else "?"
    )


def _with_moves(rows: list[Row]) -> Iterator[Row]:
    """Makes one row of a layer that was removed and inserted not far from there."""
    moved: dict[int, int] = {}
    gone: set[int] = set()
    for *_, i, j in sorted(_moves(rows)):
        if i not in gone and j not in moved:
            moved[j] = i
            gone.add(i)
    for i, row in enumerate(rows):
        if i in moved:
            yield Row("moved", rows[moved[i]].a, row.b, (), row.head)
        elif i not in gone:
            yield row


def _moves(rows: list[Row]) -> Iterator[tuple[bool, int, int, int, int, int]]:
    """Which removed row may be which inserted one, and what makes it likely.

    Places are counted so that they are the same when the networks change sides: by the
    rows before that are in both, and then by those since that only this one has.
    """
    removed: dict[int, list[int]] = {}
    inserted: dict[int, list[int]] = {}
    both = 0
    for i, row in enumerate(rows):
        if row.a and row.b:
            both += 1
        else:
            (removed if row.a else inserted).setdefault(both, []).append(i)
    for start, run in removed.items():
        for there in range(start - _NEAR, start + _NEAR + 1):
            others = inserted.get(there, [])
            for place, i in enumerate(run, start):
                first = max(0, place - there - _NEAR)
                last = max(0, place - there + _NEAR + 1)
                for other, j in enumerate(others[first:last], there + first):
                    if _is_moved(rows[i], rows[j]):
                        renamed = rows[i].layer.path != rows[j].layer.path
                        far = abs(place - other)
                        yield renamed, far, place + other, start + there, i, j


_NEAR = 4
"""Within how many rows a layer is one that has moved."""


def _is_moved(removed: Row, inserted: Row) -> bool:
    a, b = removed.a, inserted.b
    assert a is not None and b is not None
    return (
        removed.head == inserted.head
        and a.op.op == b.op.op
        and a.op.category != "merge"
        and attributes(a.op) == attributes(b.op)
        and (a.path == b.path or a.output_shape() == b.output_shape())
    )


# ---- totals


def _totals(a: Side, b: Side) -> Iterator[Total]:
    yield Total("input", _size(a.network.input), _size(b.network.input))
    yield Total("output", _size(a.network.output), _size(b.network.output))
    yield Total("params", a.facts.params, b.facts.params)
    if a.network.heads or b.network.heads:
        yield Total(
            "params_with_heads", a.facts.params_with_heads, b.facts.params_with_heads
        )
    yield Total("buffers", a.facts.buffers, b.facts.buffers)
    yield Total("macs", a.facts.macs, b.facts.macs)
    yield Total("receptive_field", a.facts.receptive_field, b.facts.receptive_field)
    yield Total("depth", depth(a.network), depth(b.network))


def depth(network: Network) -> int:
    """Convolutions and linear layers on the longest path, as names of networks count
    them: 50 in ResNet-50."""
    import networkx as nx

    graph: nx.DiGraph[Any] = nx.DiGraph()
    graph.add_node(network.input)
    for layer in network.layers():
        weight = int(layer.op.category in ("convolution", "linear"))
        for value in layer.inputs:
            graph.add_edge(value, layer.output, weight=weight)
    return int(nx.dag_longest_path_length(graph, weight="weight"))


def _size(value: Value) -> Dims:
    assert value.shape is not None
    return value.shape.dims


def _settings(a: Network, b: Network) -> Iterator[Total]:
    for name, value in a.params.items():
        if name in b.params and b.params[name] != value:
            yield Total(name, value, b.params[name])


def _training(
    a: Network, b: Network, heads: list[tuple[Head | None, Head | None]]
) -> Iterator[Total]:
    for one, other in heads:
        if one and other and one.loss_weight != other.loss_weight:
            yield Total(f"loss × {other.name}", one.loss_weight, other.loss_weight)
    before, after = _initialisers(a), _initialisers(b)
    for name in before | after:
        if before.get(name) != after.get(name):
            yield Total(name, before.get(name), after.get(name))


def _initialisers(network: Network) -> dict[str, str]:
    """How parameters start where that is not PyTorch's way, as one would call it."""
    found: dict[str, str] = {}
    for op, parameters in network.spec.init.items():
        for name, how in parameters.items():
            given = ", ".join(f"{key}={value}" for key, value in how.arguments.items())
            found[f"init {op}.{name}"] = f"{how.function}({given})"
    return found


def _maps(network: Network) -> tuple[int | Dims, ...]:
    """The different sizes of the maps between input and output, in their order."""
    sizes: list[int | Dims] = []
    for value in (network.input, *(item.output for item in _spine(network))):
        dims = value.shape.dims if value.shape else ()
        if len(dims) == 3:
            size = dims[1] if dims[1] == dims[2] else dims[1:]
            if not sizes or sizes[-1] != size:
                sizes.append(size)
    return tuple(sizes)


def _spine(network: Network) -> Iterator[Layer]:
    """The layers outside of forks, with those that end one."""
    for item in row_of(network.body):
        yield item if isinstance(item, Layer) else item.merge


def _weights(a: Network, b: Network) -> Weights:
    ours, theirs = dict(_tensors(a)), dict(_tensors(b))
    same = sum(theirs.get(name) == dims for name, dims in ours.items())
    in_order = list(ours.values()) == list(theirs.values())
    return Weights(same, len(ours), len(theirs), in_order)


def _tensors(network: Network) -> Iterator[tuple[str, Dims]]:
    """The `state_dict`, but for counters of batches, layer by layer."""
    for region in (network.body, *(head.region for head in network.heads)):
        for layer in region.layers():
            x = layer.input_shape()
            for name, dims in (layer.op.parameters(x) | layer.op.buffers(x)).items():
                yield f"{layer.path}.{name}" if name else layer.path, dims


# ---- as dictionaries


def _dims(layer: Layer | None) -> Dims | None:
    return None if layer is None else layer.output_shape().dims


def _about(side: Side) -> dict[str, Any]:
    return {
        "spec": side.label,
        "name": side.network.name,
        "title": side.network.spec.title,
        "source": side.network.spec.source,
    }


def _layer(layer: Layer | None, facts: Facts) -> dict[str, Any] | None:
    if layer is None:
        return None
    numbers = facts.layers[layer]
    return {
        "path": layer.path,
        "op": layer.op.op,
        "setting": describe(layer.op),
        "output": list(layer.output_shape().dims),
        "params": numbers.params,
        "macs": numbers.macs,
        "receptive_field": numbers.receptive_field,
    }
