"""Some of a network's own nodes on another device; what that needs may be refused."""

from __future__ import annotations

from typing import Any

from tests.random_networks.drawing import Draw
from tests.random_networks.simulate import Table

PLACES = ("gpu0", "gpu1", "host")


def put_on_devices(d: Draw, spec: Table) -> None:
    """Places for nodes of the network's body, and of what opens up into it."""
    if not d.chance(8):
        return
    todo: list[Any] = [spec["network"]["layers"]]
    while todo:
        for node in todo.pop():
            if isinstance(node, list):
                todo.append(node)
                continue
            named = isinstance(node.get("name"), str) and "{" not in node["name"]
            loose = "op" in node and "name" not in node
            if (named or loose) and "when" not in node and d.chance(35):
                node["place"] = d.pick(PLACES)
            elif not named and not {"repeat", "skip", "when"} & node.keys():
                todo += [node[key] for key in ("layers", "branches") if key in node]
