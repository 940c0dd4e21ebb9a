"""Loops that read by name what an iteration before has made."""

from __future__ import annotations

from tests.random_networks import attributes
from tests.random_networks.patterns import counter_of
from tests.random_networks.simulate import Bad, Table
from tests.random_networks.writer import Place, Writer


def recalled(w: Writer, place: Place) -> Table:
    """Each iteration merges in what one before it has made, where there is one."""
    if place.x.channel_axis != 0 or place.style == "numbered":
        raise Bad("no map, or nothing has a name")
    d = w.draw
    counter = counter_of(w, place)
    here = place.scratch()
    here.frame.names[counter] = 0
    own = w.inside(here, None, counter)
    name = w.name(own)
    conv: Table = {
        "name": name,
        "op": f"conv{attributes.axes(place.x)}d",
        "out_channels": place.x.channels,
        "kernel_size": 3,
        "padding": 1,
    }
    back = d.number(1, 2)
    earlier = name.replace(f"{{{counter}", f"{{{counter} - {back}")
    merge: Table = {
        "op": d.pick(("add", "add", "mul", "concat")),
        "from": ["prev", earlier],
        "when": f"{counter} >= {back}",
    }
    if d.chance(25):
        merge["otherwise"] = w.christen(own, w.bare_op(own))
    nodes = [w.commit(own, conv)]
    if d.chance(50):
        nodes.append(w.step(own))
    nodes.append(w.commit(own, w.christen(own, merge)))
    if d.chance(40):
        nodes.append(w.step(own))
    return {"repeat": d.number(2, 4), "index": counter, "layers": nodes}
