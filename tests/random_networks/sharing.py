"""Modules that are used again."""

from __future__ import annotations

from tests.random_networks import merging
from tests.random_networks.simulate import Bad, Table
from tests.random_networks.writer import Place, Writer


def shared(w: Writer, place: Place) -> Table:
    """A module that stands before, applied once more, or many times."""
    d = w.draw
    if not place.frame.modules:
        raise Bad("no module")
    path = d.pick(list(place.frame.modules))
    table: Table = {"share": merging.spelled(w, place, path)}
    if "in_channels" in table["share"]:
        raise Bad("names of nodes do not know them")
    counter = None
    if d.chance(30):
        known = {*place.frame.names, "in_channels"}
        counter = "i" if "i" not in known else w.names.fresh("counter", known)
        table["repeat"] = w.values.whole(place.env(), 1, 3)
        if counter != "i":
            table["index"] = counter
    if d.chance(10) and place.frame.values:
        read = d.pick([*place.frame.values, "input"])
        table["from"] = merging.spelled(w, place, read)
    if d.chance(15):
        table["when"] = w.values.truth(place.env())
    if d.chance(25):
        skip = {"skip": d.pick(("add", "mul", "concat"))}
        table |= merging.conditioned(w, place, skip)
    if place.style != "numbered" and d.chance(35):
        braces = counter if counter and d.chance(50) else None
        table = {"name": w.name(place, braces=braces)} | table
    return table


def in_a_row(w: Writer, place: Place) -> Table:
    """A node that keeps its channels, and then itself again, in a scope or without."""
    d = w.draw
    name = w.scope_name(place, None)
    own = w.inside(place.scratch(), name, None)
    if own.style == "numbered":
        raise Bad("nothing has a name")
    first = w.chain(own, d.number(1, 2))
    nodes = [*first]
    for _ in range(d.number(1, 3)):
        nodes.append(w.commit(own, shared(w, own)))
        if d.chance(30):
            nodes += w.chain(own, 1)
    if not own.frame.modules.keys() - place.frame.modules.keys():
        raise Bad("nothing is shared")
    return {"layers": nodes} if name is None else {"name": name, "layers": nodes}
