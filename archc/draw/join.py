"""Layers that belong together become one node, and frames without a use are dropped."""

from __future__ import annotations

from archc.draw.figure import Arc, Box, Item, Leaf, Node
from archc.ops.base import Category

_ATTACHED = ("normalization", "activation", "dropout")


class Joiner:
    """Makes nodes of leaves: a convolution with its normalization and activation."""

    def __init__(self, arcs: list[Arc]) -> None:
        self.node_of: dict[Leaf, Node] = {}
        self._readers: dict[Leaf, list[Arc]] = {}
        self._reads: dict[Leaf, list[Arc]] = {}
        for arc in arcs:
            self._readers.setdefault(arc.source, []).append(arc)
            self._reads.setdefault(arc.target, []).append(arc)

    def items(self, children: list[Item], parent: Box) -> list[Item]:
        """What is drawn for the children of a box: nodes and boxes."""
        result: list[Item] = []
        chain: list[Leaf] = []
        for child in self._opened(children, parent):
            if isinstance(child, Leaf):
                if chain and not self._follows(chain[-1], child):
                    result.extend(self._nodes(chain))
                    chain = []
                chain.append(child)
                continue
            result.extend(self._nodes(chain))
            chain = []
            result.append(child)
        result.extend(self._nodes(chain))
        return result

    def _opened(self, children: list[Item], parent: Box) -> list[Item]:
        """The children, with the boxes replaced that are not worth a frame."""
        result: list[Item] = []
        for child in children:
            if not isinstance(child, Box):
                result.append(child)
            elif child.count == "1" or (child.kind == "group" and parent.path):
                result.extend(self._opened(child.children, parent))
            else:
                result.extend(self._framed(child))
        return result

    def _framed(self, box: Box) -> list[Item]:
        box.children = self.items(box.children, box)
        if len(box.children) != 1:
            return [box] if box.children else []
        only = box.children[0]
        if box.kind != "repeat":
            if isinstance(only, Node):
                # what would be said of the frame
                only.lead.note = only.lead.note or box.remark
                if box.again:
                    only.lead.again = only.lead.again or box.again
                return [only]
            return [box]
        if isinstance(only, Leaf) or only.count or only.tally != box.inner:
            return [box]
        if isinstance(only, Box):
            if only.kind not in ("block", "group"):
                return [box]
            only.name, only.remark = box.name or only.name, box.remark
            only.again = only.again or box.again
        only.count, only.tally, only.folded = box.count, box.tally, box
        return [only]

    def _follows(self, leaf: Leaf, then: Leaf) -> bool:
        """Whether `then` alone reads `leaf`, and reads nothing else."""
        out, into = self._readers.get(leaf, []), self._reads.get(then, [])
        return (
            len(out) == len(into) == 1
            and out[0].target is then
            and leaf.tally == then.tally
            and leaf.category is not None
            and then.category is not None
        )

    def _nodes(self, chain: list[Leaf]) -> list[Node]:
        """A chain cut into nodes, each with one op that leads and those attached to it.

        Where a chain starts with a normalization, an activation or a dropout, these
        are meant for the convolution after them, and so are the later ones.
        """
        ahead = _ahead(chain)
        nodes: list[Node] = []
        waiting: list[Leaf] = []
        for leaf in chain:
            if leaf.category not in _ATTACHED and not leaf.ahead:
                takes = leaf.category in ("convolution", "linear")
                if waiting and not takes:
                    nodes.append(_node(waiting, waiting[0]))
                    waiting = []
                nodes.append(_node([*waiting, leaf], leaf))
                waiting = []
            elif leaf.ahead or leaf.category in ahead:
                waiting.append(leaf)
            elif nodes and not waiting:
                nodes[-1].leaves.append(leaf)
            else:
                waiting.append(leaf)
        if waiting:
            nodes.append(_node(waiting, waiting[0]))
        for node in nodes:
            for leaf in node.leaves:
                self.node_of[leaf] = node
        return nodes


def _node(leaves: list[Leaf], lead: Leaf) -> Node:
    return Node(leaves, lead, lead.tally)


def _ahead(chain: list[Leaf]) -> tuple[Category, ...]:
    """The categories of what belongs to the convolution after it."""
    start = chain[0].category if chain else None
    if start == "dropout":
        return ("dropout",)
    before = ("normalization", "activation")
    return before if start in before else ()
