"""What a node becomes: a link of an `nn.Sequential`, or something with a class."""

from __future__ import annotations

from collections.abc import Sequence

from archc.emit.wiring import Reads
from archc.network.scope import is_by_hand, is_counted
from archc.spec.model import (
    BlockNode,
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    ShareNode,
    children,
    opened,
)


def is_chain(reads: Reads, nodes: Sequence[Node]) -> bool:
    """Whether the nodes can be the children of one nn.Sequential."""
    inside = tuple(opened(tuple(nodes)))
    if any(map(is_by_hand, inside)) and not all(n.name for n in inside):
        # what has no number there gets the one of its place
        return is_counted(nodes) and all(_is_link(reads, node) for node in nodes)
    return all(_is_link(reads, node) for node in nodes)


def _is_link(reads: Reads, node: Node) -> bool:
    if node.reads is not None or node.skip is not None:
        return False
    if isinstance(node, ShareNode):
        return False
    if node.name is not None and "." in node.name.text:
        return False
    if node.otherwise is not None and not _is_link(reads, node.otherwise):
        return False
    if isinstance(node, OpNode):
        fits = node.op.has_module
        fits = fits and not (node.op.merges or node.op.bare_parameter)
        return fits and not reads.is_read(node)
    if isinstance(node, BlockNode) and node.is_wide:
        return False
    if isinstance(node, GroupNode) and node.name is None:
        return is_chain(reads, node.layers)
    if isinstance(node, BranchesNode) and node.name is None:
        return False
    return not (reads.is_read(node) or reads.needs(node))


def has_module(node: Node) -> bool:
    """Whether a named node makes a child, and does not only name a value."""
    if isinstance(node, OpNode):
        return not node.op.merges
    return not isinstance(node, ShareNode)


def is_sequence(reads: Reads, node: Node) -> bool:
    """Whether a named repetition can be an nn.Sequential that `forward` just calls."""
    inside = f"{reads.paths[node].text}."
    read = any(p.startswith(inside) for p in reads.tapped | reads.saved)
    bare = isinstance(node, OpNode) and node.op.bare_parameter
    if isinstance(node, BlockNode) and node.is_wide:
        return False
    return not (node.skip or read or bare or reads.needs(node))


def numbered_children(nodes: Sequence[Node]) -> bool:
    """Whether the numbers of these children are known without running anything."""
    return all(
        n.repeat is None
        and n.when is None
        and (n.shortcut is None or n.skip_when is None)
        and (n.name is not None or numbered_children(tuple(children(n))))
        for n in nodes
    )
