"""A network layer by layer, nothing folded; and as one box."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from archc.draw import labels
from archc.draw.caption import fields
from archc.draw.chart import Cell, Chart, Less, kinds, linked, sizes
from archc.draw.loops import fold_in
from archc.draw.stages import heading
from archc.measure.cost import Facts
from archc.network.graph import Layer, Network, Value
from archc.ops.sizes import Shape

_ATTACHED = ("normalization", "activation", "dropout")


def layer_chart(network: Network, facts: Facts) -> Chart:
    """Every layer; those that normalise, activate or drop stand in the box before."""
    cells: list[Cell] = []
    cell_at: dict[Value, int] = {}
    for name, value in network.inputs.items():
        cell_at[value] = len(cells)
        cells.append(_end(f"input {name}" if network.inputs_have_names else "input",
                          network.name, value))  # fmt: skip
    heads = {layer for head in network.heads for layer in head.region.layers()}
    readers = _readers(network)
    cell_of: dict[Layer, Cell] = {}
    pairs: list[tuple[int, int]] = []
    asked: list[tuple[int, int]] = []
    captions: dict[tuple[int, Shape], str] = {}
    for layer in network.all_layers():
        key = (id(layer.op), layer.input_shape())
        caption = captions.get(key)
        if caption is None:
            caption = captions[key] = "".join(fields(layer.op, layer.input_shape()))
        at = cell_at[layer.inputs[0]]
        cell = cells[at]
        attached = layer.op.category in _ATTACHED and len(layer.inputs) == 1
        alone = readers.get(layer.inputs[0], 0) == 1 and not cell.end
        if attached and alone and (layer in heads) == cell.head:
            cell.details[:] = [" · ".join([*cell.details, caption])]
            lost = [less.lost for less in cell.fine.values()]
            cell.fine = {
                cell.details[0]: Less(lost=(*sum(lost, ()), layer.op.category))
            }
        else:
            at = len(cells)
            cell = Cell(layer.path, caption, category=layer.op.category)
            cell.head = layer in heads
            cells.append(cell)
            read = layer.op.computes_with
            pairs += ((cell_at[value], at) for value in layer.inputs[:read])
            if read is not None:
                asked += ((cell_at[value], at) for value in layer.inputs[read:])
        cell.layers.append(layer)
        cell.shape = labels.spelled(layer.output_shape())
        cell.sizes = sizes(layer.output_shape())
        cell_at[layer.output] = at
        cell_of[layer] = cell
    for head in network.heads:
        for layer in islice(head.region.layers(), 1):
            cell_of[layer].details.append(f"{head.name}: {labels.of_head(head)}")
    _mark_again(cells)
    for name, value in network.outputs.items():
        pairs.append((cell_at[value], len(cells)))
        text = f"output {name}" if network.spec.outputs else "output"
        cells.append(_end(text, text, value))
    fold_in(network, cell_of)
    links = kinds(cells, linked(pairs), linked(asked))
    return Chart(*heading(network, facts), "layer", cells, links)


def _mark_again(cells: Iterable[Cell]) -> None:
    """Says of further uses of modules with parameters that they are that."""
    used: set[str] = set()
    for cell in cells:
        again = [
            layer.path
            for layer in cell.layers
            if layer.path in used and layer.op.parameters(layer.input_shape())
        ]
        if again:
            cell.details.append(f"{', '.join(again)} again")
        used.update(layer.path for layer in cell.layers)


def network_chart(network: Network, facts: Facts) -> Chart:
    """The whole network as one box, with its heads and all that is folded in it."""
    cells: list[Cell] = []
    cell_of: dict[Layer, Cell] = {}
    pairs: list[tuple[int, int]] = []
    for name, value in network.inputs.items():
        text = f"input {name}" if network.inputs_have_names else "input"
        cells.append(_end(text, network.name, value))
    at = len(cells)
    pairs += ((i, at) for i in range(at))
    whole = Cell(network.name, network.spec.title or network.name)
    whole.details = labels.numbers(network, facts)[:2]
    whole.layers = list(network.layers())
    depth = sum(x.op.category in ("convolution", "linear") for x in whole.layers)
    whole.details.append(f"{depth} convolutions and linear layers")
    cells.append(whole)
    for name, value in network.outputs.items():
        text = f"output {name}" if network.spec.outputs else "output"
        pairs.append((at, len(cells)))
        cells.append(_end(text, text, value))
    for head in network.heads:  # which read what is made inside of the box
        whole.details.append(f"{head.name}: {labels.of_head(head)}")
        whole.layers += head.region.layers()
    cell_of.update((layer, whole) for layer in whole.layers)
    fold_in(network, cell_of)
    links = kinds(cells, linked(pairs), [])
    return Chart(*heading(network, facts), "network", cells, links)


def _end(text: str, path: str, value: Value) -> Cell:
    shape = "" if value.shape is None else labels.spelled(value.shape)
    given = () if value.shape is None else sizes(value.shape)
    return Cell(path, text, shape=shape, end=True, sizes=given)


def _readers(network: Network) -> dict[Value, int]:
    count: dict[Value, int] = {}
    for layer in network.all_layers():
        for value in layer.inputs:
            count[value] = count.get(value, 0) + 1
    for value in network.outputs.values():
        count[value] = count.get(value, 0) + 1
    return count
