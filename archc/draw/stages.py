"""A network as stages: one box for what is repeated, or is alike and follows itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from archc.draw import labels
from archc.draw.chart import Cell, Chart, Less, kinds, linked
from archc.draw.compose import Picture, compose
from archc.draw.drafts import (
    Draft,
    Outer,
    in_sequence,
    is_end,
    leaves_of,
    map_of,
    merged,
)
from archc.draw.figure import Arc, Box, Item, Leaf, Mark, marks_of
from archc.draw.known import is_figure
from archc.draw.loops import fold_in
from archc.draw.overlay import form
from archc.draw.palette import SIGNS
from archc.draw.windows import reads_of
from archc.measure.cost import Facts
from archc.network.graph import Layer, Network

_FEW = 6
"""Up to how many nodes without frames a group is opened."""


def stage_chart(
    network: Network,
    facts: Facts,
    *,
    marks: Mapping[Layer, Mark] | None = None,
    joins: bool | None = None,
) -> Chart:
    """The network with one box for each of its stages.

    A stage is a repetition, a block or a layer with what is attached to it; blocks of
    one kind, and equal layers, that follow each other at one map size are one stage.
    `marks` say what layers are in comparison with another network. With `joins` a
    merge is a part of the convolution before it, whatever else it reads: that takes
    less room. Where nothing is said of them, they are if that makes a known figure.
    """
    picture = compose(network, facts, marks)
    if joins is not None:
        return _charted(network, facts, picture, joins=joins)
    joined = _charted(network, facts, picture, joins=True)
    if is_figure(joined):
        return joined
    return _charted(network, facts, picture, joins=False)


def _charted(network: Network, facts: Facts, picture: Picture, *, joins: bool) -> Chart:
    drafts = [Draft(item) for item in opened(picture.root.children)]
    drafts += [Draft(head, head=True) for head in picture.heads]
    drafts = in_sequence(merged(drafts, picture.arcs, joins=joins), picture.arcs)
    home = {leaf: i for i, d in enumerate(drafts) for leaf in d.leaves}
    reads = reads_of(picture.arcs)
    cells = [draft.cell(reads) for draft in drafts]
    for cell, draft in zip(cells, drafts, strict=True):
        if not cell.end:
            cell.marks = marks_of(draft.leaves)
        given = [x for item in draft.items for x in picture.passed(item, inside=True)]
        cell.details += dict.fromkeys(given)
        if len(draft.items) == 1 and isinstance(draft.lead, Box):
            also = picture.gives(draft.lead)
            cell.details += also
            cell.fine |= dict.fromkeys(also, Less(lost=("further outputs",)))
        if isinstance(draft.lead, Box) and cell.mark is not None:
            cell.title = f"{SIGNS[cell.mark]}{cell.title}"
    parts = {
        leaf: (number, (item, item.folded))
        for draft in drafts
        for number, item in enumerate(draft.items)
        for leaf in leaves_of(item)
    }
    cell_of: dict[Layer, Cell] = {}
    unit_of: dict[Layer, object] = {}
    for layer in network.all_layers():
        leaf = picture.leaf_of[layer].drawn
        cell = cells[home[leaf]]
        cell.layers.append(layer)
        cell_of[layer] = cell
        number, boxes = parts.get(leaf, (0, ()))
        unit_of[layer] = number, picture.turn(layer, boxes)
    fold_in(network, cell_of, picture.around(), picture.origins, unit_of)
    arcs = [a for a in picture.arcs if a.source in home and a.target in home]
    pairs, asked = (
        linked((home[a.source], home[a.target]) for a in arcs if a.size_only is only)
        for only in (False, True)
    )
    links = kinds(cells, pairs, asked)
    return Chart(*heading(network, facts), "stage", cells, links)


def heading(network: Network, facts: Facts) -> tuple[str, str, str]:
    """Name, title and numbers of a network."""
    title = network.spec.title or network.name
    return network.name, title, " · ".join(labels.numbers(network, facts))


# ---- which items are stages


def opened(items: Sequence[Item]) -> Iterator[Outer]:
    """The outermost items, with those groups opened that hold several stages."""
    outer = [item for item in items if not is_end(item)]
    alone = len(outer) < 3
    for item in items:
        if isinstance(item, Box) and _holds_stages(item, alone=alone):
            if item.again:
                for leaf in item.leaves():
                    if leaf.learned:
                        leaf.again = leaf.again or item.again
            yield from opened(item.children)
        elif not isinstance(item, Leaf):
            yield item


def _holds_stages(box: Box, *, alone: bool) -> bool:
    if box.kind == "repeat" or box.count not in ("", "1"):
        return False
    inner = [child for child in box.children if isinstance(child, Box)]
    if box.kind == "group" and not inner and len(box.children) <= _FEW:
        return True
    maps = [m for child in box.children if (m := map_of(child)) is not None]
    falling = all(a >= b for a, b in pairwise(maps))
    several = len(set(maps)) > 2 and falling
    plain = box.kind == "group" and len(set(maps)) > 1 and falling
    return bool(several or plain or (alone and len(box.children) > 2))


# ---- stages that are one


def runs(
    items: Sequence[Outer], heads: list[Box], arcs: list[Arc]
) -> list[list[Outer]]:
    """The items, those blocks together that would be one stage and are built alike."""
    found: list[list[Outer]] = []
    drafts = [Draft(item) for item in items]
    drafts += [Draft(head, head=True) for head in heads]
    for draft in merged(drafts, arcs, blocks=True):
        if draft.head:
            continue
        built = {form(item) for item in draft.items}
        found += [draft.items] if len(built) == 1 else [[item] for item in draft.items]
    return found
