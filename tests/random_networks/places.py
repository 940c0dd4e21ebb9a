"""Some of a network's nodes on another device; what that needs may be refused."""

from __future__ import annotations

from typing import Any

from tests.random_networks.drawing import Draw
from tests.random_networks.simulate import Table

PLACES = ("gpu0", "gpu1", "host")


def put_on_devices(d: Draw, spec: Table) -> None:
    """Places for nodes of the network's body, and now and then of what is in them and
    in blocks."""
    if not d.chance(8):
        return
    deep = d.chance(60)
    todo: list[Any] = [spec["network"]["layers"]]
    if deep:
        todo += [b["layers"] for b in spec.get("blocks", {}).values() if d.chance(50)]
    likely = d.pick((10, 35))
    while todo:
        for node in todo.pop():
            if isinstance(node, list):
                todo.append(node)
                continue
            named = isinstance(node.get("name"), str) and "{" not in node["name"]
            loose = "op" in node and "name" not in node
            plain = (named or loose) and "when" not in node
            if (plain or deep) and d.chance(likely):
                node["place"] = d.pick(PLACES)
            inside = not named and not {"repeat", "skip", "when"} & node.keys()
            if inside or (deep and "place" not in node):
                todo += [node[key] for key in ("layers", "branches") if key in node]
