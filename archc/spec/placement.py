"""`place`: nodes that live on one of several devices, and values that cross.

Where a value is read at another place than where it was made, a node of its own moves
it: `{ op = "to", place = "gpu1" }`, which only archc writes. So all later stages see a
crossing as one more layer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from archc.diagnostics.model import Sink
from archc.escaping import has_hidden
from archc.ops.to import To
from archc.spec.model import (
    BranchesNode,
    GroupNode,
    HeadSpec,
    Node,
    OpNode,
    PartsNode,
    ShareNode,
    Spec,
    Template,
    body_of,
    members,
    opened,
    walk,
    walk_given,
)


def placed(spec: Spec, sink: Sink) -> Spec:
    """A spec in which what crosses from one place to another is moved."""
    elsewhere = [n for block in spec.blocks.values() for n in walk(body_of(block))]
    elsewhere += walk(tuple(head.node for head in spec.heads))
    elsewhere += walk(tuple(spec.slots.values()))
    own = list(walk(spec.layers))
    elsewhere += [n for n in walk_given(spec.layers) if n not in set(own)]
    _refuse(
        (n for n in elsewhere if n.place is not None),
        "a place is said in the network's own body",
        "write it at the use of the block, or at what the head reads",
        sink,
    )
    told = [node for node in own if node.place is not None]
    odd = [n for n in told if not n.place or has_hidden(str(n.place))]
    _refuse(odd, "a place has a name", 'call it after a device: "gpu1"', sink)
    children = [n for n in opened(spec.layers) if not isinstance(n, ShareNode)]
    if told and not any(n.name for n in children) and any(map(_is_module, children)):
        # what moves a value would be one of the numbered children of an nn.Sequential
        help = "give names to the layers that have parameters"
        _refuse(told[:1], "a place needs a network whose layers have names", help, sink)
        return spec
    if not told or odd:
        return spec
    places = tuple(dict.fromkeys(str(node.place) for node in told))
    names = {n.name.text for n in own if n.name is not None}
    body = _Body(places[0], sink, names)
    layers, _ = body.nodes(spec.layers, None, places[0])
    for head in spec.heads:
        body.hold_head(head)
    return replace(spec, layers=layers, places=places)


def lives(spec: Spec) -> dict[str, str]:
    """Where each part of the network lives that is a module with a name, in the order
    of the spec; nothing without places."""
    found: dict[str, str] = {}

    def note(nodes: Sequence[Node], around: str) -> None:
        for node in nodes:
            here = node.place or around
            if node.name is None:
                note(members(node), here)
            elif not isinstance(node, ShareNode) and _is_module(node):
                found[node.name.text] = here

    if spec.places:
        note(spec.layers, spec.places[0])
    return found


def _is_module(node: Node) -> bool:
    return not isinstance(node, OpNode) or node.op.can_have_parameters()


def _refuse(nodes: Iterable[Node], message: str, help: str, sink: Sink) -> None:
    for node in nodes:
        sink.error("bad-place", message, node.origin.at("place"), help=help)


@dataclass
class _Body:
    """The network's body while it is walked."""

    first: str
    """Where lives what has no place."""
    sink: Sink
    taken: set[str]
    """The names that nodes have."""
    lives: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    """Where the value of each name lives."""

    def nodes(
        self, nodes: Sequence[Node], at: str | None, around: str
    ) -> tuple[tuple[Node, ...], str | None]:
        """Nodes in a row that read a value which lives `at` a place (None: where the
        caller has it), with what moves it; and where theirs lives."""
        made: list[Node] = []
        for node in nodes:
            here = node.place or around
            if _is_open(node):
                inner, at = self._open(node, at, here)
                made.append(inner)
            else:
                made += self._reading(node, at, here)
                at = here
            if node.name is not None and node.name.fixed:
                self.lives[node.name.text] = at
        return tuple(made), at

    def _open(self, node: Node, at: str | None, here: str) -> tuple[Node, str | None]:
        """A group or branches whose nodes stand in the body itself."""
        if node.reads is not None:
            at = self._where(node.reads[0], at)
        if isinstance(node, GroupNode):
            layers, at = self.nodes(node.layers, at, here)
            return replace(node, layers=layers), at
        assert isinstance(node, BranchesNode)
        branches: list[Node] = []
        for branch in node.branches:
            nodes, end = self.nodes((branch,), at, here)
            if end != here:
                nodes = (*nodes, _to(branch, here))
            whole = len(nodes) == 1
            branches.append(
                nodes[0] if whole else GroupNode(origin=branch.origin, layers=nodes)
            )
        return replace(node, branches=tuple(branches)), here

    def _reading(self, node: Node, at: str | None, here: str) -> list[Node]:
        """A node that lives in one place with all that is in it, behind what moves the
        values that it reads."""
        self._hold(node, here)
        if isinstance(node, PartsNode):  # whose layers stand in no region of its
            parts = tuple(replace(part, place=here) for part in node.layers)
            node = replace(node, layers=parts)
        if isinstance(node, ShareNode) and self.lives.get(node.shares.text) != here:
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
        away = [r for r in reads if self._where(r, at) != here]
        if not away:
            return [node]
        if len(reads) == 1:
            to = _to(node, here, reads)
            assert node.reads is not None
            rest = node.reads[1:]
            return [
                to,
                replace(
                    node, reads=(Template("prev", ("prev",)), *rest) if rest else None
                ),
            ]
        return [*self._moved(node, reads, at, here)]

    def _moved(
        self, node: Node, reads: tuple[Template, ...], at: str | None, here: str
    ) -> Iterator[Node]:
        """A node that reads several values, behind what moves them, each by a name."""
        names: dict[Template, Template] = {}
        for read in sorted(reads, key=lambda r: r.text != "prev"):
            names[read] = read
            # what moves another one comes between this and the value before
            if self._where(read, at) != here or read.text == "prev":
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
        while name in self.taken:
            name, number = f"{wish}_{number}", number + 1
        self.taken.add(name)
        return Template(name, (name,))

    def _where(self, read: Template, at: str | None) -> str | None:
        """Where a value lives that is read by name."""
        if not read.fixed or read.text == "input":
            return None
        if read.text == "prev":
            return at
        name = read.text
        while name not in self.lives and "." in name:
            name = name.rpartition(".")[0]
        return self.lives.get(name)

    def _hold(self, node: Node, here: str) -> None:
        """Refuses what could not be put in one place."""
        inside = [n for n in walk((node,)) if n is not node]
        for inner in inside:
            if inner.place not in (None, here):
                self._error(
                    inner,
                    "what is in a group with a name, a repetition or a skip lives where"
                    " that does",
                    "give the place to all of it",
                )
        self.hold_reads(node, inside, here)
        if here == self.first or isinstance(node, ShareNode):
            return
        bare = isinstance(node, OpNode) and node.op.bare_parameter
        named = node.name is not None and node.name.fixed and "." not in node.name.text
        fixed = named and node.when is None
        if bare or (_is_module(node) and not fixed):
            self._error(
                node,
                "what lives elsewhere than the first is a module with a name of its own"
                " that is always there",
                "give it a name without braces, and no `when`; a parameter stands in a"
                " block",
            )

    def hold_reads(self, node: Node, inside: Sequence[Node], here: str) -> None:
        """Refuses nodes in a node that read by name what lives elsewhere."""
        own = {n.name.text for n in inside if n.name is not None}
        for inner in inside:
            for read in inner.reads or ():
                if read.text == "prev" or read.text in own:
                    continue
                # an input is taken to be where the first node is
                at = self._where(read, here) or self.first
                if at != here or not read.fixed:
                    self._error(
                        node, f"`{read.text}`, which is read in it, may live elsewhere",
                        "read it by a node of the network's own body at this place",
                    )  # fmt: skip

    def hold_head(self, head: HeadSpec) -> None:
        """A head lives where what it reads does."""
        here = self._where(Template(head.reads, (head.reads,)), None) or self.first
        self.hold_reads(head.node, list(walk((head.node,))), here)

    def _error(self, node: Node, message: str, help: str) -> None:
        origin = node.origin
        place = origin.at() if node.place is None else origin.at("place")
        self.sink.error("bad-place", message, place, help=help)


def _is_open(node: Node) -> bool:
    """Whether the nodes in it stand in the body itself, once."""
    alone = node.repeat is None and node.skip is None and node.when is None
    opens = isinstance(node, GroupNode | BranchesNode)
    return opens and not isinstance(node, PartsNode) and node.name is None and alone


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
