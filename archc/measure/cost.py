"""Parameters, buffers, multiply-adds and receptive fields of a network."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

from archc.measure.receptive_field import Fields
from archc.measure.rows import Seen
from archc.network.graph import Layer, Network
from archc.ops.reach import Reach
from archc.ops.sizes import Shape, sizes_of, to_int


class LayerFacts(NamedTuple):
    """What one layer costs and sees.

    `macs` are fused multiply-adds for one sample without biases. Parameters and buffers
    count where a module is made, and not where it is used again.
    """

    params: int
    buffers: int
    macs: int
    receptive_field: Seen


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """The numbers of a network: a table beside it. Totals are without heads, but for
    `params_with_heads`."""

    layers: dict[Layer, LayerFacts]
    params: int
    params_with_heads: int
    buffers: int
    macs: int
    receptive_field: Seen


def measure(network: Network) -> Facts:
    """The facts of every layer, heads included, and the totals."""
    layers = list(network.layers())
    heads = [layer for head in network.heads for layer in head.region.layers()]
    known: dict[Any, tuple[int, int, int, Reach]] = {}
    fields = Fields(network, [*layers, *heads])
    table = {layer: _layer(layer, known, fields) for layer in layers}
    main = list(table.values())
    widest = fields.of_network()
    table |= {layer: _layer(layer, known, fields) for layer in heads}
    return Facts(
        layers=table,
        params=sum([f.params for f in main]),
        params_with_heads=sum([f.params for f in table.values()]),
        buffers=sum([f.buffers for f in main]),
        macs=sum([f.macs for f in main]),
        receptive_field=widest,
    )


def _layer(
    layer: Layer, known: dict[Any, tuple[int, int, int, Reach]], fields: Fields
) -> LayerFacts:
    x = layer.input_shape()
    key = (id(layer.op), x.dims, x.channel_axis)
    if key not in known:
        known[key] = _counts(layer, x, layer.output_shape())
    params, buffers, macs, reach = known[key]
    if layer.again is not None:
        params = buffers = 0
    return LayerFacts(params, buffers, macs, fields.behind(layer, reach))


def _counts(layer: Layer, x: Shape, y: Shape) -> tuple[int, int, int, Reach]:
    op = layer.op
    params = sum(prod(sizes_of(dims)) for dims in op.parameters(x).values())
    buffers = sum(prod(sizes_of(dims)) for dims in op.buffers(x).values())
    return params, buffers, to_int(op.macs(x, y)), op.reach(x, y)
