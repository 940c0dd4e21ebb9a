"""A network with the inside of its blocks: frames, and repetitions drawn once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from archc.draw import labels
from archc.draw.borders import Place
from archc.draw.caption import when
from archc.draw.chart import Cell, Chart, Less, sizes
from archc.draw.compose import Picture, compose
from archc.draw.figure import Arc, Box, Item, Leaf, Mark, Node, marks_of
from archc.draw.known import has_frames, is_figure
from archc.draw.loops import fold_in
from archc.draw.overlay import overlaid
from archc.draw.parts import repeats
from archc.draw.runs import full_name, short_name
from archc.draw.stages import Outer, heading, opened, runs, stage_chart
from archc.draw.windows import reads_of, windows
from archc.measure.cost import Facts
from archc.network.graph import Layer, Network


def block_chart(
    network: Network,
    facts: Facts,
    depth: int = 99,
    *,
    alike: bool = False,
    closed: Collection[str] = (),
    marks: Mapping[Layer, Mark] | None = None,
) -> Chart:
    """The network with each repetition drawn once; frames nest up to `depth`.

    With `alike`, blocks of one kind that follow each other at one map size are drawn
    once too, with what differs between them. Frames at the paths of `closed` are boxes,
    with loops for what they hold. `marks` say what layers are in comparison
    with another network.
    """
    picture = compose(network, facts, marks)
    outer: list[Outer] = list(opened(picture.root.children))
    at: dict[Leaf, tuple[int, int]] = {}
    if alike:
        found = runs(outer, picture.heads, picture.arcs)
        at = _places(found)
        _part(at, picture)
        outer = [overlaid(run) for run in found]
    builder = _Builder(picture, depth, closed)
    items: list[Item] = [*outer, *picture.heads]
    chart = builder.chart(items, picture.root)
    chart.name, chart.title, chart.subtitle = heading(network, facts)
    cell_of: dict[Layer, Cell] = {}
    unit_of: dict[Layer, object] = {}
    for layer in network.all_layers():
        leaf = picture.leaf_of[layer]
        cell = builder.cell_of[leaf.drawn]
        cell.layers.append(layer)
        cell_of[layer] = cell
        boxes = builder.around[leaf.drawn]
        unit_of[layer] = at.get(leaf), picture.turn(layer, boxes)
    fold_in(network, cell_of, picture.around(), picture.origins, unit_of)
    for cell in chart.all_cells():
        # what one op joins has lines of its own, though another repetition gave it
        joins = [x for x in cell.loops if x.kind == "join" and cell.category]
        for loop in joins:
            del cell.loops[loop]
    if marks is None and not (has_frames(chart) or closed or is_figure(chart)):
        # with no frame to show, what is joined as in stages may be a known figure
        joined = stage_chart(network, facts, joins=True)
        if is_figure(joined):
            joined.level = "block"
            return joined
    return chart


class _Builder:
    def __init__(self, picture: Picture, depth: int, closed: Collection[str]) -> None:
        self.picture = picture
        self.depth = depth
        self.closed = closed
        self.reads = reads_of(picture.arcs)
        self.cell_of: dict[Leaf, Cell] = {}
        self.around: dict[Leaf, frozenset[Box]] = {}
        """The boxes that what is drawn of a leaf stands for, or is in."""
        self.heads = {leaf for head in picture.heads for leaf in head.leaves()}

    def chart(self, items: list[Item], parent: Box) -> Chart:
        place = self._place(items, frozenset([parent]), parent, 0)
        for arc in self.picture.arcs:
            into, out = arc.target.drawn, arc.source.drawn
            place.connect(arc, head=into in self.heads and out not in self.heads)
        place.finish()
        return place.chart

    def _place(
        self, items: list[Item], around: frozenset[Box], parent: Box, depth: int
    ) -> Place:
        place = Place(around)
        for item in items:
            number = len(place.chart.cells)
            if isinstance(item, Box) and self._opens(item, depth):
                cell = self._frame(item, parent)
                inside = _only_repeat(item)
                if inside is not None:
                    cell.details += self._frame(inside, item).details
                    cell.each = inside.count
                    grows = cell.details and cell.details[-1].endswith(" in each")
                    each = cell.details.pop() if grows else "each"
                    cell.details.append(f"{each} of {inside.count}")
                within = inside or item
                cell.details += self.picture.passed(within)
                also = around | {item, within, within.folded or within}
                inner = self._place(within.children, also, within, depth + 1)
                cell.inner = inner.chart
                place.inner[number] = inner
                leaves = list(item.leaves())
            elif isinstance(item, Box):
                cell = self._folded(item, parent)
                place.closed.add(number)
                leaves = list(item.leaves())
                self._stands_for(cell, item, around)
            elif isinstance(item, Node):
                cell = self._node(item, parent)
                leaves = item.leaves
                self._stands_for(cell, item, around)
            else:
                continue
            place.home.update((leaf, number) for leaf in leaves)
            place.chart.cells.append(cell)
        return place

    def _stands_for(self, cell: Cell, item: Box | Node, around: frozenset[Box]) -> None:
        """Notes where an item is drawn, in one box."""
        own = (item, item.folded) if isinstance(item, Box) else (item.folded,)
        leaves = item.leaves() if isinstance(item, Box) else item.leaves
        for leaf in leaves:
            self.cell_of[leaf] = cell
            self.around[leaf] = around.union(box for box in own if box is not None)

    def _opens(self, box: Box, depth: int) -> bool:
        return bool(box.children) and depth < self.depth and box.path not in self.closed

    # ---- boxes

    def _frame(self, box: Box, parent: Box) -> Cell:
        name = box.name or box.block or short_name(box.path)
        name = full_name(name, box.path)
        cell = Cell(box.path, name, box.count)
        block = box.block if box.block != name else ""
        # what was laid over each other always occurs
        occurs = (
            "" if box.kind == "block" and box.count else when(box.tally, parent.inner)
        )
        remarks = box.remark.split(", ") if box.remark else []
        remarks += [box.said_again]
        cell.details = [line for line in (block, *remarks, occurs) if line]
        cell.fine = {block: Less()}
        cell.head = box.kind == "head"
        cell.seldom = occurs
        cell.block = box.block
        last = list(box.leaves())[-1].output
        cell.sizes = () if last is None else sizes(last)
        return cell

    def _folded(self, box: Box, parent: Box) -> Cell:
        cell = self._frame(box, parent)
        inside = windows(box, self.reads)
        lines = [inside] if inside else repeats(box, self.reads)
        cell.details += lines
        cell.fine |= dict.fromkeys(lines, Less())
        cell.details += self.picture.passed(box, inside=True)
        cell.details += self.picture.gives(box)
        last = list(box.leaves())[-1].output
        cell.shape = "" if last is None else labels.spelled(last)
        cell.marks = marks_of(box.leaves())
        return cell

    def _node(self, node: Node, parent: Box) -> Cell:
        lead = node.lead
        before, given = node.leaves[0].input, node.leaves[-1].given
        shape = node.leaves[-1].output
        path = lead.path
        if lead.category is None and not lead.params:
            value = lead.output or lead.input
            end = lead.text.startswith(("input", "output"))
            said = "" if value is None or not end else labels.spelled(value)
            end_sizes = sizes(value) if value is not None and end else ()
            return Cell(path, lead.text, shape=said, end=end, sizes=end_sizes)
        occurs = when(node.tally, parent.inner)
        cell = Cell(path, labels.said(lead), node.count, category=lead.category)
        notes = dict.fromkeys(leaf.note for leaf in node.leaves if leaf.note)
        remarks = labels.remarks(node.leaves)
        cell.fine = labels.around(node.leaves, lead)
        cell.details = [*cell.fine, *notes, *remarks]
        cell.details += self.picture.passed(node)
        cell.details += [occurs] if occurs else []
        cell.seldom = occurs
        cell.marks = marks_of(node.leaves)
        cell.head = any(leaf in self.heads for leaf in node.leaves)
        if shape is not None and given is not None:
            cell.sizes = sizes(shape)
            # by the first repetition: what the others read is as it gives it
            changed = before is None or sizes(before)[1:] != sizes(given)[1:]
            changed |= before is not None and before.channel_axis != given.channel_axis
            joins = lead.category == "merge" and not lead.beside
            if (changed and not lead.beside) or joins:
                cell.shape = labels.ranged(given, shape)
        return cell


def _only_repeat(box: Box) -> Box | None:
    """The repetition that is all that a box has inside: one frame does for both."""
    only = box.children[0] if len(box.children) == 1 else None
    repeats = isinstance(only, Box) and only.kind == "repeat" and only.count != ""
    return only if repeats and isinstance(only, Box) and not box.count else None


def _places(found: list[list[Outer]]) -> dict[Leaf, tuple[int, int]]:
    """In which run of blocks a leaf is, and in which block of that."""
    return {
        leaf: (number, place)
        for number, run in enumerate(found)
        for place, item in enumerate(run)
        if isinstance(item, Box)
        for leaf in item.leaves()
    }


def _part(at: Mapping[Leaf, tuple[int, int]], picture: Picture) -> None:
    """Forgets the arcs between blocks that will be laid over each other."""
    kept: list[Arc] = []
    for arc in picture.arcs:
        a, b = at.get(arc.source), at.get(arc.target)
        if a is not None and b is not None and a[0] == b[0] and (a[1] or b[1]):
            continue  # between two of them, or inside a later one
        if arc.tally == arc.target.tally:
            arc.tally = arc.target.tally  # it grows with what it leads to
        kept.append(arc)
    picture.arcs[:] = kept
