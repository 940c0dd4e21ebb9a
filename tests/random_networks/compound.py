"""A node with any body and any modifiers at once."""

from __future__ import annotations

from dataclasses import replace

from archc.ops.sizes import Shape
from archc.spec.expressions import FUNCTIONS
from tests.random_networks import attributes, merging
from tests.random_networks.blocks import use_block
from tests.random_networks.simulate import Table
from tests.random_networks.writer import Place, Writer

BODIES = {"op": 3, "keep": 2, "group": 5, "branches": 3.5, "block": 5}


def compound(w: Writer, place: Place) -> Table:
    """A node; each modifier by chance."""
    d = w.draw
    table: Table = {}
    here = place.scratch()
    if d.chance(14) and here.frame.values:
        path = d.pick([*here.frame.values, "input"])
        table["from"] = merging.spelled(w, here, path)
        here.x = here.frame.values.get(path, here.frame.input)
    before, before_x = here.env(), here.x
    if d.chance(16):
        table["when"] = w.values.truth(before)
    counter = None
    if d.chance(38):
        counter = _counter(w, here, table)
    node = _core(w, here, counter)
    if d.chance(45):
        node |= _skip(w, here, counter, node)
    table |= node
    if "when" in table and d.chance(45):
        table["otherwise"] = _otherwise(w, here, before_x, table)
    if d.chance(8):
        claimed = w.after(place, table)
        table["shape"] = [w.values.exactly(before, size) for size in claimed.dims]
    if d.chance(12):
        table["doc"] = w.names.doc()
    return table


def _otherwise(w: Writer, here: Place, x: Shape, table: Table) -> Table:
    """A node in the place of `table`, with its name, another one or none."""
    d = w.draw
    around = replace(here.scratch(), x=x, depth=here.depth + 1)
    around.frame.names.pop(table.get("index", "i") if "repeat" in table else "", None)
    kind = d.weighted({"like it": 4, "op": 3, "any": 3})
    if kind == "any":
        return w.step(around)
    if kind == "op":
        return w.op(around)
    # as large as the other one, so that what follows fits both
    there = {k: v for k, v in table.items() if k not in ("from", "when")}
    y = w.after(around, there)
    node = merging.way_to(w, around, y)
    name = table.get("name")
    if name and ("repeat" not in table or "{" not in name) and d.chance(60):
        node.pop("name", None)  # it is called as what it stands for
    return node


def _counter(w: Writer, here: Place, table: Table) -> str:
    d = w.draw
    known = set(here.frame.names) | {"in_channels"}
    counter = "i"
    shadows = "i" in known and "i" not in here.counters and d.chance(12)
    if ("i" in known and not shadows) or d.chance(25):
        counter = w.names.fresh("counter", known | FUNCTIONS)
    least = d.weighted({0: 1, 1: 3, 2: 8})
    table["repeat"] = w.values.whole(here.env(), least, 3)
    if counter != "i" or d.chance(10):
        table["index"] = counter
    here.frame.names[counter] = 0
    return counter


def _core(w: Writer, here: Place, counter: str | None) -> Table:
    """The body with its name."""
    d = w.draw
    kind = d.weighted(BODIES)
    if kind in ("op", "keep", "block"):
        own = w.inside(here.scratch(), None, None)
        if kind == "block":
            node = use_block(w, own)
        else:
            node = w.bare_op(own, attributes.KEEPING if kind == "keep" else None)
        must = kind == "block" or node.get("op") in attributes.PARAMETRIC
        name = None
        if here.style == "named" or (here.style == "free" and (must or d.chance(25))):
            braces = counter if counter and d.chance(50) else None
            name = w.name(here, braces=braces)
    else:
        name = w.scope_name(here, counter)
        own = w.inside(here.scratch(), name, counter)
        if kind == "group":
            node = {"layers": w.chain(own, d.weighted({1: 2, 2: 4, 3: 2, 4: 1}))}
        else:
            node = merging.branches(w, own)
    return node if name is None else {"name": name} | node


def _skip(w: Writer, here: Place, counter: str | None, node: Table) -> Table:
    once = dict(node)
    if counter is not None:
        once |= {"repeat": 1, "index": counter}
    y = w.after(here, once)
    counters = (*here.counters, counter) if counter is not None else here.counters
    around = replace(here.scratch(), counters=counters, depth=here.depth + 1)
    return merging.skip_of(w, here, around, y)
