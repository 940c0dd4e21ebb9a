"""Two networks as wholes: their numbers, settings, maps and weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archc.compare.model import Dims, Side, Total, Weights
from archc.compare.structure import row_of
from archc.measure.depth import depth
from archc.network.graph import Head, Layer, Network, Value
from archc.ops.sizes import sizes_of


def totals(a: Side, b: Side) -> Iterator[Total]:
    """The numbers of whole networks."""
    one, other = a.network, b.network
    names = one.inputs_have_names or other.inputs_have_names
    yield from _shapes("input", one.inputs, other.inputs, names=names)
    names = bool(one.spec.outputs or other.spec.outputs)
    yield from _shapes("output", one.outputs, other.outputs, names=names)
    yield Total("params", a.facts.params, b.facts.params)
    if a.network.heads or b.network.heads:
        yield Total(
            "params_with_heads", a.facts.params_with_heads, b.facts.params_with_heads
        )
    yield Total("buffers", a.facts.buffers, b.facts.buffers)
    yield Total("macs", a.facts.macs, b.facts.macs)
    yield Total("receptive_field", a.facts.receptive_field, b.facts.receptive_field)
    yield Total("depth", depth(a.network), depth(b.network))


def _shapes(
    what: str, a: Mapping[str, Value], b: Mapping[str, Value], *, names: bool
) -> Iterator[Total]:
    """The shapes of what two networks are given, or return; by name where one of them
    has names."""
    for name in {**a, **b}:
        sizes = (_size(each[name]) if name in each else None for each in (a, b))
        yield Total(f"{what} {name}" if names else what, *sizes)


def _size(value: Value) -> Dims:
    assert value.shape is not None
    return value.shape.sizes


def settings(a: Network, b: Network) -> Iterator[Total]:
    """Parameters of both specs that have another value."""
    for name, value in a.params.items():
        if name in b.params and b.params[name] != value:
            yield Total(name, value, b.params[name])


def training(
    a: Network, b: Network, heads: list[tuple[Head | None, Head | None]]
) -> Iterator[Total]:
    """Weights of losses and initialisers that differ."""
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


def maps(network: Network) -> tuple[int | Dims, ...]:
    """The different sizes of the maps between input and output, in their order."""
    assert network.input.shape is not None
    rank = len(network.input.shape.dims)
    sizes: list[int | Dims] = []
    for value in (network.input, *(item.output for item in _spine(network))):
        if value.shape is None or len(value.shape.dims) != rank or rank == 1:
            continue
        sides = value.shape.sizes[1:]
        size = sides if len({*sides}) > 1 else sides[0]
        if not sizes or sizes[-1] != size:
            sizes.append(size)
    return tuple(sizes)


def _spine(network: Network) -> Iterator[Layer]:
    """The layers outside of forks, with those that end one."""
    for item in row_of(network.body):
        yield item if isinstance(item, Layer) else item.merge


def weights(a: Network, b: Network) -> Weights:
    """How the tensors of two networks compare."""
    ours, theirs = dict(_tensors(a)), dict(_tensors(b))
    same = sum(theirs.get(name) == dims for name, dims in ours.items())
    in_order = list(ours.values()) == list(theirs.values())
    return Weights(same, len(ours), len(theirs), in_order)


def _tensors(network: Network) -> Iterator[tuple[str, Dims]]:
    """The `state_dict`, but for counters of batches, layer by layer."""
    for region in (network.body, *(head.region for head in network.heads)):
        for layer in region.layers():
            tensors = {**layer.parameters(), **layer.buffers()}
            for name, dims in tensors.items():
                yield f"{layer.path}.{name}" if name else layer.path, sizes_of(dims)
