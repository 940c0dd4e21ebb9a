"""Children without names, and the numbers that they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archc.spec.model import (
    BranchesNode,
    GroupNode,
    Node,
    OpNode,
    PartsNode,
    ShareNode,
    Template,
    opened,
)


def is_module(node: Node) -> bool:
    """Whether a node may have parameters."""
    return not isinstance(node, OpNode) or node.op.can_have_parameters()


def counts(nodes: Sequence[Node]) -> bool:
    """Whether a body numbers its children, and parameters are among them."""
    children = _children(nodes)
    return not any(n.name for n in children) and any(map(is_module, children))


def numbered(nodes: Sequence[Node]) -> tuple[Node | None, tuple[Node, ...]]:
    """Children without names, with their numbers as names; and the first, if any, of
    which nobody knows how many numbers it takes."""
    if any(n.name for n in _children(nodes)):
        return None, tuple(nodes)
    count = 0
    unsure: Node | None = None

    def named(node: Node) -> Node:
        nonlocal count, unsure
        if unsure is None and not (node.repeat is None and node.when is None):
            unsure = node
        if isinstance(node, GroupNode) and not isinstance(node, PartsNode):
            node = replace(node, layers=tuple(map(named, node.layers)))
        elif isinstance(node, BranchesNode):
            node = replace(node, branches=tuple(map(named, node.branches)))
        elif not isinstance(node, ShareNode):
            name = Template(str(count), (str(count),))
            node, count = replace(node, name=name), count + 1
        if node.shortcut is not None:
            node = replace(node, shortcut=named(node.shortcut))
        return node

    found = tuple(map(named, nodes))
    return unsure, found


def _children(nodes: Sequence[Node]) -> list[Node]:
    return [n for n in opened(tuple(nodes)) if not isinstance(n, ShareNode)]
