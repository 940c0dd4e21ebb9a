"""Where an activation may overwrite what it reads.

It may where it is the value's only reader, where nobody's backward pass needs the
value,
and where the value was made in the same body, so that the class is safe wherever it is
used. Every instance of the written node must allow it.
"""

from __future__ import annotations

from collections import Counter

from archc.network.graph import Layer, Network, Region, Value
from archc.ops.steps import Device
from archc.spec.model import Node


def inplace_nodes(network: Network) -> frozenset[Node]:
    """The nodes whose op can safely work in place in all of its instances."""
    readers: Counter[Value] = Counter([network.output])
    owner: dict[Layer, Region] = {}
    roots = [network.body, *(h.region for h in network.heads)]
    for head in network.heads:
        readers[head.source] += 1
    for root in roots:
        for layer, region in _owned(root):
            owner[layer] = region
            readers.update(layer.inputs)
    safe: dict[Node, bool] = {}
    for layer in owner:
        if layer.op.has_inplace:
            wanted = getattr(layer.op, "inplace", None) is not False
            fine = wanted and _overwritable(layer, layer.inputs[0], readers, owner)
            safe[layer.node] = safe.get(layer.node, True) and fine
    return frozenset(node for node, fine in safe.items() if fine)


def _owned(root: Region) -> list[tuple[Layer, Region]]:
    """Every layer with the block instance, or the root, in whose body it stands."""
    found: list[tuple[Layer, Region]] = []
    stack: list[tuple[Layer | Region, Region]] = [(root, root)]
    while stack:
        part, body = stack.pop()
        if isinstance(part, Layer):
            found.append((part, body))
        else:
            inside = part if part.kind == "block" else body
            stack.extend((p, inside) for p in part.parts)
    return found


def _shares(layer: Layer) -> bool:
    """Whether what a layer gives may be the memory that it reads, on some device."""
    if layer.op.aliases:
        return True
    shapes, y = (layer.input_shape(),), layer.output_shape()
    devices: tuple[Device, ...] = ("cpu", "cuda")
    return any(
        step.shares
        for device in devices
        if len(layer.inputs) == 1
        for step in layer.op.steps(shapes, y, device=device, inplace=False)
    )


def _overwritable(
    reader: Layer, value: Value, readers: Counter[Value], owner: dict[Layer, Region]
) -> bool:
    maker = value.layer
    if maker is None or readers[value] != 1 or owner[maker] is not owner[reader]:
        return False
    if maker.op.merges and len(maker.inputs) == 1:
        # a merge of one value may be that value itself
        return _overwritable(reader, maker.inputs[0], readers, owner)
    works_in_place = maker.op.has_inplace and maker.op.category == "activation"
    if "output" in maker.op.saves or works_in_place:
        # an activation that worked in place has nothing but its output to go by
        return False
    if _shares(maker):
        # the same memory as what the maker read
        return _overwritable(reader, maker.inputs[0], readers, owner)
    return True
