"""Stages while they may still grow: what follows what, and belongs to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archc.draw import labels
from archc.draw.chart import Cell, Less, linked, sizes
from archc.draw.figure import Arc, Box, Item, Leaf, Node
from archc.draw.order import in_order
from archc.draw.parts import Outer, repeated, repeats, shared, windows_of
from archc.draw.runs import full_name, run_name, short_name
from archc.ops.sizes import Shape

_ATTACHED = ("normalization", "activation", "dropout", "reshape")


def is_end(item: Item) -> bool:
    """Whether it is no op: an input or an output, or what stands for many layers."""
    return isinstance(item, Node) and item.lead.category is None


def map_of(item: Item) -> tuple[int, ...] | None:
    """The sides of the map that an item gives; none for a row of features."""
    return _sides(list(leaves_of(item))[-1].output)


def _sides(shape: Shape | None) -> tuple[int, ...] | None:
    if shape is None or len(shape.dims) < 2:
        return None
    axis = shape.channel_axis
    return tuple(int(size) for n, size in enumerate(shape.sizes) if n != axis)


def leaves_of(item: Item) -> Iterator[Leaf]:
    """All leaves of an item, in the order of the spec."""
    if isinstance(item, Leaf):
        yield item
    else:
        yield from item.leaves if isinstance(item, Node) else item.leaves()


class Draft:
    """A stage while it may still grow."""

    def __init__(self, item: Outer, *, head: bool = False) -> None:
        self.items: list[Outer] = [item]
        self.head = head
        self.leaves = list(leaves_of(item))
        self.before: list[Leaf] = []
        self.attached: list[Leaf] = []
        self.first = _output(item)
        self.before_decoder = False
        """Whether all it does is to scale up what a decoder joins."""

    @property
    def lead(self) -> Outer:
        return self.items[0]

    @property
    def merges(self) -> bool:
        """Whether it is nothing but the merge of what comes before it."""
        return isinstance(self.lead, Node) and self.lead.lead.category == "merge"

    @property
    def ahead(self) -> bool:
        """Whether it is only what a linear layer needs before it."""
        return isinstance(self.lead, Node) and self.lead.lead.ahead

    @property
    def crossing(self) -> bool:
        """Whether it takes a value to another device, and does nothing else."""
        return isinstance(self.lead, Node) and self.lead.lead.crossing

    @property
    def linear(self) -> bool:
        return isinstance(self.lead, Node) and self.lead.lead.category == "linear"

    @property
    def rises(self) -> bool:
        """Whether it scales a map up."""
        if not isinstance(self.lead, Node):
            return False
        given, made = _sides(self.lead.lead.input), _sides(self.lead.lead.output)
        return given is not None and made is not None and given < made

    @property
    def decodes(self) -> bool:
        """Whether it can be what a decoder does with maps that it has joined."""
        if isinstance(self.lead, Box):
            return not self.head
        return self.lead.lead.category == "convolution"

    def _leads_to(self, other: Draft) -> bool:
        """Whether it is what stands before the layers of another: what a linear layer
        needs there, or what a decoder scales up and joins for its convolutions."""
        if self.ahead and other.linear:
            return True
        joined = bool(self.attached) and self.attached[-1].category == "merge"
        return joined and self.rises and other.decodes

    def takes(self, other: Draft) -> bool:
        """Whether what follows it, and nothing else, is one stage with it."""
        a, b = self.lead, other.lead
        if self.head or other.head or is_end(a) or is_end(b):
            return False
        if self._leads_to(other):
            return True
        if isinstance(b, Node) and not b.count:
            if other.merges:
                joins = isinstance(a, Node) and a.lead.category == "convolution"
                return joins or self.before_decoder
            if b.lead.category in _ATTACHED:
                # what stands before a convolution is attached to that
                return not isinstance(a, Box) or b.lead.category == "reshape"
            if isinstance(a, Node) and not self.attached:
                return (
                    a.count == ""
                    and _said(a) == _said(b)
                    and a.lead.category == "convolution"
                )
        if isinstance(a, Box) and isinstance(b, Box) and not self.attached:
            same = a.kind == b.kind == "block" and a.block == b.block != ""
            same &= a.again == b.again and _kernels(a) == _kernels(b)
            same &= _counts(a) == _counts(b)
            return same and not (a.count or b.count) and map_of(a) == map_of(b)
        return False

    def grow(self, other: Draft) -> None:
        node = other.lead
        if self._leads_to(other):
            self.before = list(self.leaves)
            self.items, self.first = other.items, other.first
            self.leaves += other.leaves
            self.attached = []
            return
        attached = isinstance(node, Node) and node.lead.category in _ATTACHED
        if isinstance(node, Node) and (attached or other.merges):
            self.attached += other.leaves
        else:
            self.items += other.items
        self.leaves += other.leaves

    def precede(self, other: Draft) -> None:
        """Makes a crossing a part of the merge that reads it, where it is said once:
        all that a merge reads is taken to one place."""
        other.before = other.before or list(self.leaves)
        other.leaves = [*self.leaves, *other.leaves]

    def cell(self, reads: Mapping[Leaf, Sequence[Leaf]]) -> Cell:
        lead, last = self.lead, self.items[-1]
        count = str(len(self.items)) if len(self.items) > 1 else lead.count
        output = self.attached[-1].output if self.attached else _output(last)
        shape = labels.folded(self.first, output) if output is not None else ""
        path = _path(lead)
        if (
            isinstance(lead, Node)
            and lead.lead.category is None
            and not lead.lead.params
        ):
            text = lead.lead.text
            given = lead.lead.output or lead.lead.input
            shape = labels.spelled(given) if given is not None else ""
            end = text.startswith(("input", "output"))
            cell = Cell(path, text, shape=shape, end=end, head=self.head)
            if given is not None and end:
                cell.sizes = sizes(given)
            return cell
        category = lead.lead.category if isinstance(lead, Node) else None
        cell = Cell(path, _title(lead, last), count, shape=shape, category=category)
        cell.head = self.head
        self._describe(cell, reads)
        cell.block = lead.block if isinstance(lead, Box) else ""
        if output is not None:
            cell.sizes = sizes(output)
        return cell

    def _describe(self, cell: Cell, reads: Mapping[Leaf, Sequence[Leaf]]) -> None:
        """Says in a box what the stage consists of."""
        lead = self.lead
        if isinstance(lead, Node):
            leaves = [*self.before, *lead.leaves, *self.attached]
            cell.fine = labels.around(leaves, lead.lead)
            cell.details = [*cell.fine, *labels.remarks(leaves)]
            return
        # what is said of several has to be true of each
        boxes = [item for item in self.items if isinstance(item, Box)]
        inside = windows_of(boxes, reads)
        said = ": ".join(filter(None, (lead.block, inside))) if lead.name else inside
        before, more = labels.before(self.before), labels.in_a_row(self.attached)
        counts = [[] if inside else repeats(box, reads) for box in boxes]
        repeated = shared(counts) or []
        lines = [said, *before, lead.remark, lead.said_again, *repeated, *more]
        cell.details = [line for line in lines if line]
        told = ("convolutions",) if inside else ()
        cell.fine = {said: Less(lost=told)} | before | more
        cell.fine |= dict.fromkeys(repeated, Less(lost=("repetitions",)))
        # the border of a head says the rest of what is said of it
        loss = Less(lead.remark.rpartition(", ")[2])
        cell.fine[lead.remark] = loss if self.head else Less(lost=("devices",))


def _title(first: Outer, last: Outer) -> str:
    if isinstance(first, Node):
        return _caption(first)
    if last is not first and isinstance(last, Box):
        return run_name(first.path, last.path)
    named = full_name(first.name, first.path) or first.block or short_name(first.path)
    return named or repeated(first)


def _caption(node: Node) -> str:
    return labels.said(node.lead)


def _kernels(box: Box) -> set[str]:
    """The windows of its convolutions."""
    return {
        fields[1]
        for leaf in leaves_of(box)
        if leaf.category == "convolution"
        for fields in leaf.captions
    }


def _counts(box: Box) -> list[str]:
    """How often its parts are repeated."""
    parts = (part for part in box.children if isinstance(part, Box | Node))
    return [part.count for part in parts if part.count not in ("", "1")]


def _said(node: Node) -> list[str]:
    """All that is said of a node."""
    around = labels.around(node.leaves, node.lead)
    return [_caption(node), *around, *labels.remarks(node.leaves)]


def _path(item: Outer) -> str:
    return item.lead.path if isinstance(item, Node) else item.path


def _output(item: Item) -> Shape | None:
    return list(leaves_of(item))[-1].output


def merged(
    drafts: list[Draft], arcs: list[Arc], *, blocks: bool = False, joins: bool = False
) -> list[Draft]:
    """The stages, each grown by what it takes of those behind it: by blocks alone, or
    by what is attached to it too. With `joins` that may also be a merge with what comes
    from elsewhere, whose line then leads to the stage as a whole."""
    readers: dict[Leaf, set[int]] = {}
    sources: dict[int, set[int]] = {}
    home = {leaf: i for i, draft in enumerate(drafts) for leaf in draft.leaves}
    for arc in arcs:
        a, b = home.get(arc.source), home.get(arc.target)
        if a is not None and b is not None and a != b:
            readers.setdefault(arc.source, set()).add(b)
            sources.setdefault(b, set()).add(a)
    read: dict[int, set[int]] = {}
    for leaf, found in readers.items():
        read.setdefault(home[leaf], set()).update(found)
    stages: list[Draft] = []
    at: dict[int, Draft] = {}
    for i, draft in enumerate(drafts):
        before = sources.get(i, set())
        draft.before_decoder = not blocks and _is_before_decoder(
            i, drafts, read, before
        )
        following = [drafts[j] for j in read.get(i, ())]
        only = following[0] if len(following) == 1 else None
        if draft.crossing and only is not None and only.merges and not blocks:
            # so that towers on two devices meet in the merge of each, and not beside it
            draft.precede(only)
            at[i] = only
            continue
        nearest = i - 1 if draft.merges else next(iter(before), -1)
        if nearest in before and (len(before) == 1 or draft.merges):
            source = nearest
            fits = not blocks or isinstance(draft.lead, Box)
            if draft.merges and not joins:
                # but it may join what the stage itself reads
                own = {j for j in sources.get(source, ()) if at[j] is not at[source]}
                fits &= before <= {source, *own} or at[source].before_decoder
            if draft.ahead and only is not None and only.linear:
                fits = False  # it is a part of that
            if at[source] is draft or draft.before_decoder:
                fits = False  # it is a part of this already, or will be one of others
            if fits and read[source] == {i} and at[source].takes(draft):
                at[source].grow(draft)
                at[i] = at[source]
                continue
        at[i] = draft
        stages.append(draft)
    return stages


def _is_before_decoder(
    at: int, drafts: list[Draft], read: Mapping[int, set[int]], before: set[int]
) -> bool:
    """Whether all that a stage does is to scale up what a decoder joins: the next one
    joins what it makes with something else, and is only read by what decodes. In a
    pyramid, what is joined is scaled up, and no decoder lies between."""
    draft, further = drafts[at], read.get(at + 1, set())
    if read.get(at) != {at + 1} or not drafts[at + 1].merges or len(further) != 1:
        return False
    lead = draft.lead
    scales = draft.rises and isinstance(lead, Node) and lead.lead.category == "reshape"
    joined = any(drafts[i].merges for i in before)
    return scales and not joined and all(drafts[i].decodes for i in further)


def in_sequence(drafts: list[Draft], arcs: list[Arc]) -> list[Draft]:
    """The stages, each behind all that it reads: a merge that is a part of what comes
    before it may read what comes later."""
    home = {leaf: i for i, draft in enumerate(drafts) for leaf in draft.leaves}
    arcs = [a for a in arcs if a.source in home and a.target in home]
    pairs = linked((home[a.source], home[a.target]) for a in arcs)
    return [drafts[i] for i in in_order(len(drafts), pairs)]
