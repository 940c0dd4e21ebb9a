"""`place`: nodes that live on one of several devices, and values that cross.

Where a value is read at another place than where it was made, a node of its own moves
it: `{ op = "to", place = "gpu1" }`, which only archc writes. So all later stages see a
crossing as one more layer.

What a block, a named group, a repetition or a skip gives is where the node lives,
whatever stands in it, so that its readers need not look inside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from archc.diagnostics.model import Sink
from archc.escaping import has_hidden
from archc.ops.to import DEVICES, To
from archc.spec.lives import Lives
from archc.spec.model import (
    Block,
    BlockNode,
    BranchesNode,
    GroupNode,
    HeadSpec,
    Node,
    OpNode,
    PartsNode,
    ShareNode,
    Spec,
    Template,
    members,
    opened,
    walk,
)
from archc.spec.numbering import counts, is_module, numbered

_PREV = Template("prev", ("prev",))


def placed(spec: Spec, sink: Sink) -> Spec:
    """A spec in which what crosses from one place to another is moved."""
    bodies = [spec.layers, *(block.layers for block in spec.blocks.values())]
    told = [n for body in bodies for n in walk(body) if n.place is not None]
    _refuse(
        (n for h in spec.heads for n in walk((h.node,)) if n.place is not None),
        "a head lives where what it reads does",
        "leave the place out, or hang the head on a node that lives there",
        sink,
    )
    odd = [n for n in told if not n.place or has_hidden(str(n.place))]
    _refuse(odd, "a place has a name", 'call it after a device: "gpu1"', sink)
    if not told or odd:
        return spec
    places = tuple(dict.fromkeys(str(node.place) for node in told))
    # what is not found by a name of the network's own is put there as it is made
    trial = _Placing(spec, places[0], Sink(), scattered=False)
    trial.network()
    scattered = trial.scattered
    placing = _Placing(spec, places[0], sink, scattered=scattered)
    return replace(placing.network(), places=places, scattered=scattered)


def lives(spec: Spec) -> dict[str, str]:
    """Where each part of the network lives that is a module with a name, in the order
    of the spec; nothing without places."""
    found: dict[str, str] = {}

    def note(nodes: Sequence[Node], around: str) -> None:
        for node in nodes:
            here = node.place or around
            if node.name is None:
                note(members(node), here)
            elif not isinstance(node, ShareNode) and is_module(node):
                found[node.name.text] = here

    if spec.places:
        note(spec.layers, spec.places[0])
    return found


def says_places(nodes: Iterable[Node], spec: Spec) -> bool:
    """Whether nodes, or blocks that they use, say where they live."""
    return any(
        node.place is not None
        or (isinstance(node, BlockNode) and spec.blocks[node.block].placed)
        for node in walk(tuple(nodes))
    )


def _refuse(nodes: Iterable[Node], message: str, help: str, sink: Sink) -> None:
    for node in nodes:
        sink.error("bad-place", message, node.origin.at("place"), help=help)


@dataclass
class _Placing:
    """One walk through a spec that names places."""

    spec: Spec
    first: str
    """Where lives what has no place."""
    sink: Sink
    scattered: bool
    """Whether each module is told its place; it becomes so where names don't do."""
    homes: dict[str, str] = field(default_factory=dict[str, str])
    """Where each block lives in which places are said."""
    blocks: dict[str, Block] = field(default_factory=dict[str, Block])
    taken: set[str] = field(default_factory=set[str])
    """The names that nodes have."""

    def __post_init__(self) -> None:
        blocks = self.spec.blocks.values()
        for body in (self.spec.layers, *(block.layers for block in blocks)):
            self.taken |= {n.name.text for n in walk(body) if n.name is not None}
        self._say: set[str] = set()
        while found := {b.name for b in blocks if self._says(b)} - self._say:
            self._say |= found

    def _says(self, block: Block) -> bool:
        return any(
            n.place is not None or self.holds_places(n) for n in walk(block.layers)
        )

    def holds_places(self, node: Node) -> bool:
        """Whether it is a block in which places are said."""
        return isinstance(node, BlockNode) and node.block in self._say

    def network(self) -> Spec:
        """The spec with what moves its values."""
        body = _Body(self, Lives(None))
        layers = self.spec.layers
        if counts(layers):
            self.scattered = True  # what moves a value is no child of an nn.Sequential
            layers = body.numbered(layers)
        layers, _ = body.nodes(layers, None, self.first)
        heads = tuple(map(body.head, self.spec.heads))
        for name in sorted(self._say - self.homes.keys()):
            self.block(name, self.first)  # for what is wrong with it
        blocks = {**self.spec.blocks, **self.blocks}
        return replace(self.spec, layers=layers, heads=heads, blocks=blocks)

    def block(self, name: str, home: str) -> None:
        """Places what stands in a block that is used at a place."""
        block = self.spec.blocks[name]
        self.scattered = True
        self.homes[name] = home
        body = _Body(self, Lives(home))
        for given in block.inputs:
            body.names.note(given, home)
        layers = body.numbered(block.layers) if counts(block.layers) else block.layers
        layers, end = body.nodes(layers, home, home)
        if end != home and not block.outputs:
            layers = (*layers, _to(layers[-1], home))
        for number, output in enumerate(block.outputs):
            if body.names.where(Template(output, (output,)), end) != home:
                self.sink.error(
                    "bad-place",
                    f"`{output}` lives elsewhere than the block that gives it",
                    block.origin.at("outputs", number),
                    help="give a node that lives where the block does",
                )
        body.check_names(layers)
        self.blocks[name] = replace(block, layers=layers, placed=True)


@dataclass
class _Body:
    """A body while it is walked: the network's, a block's, or that of a group."""

    placing: _Placing
    names: Lives

    def nodes(
        self, nodes: Sequence[Node], at: str | None, around: str
    ) -> tuple[tuple[Node, ...], str | None]:
        """Nodes in a row that read a value which lives `at` a place (None: where the
        caller has it), with what moves it; and where theirs lives."""
        made: list[Node] = []
        for node in nodes:
            here = node.place or around
            if isinstance(node, ShareNode) and node.place is None:
                here = self.names.where(node.shares, None) or around
            if _is_open(node):
                inner, at = self._open(node, at, here)
                made.append(inner)
            else:
                made += self._reading(node, at, here)
                at = here
            # the parts of a value have the names, not what gives them
            named = node.layers if isinstance(node, PartsNode) else (node,)
            for part in named:
                if part.name is not None:
                    self.names.note(part.name.text, at)
                    if isinstance(part, OpNode) and part.repeat is None:
                        self.names.whole.add(part.name.text)
        return tuple(made), at

    def _open(self, node: Node, at: str | None, here: str) -> tuple[Node, str | None]:
        """A group or branches whose nodes stand in the body itself."""
        if node.reads is not None:
            at = self.names.where(node.reads[0], at)
        if isinstance(node, GroupNode):
            layers, at = self.nodes(node.layers, at, here)
            return replace(node, layers=layers), at
        assert isinstance(node, BranchesNode)
        branches = self._branches(node, at, here)
        return replace(node, branches=branches, place=here), here

    def _branches(
        self, node: BranchesNode, at: str | None, here: str
    ) -> tuple[Node, ...]:
        """Branches of which each ends where they are merged."""
        return tuple(self._one(b, at, b.place or here, here) for b in node.branches)

    def _one(self, node: Node, at: str | None, here: str, end: str) -> Node:
        """A node that lives at a place, as one whose value is moved to another."""
        nodes, last = self.nodes((node,), at, here)
        if last != end:
            nodes = (*nodes, _to(node, end))
        whole = len(nodes) == 1
        return nodes[0] if whole else GroupNode(origin=node.origin, layers=nodes)

    def _reading(self, node: Node, at: str | None, here: str) -> list[Node]:
        """A node that has a place, behind what moves the values that it reads."""
        self._note_names(node, here)
        node = self._inside(node, here)
        if isinstance(node, ShareNode) and self.names.where(node.shares, None) != here:
            self._error(
                node,
                "what is shared lives where it was made",
                "leave the place out, or write a node of its own here",
            )
        reads = node.reads
        if reads is None:
            return [node] if at == here else [_to(node, here), node]
        if isinstance(node, OpNode) and node.beside is not None:
            reads = reads[:1]
        away = [r for r in reads if self.names.where(r, at) != here]
        if not away:
            return [node]
        if len(reads) == 1:
            to = _to(node, here, reads)
            assert node.reads is not None
            rest = node.reads[1:]
            return [to, replace(node, reads=(_PREV, *rest) if rest else None)]
        return [*self._moved(node, reads, at, here)]

    def _moved(
        self, node: Node, reads: tuple[Template, ...], at: str | None, here: str
    ) -> Iterator[Node]:
        """A node that reads several values, behind what moves them, each by a name."""
        names: dict[Template, Template] = {}
        for read in sorted(reads, key=lambda r: r.text != "prev"):
            names[read] = read
            # what moves another one comes between this and the value before
            if self.names.where(read, at) != here or read.text == "prev":
                names[read] = self._fresh(read, here)
                yield replace(_to(node, here, (read,)), name=names[read])
        yield replace(node, reads=tuple(names[read] for read in reads))

    def _fresh(self, read: Template, here: str) -> Template:
        """A name that no node has, for a value at a place."""
        stem = (
            "value" if read.text in ("prev", "input") or not read.fixed else read.text
        )
        wish = name = re.sub(r"\W", "_", f"{stem}_{here}")
        number = 2
        taken = self.placing.taken
        while name in taken:
            name, number = f"{wish}_{number}", number + 1
        taken.add(name)
        return Template(name, (name,))

    # ---- what is in a node

    def _inside(self, node: Node, here: str) -> Node:
        """A node that lives at a place, with what is in it."""
        placing = self.placing
        if isinstance(node, PartsNode):  # whose layers stand in no region of its
            parts = tuple(replace(part, place=here) for part in node.layers)
            node = replace(node, layers=parts)
        if placing.holds_places(node):
            assert isinstance(node, BlockNode)
            self._block(node, node.block, here)
        holds = self._holds(node, here)
        if holds:
            placing.scattered = True
        node = replace(node, place=here)
        if not placing.scattered:
            return node
        if node.shortcut is not None:
            at = node.shortcut.place or here
            node = replace(node, shortcut=self._one(node.shortcut, here, at, here))
        if node.otherwise is not None:
            node = replace(node, otherwise=self._otherwise(node.otherwise, here))
        if isinstance(node, PartsNode) or not (holds or node.name is None):
            return node
        if not isinstance(node, GroupNode | BranchesNode):
            return node
        body = self
        if node.name is not None:
            body = _Body(placing, Lives(here, self.names, _path(node)))
            own = body.numbered(members(node))
            if isinstance(node, GroupNode):
                node = replace(node, layers=own)
            else:
                node = replace(node, branches=own)
        if isinstance(node, GroupNode):
            layers, end = body.nodes(node.layers, here, here)
            if end != here:
                layers = (*layers, _to(node, here))
            node = replace(node, layers=layers)
        else:
            branches = body._branches(node, here, here)
            node = replace(node, branches=branches)
        if node.name is not None:
            body.check_names(members(node))
            path = _path(node)
            if node.repeat is not None:
                self.names.lists.add(node.name.text)
                self.names.note(path, here)
            for name, at in body.names.lives.items():
                self.names.note(f"{path}.{name}", at)
        return node

    def _block(self, node: Node, name: str, here: str) -> None:
        homes = self.placing.homes
        if name not in homes:
            self.placing.block(name, here)
        elif homes[name] != here:
            self._error(
                node,
                f"the block `{name}` says places, and is used at `{homes[name]}` and"
                f" at `{here}`",
                "use it at one place, or leave the places in it out",
            )

    def _otherwise(self, node: Node, here: str) -> Node:
        """What stands in a node's place, where that lives."""
        if node.place not in (None, here):
            self._error(
                node,
                "what stands in the place of a node lives where that does",
                "give both the same place",
            )
        return self._one(node, here, here, here)

    def _holds(self, node: Node, here: str) -> bool:
        """Whether places are said in a node, or values read that live elsewhere."""
        if isinstance(node, PartsNode):
            return False
        inside = [n for n in walk((node,)) if n is not node]
        own = {n.name.text for n in inside if n.name is not None}
        return any(
            inner.place is not None
            or self.placing.holds_places(inner)
            or any(
                self.names.where(read, here) != here
                for read in (*(inner.reads or ()), *_shared(inner))
                if read.text != "prev" and read.text not in own
            )
            # the name may be that of a node behind it too
            or any(
                self.names.where(read, here) not in (None, here)
                for read in (*(inner.reads or ()), *_shared(inner))
            )
            for inner in inside
        )

    def _note_names(self, node: Node, here: str) -> None:
        """Notes what could not be put there by a name of the network's."""
        beside = (n for n in (node.shortcut, node.otherwise) if n is not None)
        module = is_module(node) or any(map(is_module, walk(tuple(beside))))
        if here == self.placing.first or isinstance(node, ShareNode) or not module:
            return
        name = node.name
        fixed = name is not None and name.fixed and "." not in name.text
        bare = isinstance(node, OpNode) and node.op.bare_parameter
        alone = node.when is None and node.shortcut is None
        if bare or not (fixed and alone):
            self.placing.scattered = True

    def head(self, head: HeadSpec) -> HeadSpec:
        """A head, which lives where what it reads does."""
        here = self.names.where(Template(head.reads, (head.reads,)), None)
        if here is None:
            self.placing.sink.error(
                "bad-place",
                f"nobody knows where `{head.reads}`, which the head reads, lives",
                head.origin.at("from"),
                help="read a node of the network's own body, by its whole name",
            )
            return head
        if here != self.placing.first:
            self.placing.scattered = True
        if self._holds(head.node, here):
            self._error(
                head.node,
                "what a head reads in it lives where the head does",
                "read it by a node of the network's own body at this place",
            )
            return head
        if not self.placing.scattered:
            return head
        return replace(head, node=self._inside(head.node, here))

    # ---- names

    def numbered(self, nodes: Sequence[Node]) -> tuple[Node, ...]:
        """Children without names, with the numbers that they have as names: what moves
        a value is none of them."""
        unsure, found = numbered(nodes)
        if unsure is not None and counts(nodes):
            self._error(
                unsure,
                "what stands behind it has numbers that are not known where places are"
                " said",
                "give names to the layers that have parameters",
            )
            return tuple(nodes)  # the same number twice would be told, too
        return found

    def check_names(self, nodes: Sequence[Node]) -> None:
        """Refuses the name of what says where the places are, in a class of its own."""
        for node in opened(tuple(nodes)):
            if node.name is not None and node.name.text.partition(".")[0] == DEVICES:
                self.placing.sink.error(
                    "bad-place",
                    f"`{DEVICES}` is where the places are, in a body that says some",
                    node.name_origin.at(),
                    help="give the node another name",
                )

    def _error(self, node: Node, message: str, help: str) -> None:
        origin = node.origin
        said = "place" in origin.value()
        place = origin.at("place") if said else origin.at()
        self.placing.sink.error("bad-place", message, place, help=help)


def _is_open(node: Node) -> bool:
    """Whether the nodes in it stand in the body itself, once."""
    alone = node.repeat is None and node.skip is None and node.when is None
    opens = isinstance(node, GroupNode | BranchesNode)
    return opens and not isinstance(node, PartsNode) and node.name is None and alone


def _path(node: GroupNode | BranchesNode) -> str:
    """What holds the names of a named group, from where it stands."""
    assert node.name is not None
    again = node.repeat is not None and node.name.fixed
    return f"{node.name.text}.{{{node.index}}}" if again else node.name.text


def _shared(node: Node) -> tuple[Template, ...]:
    """What a node applies once more."""
    return (node.shares,) if isinstance(node, ShareNode) else ()


def _to(node: Node, place: str, reads: tuple[Template, ...] | None = None) -> OpNode:
    op = To(place=place)
    return OpNode(
        origin=node.origin,
        op=To,
        attributes={"place": place},
        static=op,
        reads=reads,
        place=place,
    )
