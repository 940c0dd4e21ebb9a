"""Which nodes alone would make a network too large, told before any of it is made."""

from __future__ import annotations

from graphlib import TopologicalSorter

from archc.diagnostics.model import Sink
from archc.spec.model import MAX_NODES, BlockNode, Node, Spec, children, walk


def oversized(spec: Spec, sink: Sink) -> frozenset[Node]:
    """The nodes with too many nodes inside; reports the innermost of them.

    Only what is written in plain numbers counts here. Expressions are counted while
    they are evaluated.
    """
    count = _Count(spec)
    # a long chain of blocks is counted from its end
    for name in TopologicalSorter(_uses(spec)).static_order():
        count.block(name)
    count.body(spec.layers)
    for head in spec.heads:
        count.body((head.node,))
    for node, size, inner in count.large:
        if inner:
            continue  # one of its own nodes is too large already
        key = next((k for k in ("repeat", "block") if k in node.origin.value()), None)
        sink.error(
            "network-too-large",
            f"this makes {f'{size:,}' if size < 10**12 else 'more than 10**12'} nodes;"
            f" a network has at most {MAX_NODES:,}",
            node.origin.at() if key is None else node.origin.at(key),
            help="lower a `repeat`, here or in what is repeated",
        )
    return frozenset(node for node, _, _ in count.large)


def _uses(spec: Spec) -> dict[str, set[str]]:
    """Which blocks a block uses; of broken ones nobody knows."""
    return {
        name: {n.block for n in walk(block.layers) if isinstance(n, BlockNode)}
        for name, block in spec.blocks.items()
        if not block.broken
    }


class _Count:
    """Counts nodes, each block once."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.blocks: dict[str, int] = {}
        self.told: set[str] = set()
        """The blocks in which something too large was found, or which are that."""
        self.large: list[tuple[Node, int, bool]] = []

    def body(self, nodes: tuple[Node, ...]) -> int:
        return sum(self.node(node) for node in nodes)

    def block(self, name: str) -> int:
        if name not in self.blocks:
            block = self.spec.blocks.get(name)
            before = len(self.large)
            self.blocks[name] = 0
            if block is not None and not block.broken:
                self.blocks[name] = self.body(block.layers)
            if len(self.large) > before:
                self.told.add(name)
        return self.blocks[name]

    def node(self, node: Node) -> int:
        """The nodes that this one makes, at least."""
        before = len(self.large)
        times = 1 if node.repeat is None else node.repeat
        inside = self.body(tuple(n for n in children(node) if n is not node.otherwise))
        other = 1 if node.otherwise is None else self.node(node.otherwise)
        if isinstance(node, BlockNode):
            inside += self.block(node.block)
        if node.when is False:
            return other
        if type(times) is not int:
            return 1  # nobody knows yet how often
        size = max(times, 0) * (1 + inside)
        if size > MAX_NODES and node.when is None:
            told = len(self.large) > before
            if isinstance(node, BlockNode):
                told |= node.block in self.told
                self.told.add(node.block)
            self.large.append((node, size, told))
        return max(size, 1)
