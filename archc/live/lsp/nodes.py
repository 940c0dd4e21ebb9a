"""From a place in the text to the node around it, and to what the network has there."""

from __future__ import annotations

from dataclasses import dataclass

from archc.live.lsp.hints import Met, nodes_met
from archc.live.lsp.outline import Item
from archc.live.workspace import State, resolved
from archc.network.graph import Network
from archc.source.positions import KeyPath
from archc.spec import tables
from archc.spec.model import Node

_HOLDERS = ("layers", "branches", "shortcut", "otherwise")


@dataclass(slots=True)
class Instances:
    """The nodes of a network by the file and key path that they were written at."""

    state: State
    _found: dict[tuple[object, KeyPath], tuple[Node, Met]] | None = None

    def at(self, path: object, where: KeyPath) -> tuple[Node, Met] | None:
        """The node at a key path of a file, and what it was met as."""
        if self._found is None:
            network = self.state.findings.network
            self._found = {} if network is None else _by_path(network)
        return self._found.get((path, where))


def _by_path(network: Network) -> dict[tuple[object, KeyPath], tuple[Node, Met]]:
    found: dict[tuple[object, KeyPath], tuple[Node, Met]] = {}
    for node, met in nodes_met(network).items():
        document = node.origin.merged.document(node.origin.path)
        path = document.as_written(node.origin.path)
        found[resolved(document.path), path] = node, met
    return found


def node_around(item: Item) -> Item | None:
    """The table of the innermost node that an item is in, or is."""
    here: Item | None = item
    while here is not None:
        if here.kind == "table" and is_node(here):
            return here
        here = here.parent
    return None


def is_node(item: Item) -> bool:
    """Whether a table stands where nodes stand."""
    path = item.path()
    if not path or item.kind != "table":
        return False
    if path[0] == "heads" or path[0] == "slots":
        inside = len(path) == 2
    else:
        inside = len(path) == 4 and path[0] == "blocks" and path[2] == "slots"
    if inside:
        return True
    parent = item.parent
    while parent is not None and parent.kind == "list" and isinstance(item.name, int):
        if parent.name in ("layers", "branches"):
            return _in_body(parent)
        item, parent = parent, parent.parent
    if item.name in ("shortcut", "otherwise"):
        return parent is not None and is_node(parent)
    # what is given for a slot of a block
    given = parent is not None and parent.get("block") is not None
    return given and item.name not in tables.MODIFIERS and is_node(parent)  # type: ignore[arg-type]


def _in_body(layers: Item) -> bool:
    path = layers.path()
    if path[0] == "network":
        return True
    return path[0] in ("blocks", "heads", "slots")


def body_of_path(path: KeyPath) -> tuple[str, ...]:
    """The body that a key path stands in: a block's, or the network's."""
    return (str(path[1]),) if path[:1] == ("blocks",) and len(path) > 1 else ()
