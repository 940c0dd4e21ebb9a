"""Where the layers of a network live that names places."""

from __future__ import annotations

from archc.network.graph import Layer, Network, Region
from archc.ops.to import To


def places(network: Network) -> dict[Layer, str]:
    """The place of each layer; nothing for a network on one device."""
    found: dict[Layer, str] = {}

    def walk(parts: list[Layer | Region], around: str) -> None:
        for part in parts:
            here = around if part.node is None else part.node.place or around
            if isinstance(part, Region):
                walk(part.parts, here)
            else:
                # what moves a value is where that comes to
                found[part] = part.op.place if isinstance(part.op, To) else here

    if network.spec.places:
        first = network.spec.places[0]
        walk(network.body.parts, first)
        for head in network.heads:
            source = head.source.layer
            walk(head.region.parts, first if source is None else found[source])
    return found
