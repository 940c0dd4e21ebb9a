"""From a folded network to what is drawn: parts hidden, then layers joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from archc.draw import labels
from archc.draw.caption import FIRST
from archc.draw.figure import Arc, Box, Item, Leaf, Mark, Node, Turn
from archc.draw.fold import Folder
from archc.draw.handed import handed_on, origins
from archc.draw.join import Joiner
from archc.draw.wire import Place, Wiring
from archc.measure.cost import Facts
from archc.network.graph import Head, Layer, Network, Value

# With more, a picture is no longer one to read; parts of it become one node each.
MAX_STAGES = 10
MAX_LEAVES = 512
MAX_HIDING = 90
MAX_IN_ROW = 120
_FEW = 2
"""Up to how many values are called by their names."""


@dataclass(slots=True, eq=False)
class Picture:
    """Nodes in boxes, and the arcs between their leaves."""

    root: Box
    heads: list[Box]
    arcs: list[Arc]
    node_of: dict[Leaf, Node]
    inputs: list[Leaf]
    leaf_of: dict[Layer, Leaf]
    """Where each layer is drawn; see `Leaf.drawn`."""
    origins: Mapping[Value, Value]
    """What is only handed on, as what it was before."""
    made_in: Mapping[Value, Place]
    """The repetitions drawn as one in which each value is made."""

    def turn(self, layer: Layer, boxes: Collection[Item | None]) -> tuple[int, ...]:
        """Which repetition of these boxes a layer is in, of those drawn as one."""
        place = self.made_in.get(layer.output, ())
        return tuple(turn.at for turn in place if turn.box in boxes)

    def passed(self, item: Node | Box, *, inside: bool = False) -> list[str]:
        """What is said of values that its repetitions share, or that others than the
        last one give: of an item that repeats something, or, if `inside`, of the
        repetitions in it and what is outside of the item."""
        boxes = set(_repetitions(item) if inside else [item.folded or item])
        known = set(item.leaves()) if inside and isinstance(item, Box) else set[Leaf]()
        # of a repetition in others, what the later ones read is another value
        shared = [
            "input" if arc.varies else self._called(arc.source)
            for arc in self.arcs
            if not boxes.isdisjoint(arc.shared) and arc.source not in known
        ]
        said = [f"each reads the same {_row(shared)}"] if shared else []
        given: dict[Leaf, set[Turn]] = {}
        for arc in self.arcs:
            turns = [turn for turn in arc.left if turn.box in boxes]
            if turns and arc.target not in known:
                given.setdefault(arc.target, set()).update(turns)
        readers: dict[str, list[str]] = {}
        for target, turns in given.items():
            readers.setdefault(_which(turns), []).append(self._called(target))
        said += [f"{w} read by {_row(names)}" for w, names in readers.items() if w]
        return said

    def around(self) -> frozenset[Layer]:
        """The merges that read what also comes to them through other layers."""
        targets = {arc.target for arc in self.arcs if arc.bypass}
        return frozenset(x for x, leaf in self.leaf_of.items() if leaf.drawn in targets)

    def gives(self, box: Box) -> list[str]:
        """What is said of the values that a box gives beside its last one."""
        inside = dict.fromkeys(box.leaves())
        read = {
            arc.source
            for arc in self.arcs
            if arc.source in inside and arc.target not in inside and not arc.size_only
        }
        last = list(inside)[-1].output
        outputs = (leaf.output for leaf in inside if leaf in read)
        also = [x for x in dict.fromkeys(outputs) if x is not None and x != last]
        return [f"also {', '.join(map(labels.spelled, also))}"] if also else []

    def _called(self, leaf: Leaf) -> str:
        """What stands on a leaf, or on what it is drawn with."""
        node = self.node_of.get(leaf)
        return leaf.text if node is None else labels.said(node.lead)


def _row(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    return ", ".join(found) if len(found) <= _FEW else f"{len(found)} others"


def _which(turns: Collection[Turn]) -> str:
    """Which of some repetitions are read; nothing if it is the last one alone."""
    if all(turn.at == turn.of - 1 for turn in turns):
        return ""
    if all(turn.at == 0 for turn in turns):
        return "the first is"
    found = {(turn.of, turn.at) for turn in turns}
    counts = {count for count, _ in found}
    if len(found) == sum(counts):
        return "each is"
    if len(counts) > 1:
        return "some are"
    (count,) = counts
    number = max(index for _, index in found) + 1
    only = len(found) == 1
    return f"no. {number} of {count} is" if only else f"{len(found)} of {count} are"


def _repetitions(item: Item) -> Iterator[Box]:
    """The outermost ones in an item."""
    if isinstance(item, Leaf):
        return
    if item.folded is not None:
        yield item.folded
    elif isinstance(item, Box):
        if item.kind == "repeat":
            yield item
            return
        for child in item.children:
            yield from _repetitions(child)


def compose(
    network: Network, facts: Facts, marks: Mapping[Layer, Mark] | None = None
) -> Picture:
    """The picture of a network, of a size that its structure bounds.

    `marks` say what its layers are in a comparison with another network.
    """
    # compared, each layer is drawn, as it may be what differs
    handed: Mapping[Layer, Layer] = handed_on(network) if marks is None else {}
    folder, root, heads = _folded(network, Folder(facts, MAX_STAGES, handed))
    if sum(_count(box) for box in (root, *heads)) > MAX_LEAVES:
        folder, root, heads = _folded(network, Folder(facts, 1, handed))
    for layer, mark in (marks or {}).items():
        folder.leaf_of[layer].marks[mark] += 1
    wiring = Wiring(network, folder)
    for head, box in zip(network.heads, heads, strict=True):
        if not _count(box):
            box.children = [wiring.passed_on(head)]
    inputs = list(wiring.inputs.values())
    root.children = [*inputs, *root.children, *wiring.outputs]
    raw = list(wiring.arcs.values())
    _hide(_hidden(root, heads), raw)
    for box in (root, *heads):
        _shorten(box)
    arcs = _drawn(raw)
    joiner = Joiner(arcs)
    for box in (root, *heads):
        box.children = joiner.items(box.children, box)
    leaf_of, same = folder.leaf_of, origins(folder.left_out)
    return Picture(
        root, heads, arcs, joiner.node_of, inputs, leaf_of, same, wiring.made_in
    )


def _folded(network: Network, folder: Folder) -> tuple[Folder, Box, list[Box]]:
    root = Box("group", "")
    root.inner.add(FIRST)
    root.children = folder.items([(network.body, FIRST)])
    heads = [_head(folder, head) for head in network.heads]
    for layer, reader in folder.left_out.items():
        while reader in folder.left_out:
            reader = folder.left_out[reader]
        folder.leaf_of[layer] = folder.leaf_of[reader]
    return folder, root, heads


def _head(folder: Folder, head: Head) -> Box:
    box = Box("head", head.name, name=head.name)
    box.tally.add(FIRST)
    box.inner.add(FIRST)
    box.remark = labels.of_head(head)
    box.children = folder.items([(head.region, FIRST)])
    if len(box.children) == 1 and isinstance(only := box.children[0], Box):
        box.block, box.children = only.block, only.children
    return box


def _count(box: Box) -> int:
    return sum(1 for _ in box.leaves())


# ---- what is not drawn


def _hidden(root: Box, heads: list[Box]) -> list[Box]:
    """The boxes to draw as one node, all at one depth, so that the rest fits."""
    levels: list[list[Box]] = [[root, *heads]]
    while inner := [c for b in levels[-1] for c in b.children if isinstance(c, Box)]:
        levels.append(inner)
    if sum(map(_count, levels[0])) <= MAX_LEAVES:
        return []
    shown = 0
    hidden: list[Box] = []
    for level, below in pairwise(levels):
        shown += sum(min(len(box.children), MAX_IN_ROW) for box in level)
        if hidden and shown > MAX_HIDING:
            break
        hidden = below
    return hidden


def _hide(boxes: list[Box], arcs: list[Arc]) -> None:
    """Puts one leaf in the place of each box's inside."""
    home = {leaf: box for box in boxes for leaf in box.leaves()}
    skipping = {home[a.source] for a in arcs if a.bypass and _inside(a, home)}
    for box in boxes:
        inside = list(box.leaves())
        if len(inside) < 2:
            continue
        stand_in = Leaf(box.path or inside[0].path, None, tally=box.inner)
        stand_in.text = " ".join(filter(None, (box.name, box.block)))
        stand_in.note = "with skip" if box in skipping else ""
        _replace(inside, stand_in)
        box.children = [stand_in]


def _inside(arc: Arc, home: dict[Leaf, Box]) -> bool:
    return arc.source in home and home.get(arc.target) is home[arc.source]


def _shorten(box: Box) -> None:
    """Leaves the middle of very long rows out."""
    extra = len(box.children) - MAX_IN_ROW
    if extra > 0:
        start = MAX_IN_ROW // 2
        middle = Box("group", "", box.children[start : start + extra])
        inside = list(middle.leaves())
        stand_in = Leaf(inside[0].path, None, tally=box.inner)
        stand_in.text = f"… {extra} more …"
        _replace(inside, stand_in)
        box.children[start : start + extra] = [stand_in]
    for child in box.children:
        if isinstance(child, Box):
            _shorten(child)


def _replace(inside: list[Leaf], stand_in: Leaf) -> None:
    stand_in.input, stand_in.output = inside[0].input, inside[-1].output
    stand_in.given = inside[-1].given
    stand_in.params = sum(leaf.params for leaf in inside)
    stand_in.marks = sum((leaf.marks for leaf in inside), Counter[Mark]())
    for leaf in inside:
        leaf.into = stand_in


def _drawn(raw: Iterable[Arc]) -> list[Arc]:
    """The arcs between leaves that are drawn."""
    drawn: dict[tuple[Leaf, Leaf, bool, bool], Arc] = {}
    doubled: list[Arc] = []
    for arc in raw:
        hidden = arc.source.into is not None or arc.target.into is not None
        arc.source, arc.target = arc.source.drawn, arc.target.drawn
        if arc.source is arc.target:
            continue
        if not hidden:
            doubled.append(arc)
            continue
        key = (arc.source, arc.target, arc.bypass, arc.size_only)
        if key not in drawn:
            drawn[key] = arc
            arc.tally = arc.target.tally
            doubled.append(arc)
        drawn[key].shared |= arc.shared
        drawn[key].places |= arc.places
        drawn[key].left |= arc.left
    return doubled
