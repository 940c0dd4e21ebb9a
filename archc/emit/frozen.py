"""Parameters that are no arguments of the network's constructor: where the iterations
of a repetition are written out, no argument can say how many there are.

It would be taken, and change nothing there.
"""

from __future__ import annotations

from archc.emit.occurrences import Occurrences
from archc.network.graph import Network
from archc.spec.expressions import Expr, names_in
from archc.spec.model import walk


def frozen(network: Network, seen: Occurrences) -> dict[str, int]:
    """The numbers among such parameters, and what each is."""
    spec = network.spec
    heads = tuple(head.node for head in spec.heads)
    names: list[str] = []
    for node in walk((*spec.layers, *heads)):
        if isinstance(node.repeat, Expr) and seen.differ(node):
            names += names_in(node.repeat)
    computed = {**spec.params, **spec.lets}
    found: dict[str, int] = {}
    met: set[str] = set()
    while names:
        name = names.pop()
        if name in met:
            continue
        met.add(name)
        arg = computed.get(name)
        value = network.params.get(name)
        if isinstance(arg, Expr):
            names += names_in(arg)
        elif type(value) is int:
            found[name] = value
    return found
