"""Shapes of networks that chance alone seldom draws."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from archc.ops.sizes import Shape
from archc.spec.expressions import FUNCTIONS
from tests.random_networks import attributes
from tests.random_networks.blocks import use_block
from tests.random_networks.simulate import Bad, Table
from tests.random_networks.writer import Place, Writer


def _map(place: Place) -> int:
    """How many axes the map has that is here."""
    if place.x.channel_axis != 0:
        raise Bad("no map")
    return attributes.axes(place.x)


def counter_of(w: Writer, place: Place) -> str:
    """A counter for a loop: `i`, where nothing is called so."""
    known = {*place.frame.names, "in_channels", *FUNCTIONS}
    return "i" if "i" not in known else w.names.fresh("counter", known)


def stages(w: Writer, place: Place) -> Table:
    """A repetition of a few nodes of which some are repetitions, as in DarkNet."""
    d = w.draw
    counter = counter_of(w, place)
    name = w.scope_name(place, counter)
    here = place.scratch()
    here.frame.names[counter] = 0
    own = w.inside(here, name, counter)
    nodes: list[Table] = []
    for _ in range(d.number(1, 3)):
        if d.chance(50):
            deep = own.depth < 3 and d.chance(25)
            nodes.append(w.commit(own, stages(w, own) if deep else _inner_loop(w, own)))
        else:
            nodes.append(w.step(own))
    table: Table = {"repeat": d.number(1, 3), "index": counter, "layers": nodes}
    if d.chance(25):
        table["skip"] = d.pick(("concat", "add", "mul", "sub"))
    return table if name is None else {"name": name} | table


def _inner_loop(w: Writer, place: Place) -> Table:
    d = w.draw
    counter = counter_of(w, place)
    env = place.env()
    count = d.pick((2, 2, 3, w.values.whole(env, 1, 3)))
    here = place.scratch()
    here.frame.names[counter] = 0
    kind = d.number(0, 2)
    if kind == 0:
        node = use_block(w, w.inside(here, None, None))
    elif kind == 1:
        node = w.bare_op(w.inside(here, None, None))
    else:
        node = {}
    must = node.get("op") in attributes.PARAMETRIC or "block" in node
    name = None
    if node and place.style != "numbered" and (must or place.style == "named"):
        name = w.name(place, braces=counter if d.chance(35) else None)
    if not node:
        name = w.scope_name(place, counter)
        own = w.inside(here, name, counter)
        node = {"layers": w.chain(own, d.number(1, 2))}
    node = {"repeat": count, "index": counter} | node
    if d.chance(25):
        node["skip"] = d.pick(("add", "add", "mul", "concat", "sub", "div"))
    return node if name is None else {"name": name} | node


def dense(w: Writer, place: Place) -> Table:
    """Dense connectivity: each repetition adds a few channels."""
    n = _map(place)
    d = w.draw
    counter = counter_of(w, place)
    here = place.scratch()
    here.frame.names[counter] = 0
    growth = w.values.whole(here.env(), 1, 3)
    conv: Table = {
        "op": f"conv{n}d",
        "out_channels": growth,
        "kernel_size": 3,
        "padding": 1,
    }
    table: Table = {"repeat": d.number(1, 4), "index": counter, "skip": "concat"}
    form = d.number(0, 2) if place.style != "numbered" else 0
    if form == 0:
        if place.style == "numbered":
            return table | conv
        return {"name": w.name(place, braces=_maybe(w, counter))} | table | conv
    name = w.name(place, braces=_maybe(w, counter))
    own = w.inside(here, name, counter)
    nodes = [
        {"op": f"batch_norm{n}d"},
        {"op": "relu"},
        {"op": f"conv{n}d", "out_channels": f"{growth} * 2", "kernel_size": 1},
        conv,
    ]
    if form == 2:
        nodes[2:] = [{"repeat": 2, "index": w.names.fresh("counter", {counter})} | conv]
    nodes = nodes[d.number(0, 2) :]
    made: list[Table] = []
    for node in nodes:
        if "repeat" in node and own.style == "named":
            braces = node["index"] if d.chance(50) else None
            node = {"name": w.name(own, braces=braces)} | node
            made.append(w.commit(own, node))
            continue
        made.append(w.commit(own, w.christen(own, node)))
    return {"name": name} | table | {"layers": made}


def _maybe(w: Writer, counter: str) -> str | None:
    return counter if w.draw.chance(60) else None


def widths(w: Writer, place: Place) -> Table:
    """Channels that change with a counter: grow, halve, alternate, follow a list."""
    n = _map(place)
    d = w.draw
    counter = counter_of(w, place)
    env = place.env()
    lists = [
        n for n, v in env.items()
        if isinstance(v, tuple) and v and all(type(i) is int and i > 0 for i in v)
    ]  # fmt: skip
    count: int | str = d.number(1, 3)
    c = counter
    out = d.pick(
        (f"2 ** ({c} + 1)", f"3 + 2 * {c}", f"8 if {c} % 2 else 4", f"12 // ({c} + 1)",
         "in_channels + 2", "max(in_channels // 2, 1)", "in_channels * 2",
         f"in_channels * 2 if {c} == 0 else in_channels",
         f"in_channels if {c} else 6", f"{c} and in_channels or 5",
         f"int(in_channels * 1.5) if {c} < 1 else in_channels")
    )  # fmt: skip
    if lists and d.chance(50):
        chosen = d.pick(lists)
        out, count = f"{chosen}[{c}]", f"len({chosen})"
        if d.chance(25):
            count, out = f"len({chosen}) - 1", f"{chosen}[{c} + 1]"
    conv: Table = {"op": f"conv{n}d", "out_channels": out, "kernel_size": 1}
    if d.chance(30):
        conv |= {"kernel_size": 3, "padding": 1, "stride": f"2 if {c} == 0 else 1"}
    table: Table = {"repeat": count, "index": counter}
    here = place.scratch()
    here.frame.names[counter] = 0
    name = w.scope_name(place, counter)
    if name is None and (place.style == "numbered" or d.chance(60)):
        own = w.inside(here, None, counter)
    else:
        name = name or w.name(place)
        own = w.inside(here, name, counter)
    nodes = [w.commit(own, w.christen(own, conv))]
    if d.chance(40):
        when = d.pick((f"{c} > 0", f"{c} == 0", f"{c} % 2 == 0", c, "in_channels > 4"))
        extra = w.op(own.scratch()) | {"when": when}
        nodes.insert(d.number(0, 1), extra)
    if d.chance(30):
        nodes.append(w.step(own))
    table["layers"] = nodes
    if d.chance(20):
        table["skip"] = "concat"
    return table if name is None else {"name": name} | table


def once(w: Writer, place: Place) -> Table:
    """A repetition without a name, of whose iterations one has nodes that the others
    have not, with names that hold no counter."""
    d = w.draw
    if place.style == "numbered":
        raise Bad("no names")
    counter = counter_of(w, place)
    here = place.scratch()
    here.frame.names[counter] = 0
    own = w.inside(here, None, counter)
    single = w.step(replace(own.scratch(), counters=()))
    if "when" in single:
        raise Bad("it has a condition")
    # of several loops around each other, in one iteration of each
    tests = [f"{c} == 0" for c in place.counters]
    tests.append(f"{counter} == {d.pick((0, 0, 1, 5))}")
    nodes = [w.commit(own, single | {"when": " and ".join(tests)})]
    nodes.insert(d.number(0, 1), w.step(own))
    return {"repeat": d.number(1, 3), "index": counter, "layers": nodes}


def permuted(w: Writer, place: Place) -> Table:
    """Channels last and back, with something in between."""
    n = _map(place)
    d = w.draw
    own = place.scratch()
    there: Table = {"op": "permute", "dims": [0, *range(2, n + 2), 1]}
    nodes = [w.commit(own, w.christen(own, there))]
    for _ in range(d.number(1, 3)):
        makers = {
            attributes.layer_norm: 3.0, attributes.linear: 4.0,
            attributes.activation: 2.0, attributes.layer_scale: 1.5,
            attributes.channel_slice: 1.0, attributes.channel_pad: 1.0,
            attributes.conv: 0.7, attributes.random_op: 0.5,
        }  # fmt: skip
        nodes.append(w.commit(own, w.op(own, makers)))
    if d.chance(30):
        nodes = [w.wrapped(nodes)]
    back = {"op": "permute", "dims": [0, n + 1, *range(1, n + 1)]}
    nodes.append(w.commit(own, w.christen(own, back)))
    return {"layers": nodes}


def tokens(w: Writer, place: Place) -> Table:
    """Pixels in a row that are mixed, as in an MLP-Mixer, and back on a map."""
    n = _map(place)
    d = w.draw
    own = place.scratch()
    env, sides = own.env(), place.x.dims[1:]
    count = prod(sides)
    swap: Table = {"op": "transpose", "dim0": 1, "dim1": 2}
    if d.chance(30):
        swap = {"op": "transpose", "dim0": -1, "dim1": -2}
    mixing: Table = {"op": "linear", "in_features": w.values.exactly(env, count)}
    mixing["out_features"] = count if d.chance(60) else w.values.whole(env, 1, 9)
    tables: list[Table] = [{"op": "flatten", "start_dim": 2}] if n > 1 else []
    tables += [swap, attributes.layer_norm(w.values, env, Shape((9, 9), 1)), swap]
    tables[-2].pop("normalized_shape", None)
    tables.append(mixing)
    if d.chance(40) and mixing["out_features"] == count:
        tables += [swap, {"op": "linear", "out_features": "in_channels"}, swap]
    if d.chance(50) and mixing["out_features"] == count:
        tables.append({"op": "unflatten", "dim": 2, "unflattened_size": [*sides]})
    made = [w.commit(own, w.christen(own, table)) for table in tables]
    node: Table = {"layers": made}
    if own.x == place.x and d.chance(40):
        node["skip"] = "add"
    return node


def groups(w: Writer, place: Place) -> Table:
    """Channels in groups that are weighed and summed up, as in a split attention."""
    n = _map(place)
    d = w.draw
    own = place.scratch()
    env, channels = own.env(), place.x.dims[0]
    count = d.pick([g for g in range(1, channels + 1) if channels % g == 0])
    written = w.values.exactly(env, count)
    split: Table = {"op": "unflatten", "dim": 1, "unflattened_size": [written, -1]}
    if d.chance(30):
        sides = list(place.x.dims[1:])
        split = {"op": "reshape", "sizes": [written, -1, *sides]}
    tables = [split]
    form = d.number(0, 3)
    if form == 0:
        tables.append({"op": "softmax", "dim": 1})
    if form == 1:
        tables += [{"op": "transpose", "dim0": 1, "dim1": 2}, {"op": "flatten",
                   "start_dim": 1, "end_dim": 2}]  # fmt: skip
    else:
        op, keep = d.pick(("sum", "mean", "amax")), d.chance(30)
        tables.append({"op": op, "dim": 1} | ({"keepdim": True} if keep else {}))
    if form == 2 and n > 1:
        tables.append({"op": d.pick(("sum", "mean")), "dim": d.number(1, 2)})
    made = [w.commit(own, w.christen(own, table)) for table in tables]
    return {"layers": made}


def over_channels(w: Writer, place: Place) -> Table:
    """A convolution over the channels of what is left of a map, as in ECA."""
    n = _map(place)
    d = w.draw
    own = place.scratch()
    pool: Table = {"op": "mean", "dim": [*range(2, n + 2)]}
    lay: Table = {"op": "reshape", "sizes": [1, -1], "channel_dim": 1}
    conv: Table = {"op": "conv1d", "out_channels": 1, "kernel_size": 3, "padding": 1}
    back: Table = {"op": "reshape", "sizes": [-1, *(1 for _ in range(n))]}
    if d.chance(40):
        back["channel_dim"] = 1
    tables = [pool, lay, conv, back]
    if d.chance(30):
        tables.insert(3, {"op": "sigmoid"})
    made = [w.commit(own, w.christen(own, table)) for table in tables]
    return {"layers": made, "skip": "mul"} if d.chance(60) else {"layers": made}


def across(w: Writer, place: Place) -> Table:
    """Repetitions that read what earlier ones have named."""
    n = _map(place)
    d = w.draw
    if place.style == "numbered" or place.counters:
        raise Bad("no names here")
    own = place.scratch()
    counter = counter_of(w, place)
    stem = w.names.fresh("layer", place.taken)
    channels = w.values.whole(own.env(), 2, 6)
    conv: Table = {"op": f"conv{n}d", "kernel_size": 3, "padding": 1}
    first = {"name": f"{stem}0", "out_channels": channels} | conv
    nodes = [w.commit(own, first)]
    earlier = d.pick((f"{{{counter}}}", f"{{max({counter} - 1, 0)}}", "0"))
    merge = d.pick(("add", "mul", "concat"))
    layers: list[Table] = [
        {"name": f"{stem}{{{counter} + 1}}", "out_channels": channels} | conv,
        {"op": merge, "from": d.shuffled(["prev", f"{stem}{earlier}"])},
    ]
    if d.chance(35):
        # where it is left out, what it would read beside the first need not be there
        back = d.number(1, 2)
        reads = ["prev", f"{stem}{{{counter} - {back}}}"]
        layers[1] |= {"from": reads, "when": f"{counter} >= {back}"}
    if place.style == "named":
        layers[1] = {"name": f"{w.name(own)}{{{counter}}}"} | layers[1]
    loop = {"repeat": d.number(1, 3), "index": counter, "layers": layers}
    nodes.append(w.commit(own, loop))
    return {"layers": nodes}


def u_net(w: Writer, place: Place) -> Table:
    """A way down and a way up, with long skips between values named in loops."""
    n = _map(place)
    d = w.draw
    if place.style != "free" or place.counters:
        raise Bad("no names here")
    own = place.scratch()
    levels = d.number(1, 3)
    counter = counter_of(w, place)
    stem, back = (w.names.fresh("layer", place.taken) for _ in range(2))
    channels = w.values.whole(own.env(), 2, 6)
    down: Table = {
        "repeat": levels,
        "index": counter,
        "layers": [
            {"name": f"{stem}{{{counter}}}", "op": f"conv{n}d", "kernel_size": 1,
             "out_channels": f"2 + 2 * {counter}"},
            {"op": f"max_pool{n}d", "kernel_size": 2},
        ],
    }  # fmt: skip
    up: Table = {
        "repeat": levels,
        "index": counter,
        "layers": [
            {"op": "upsample", "scale_factor": 2},
            {"op": "concat",
             "from": d.shuffled(["prev", f"{stem}{{{levels - 1} - {counter}}}"])},
            {"name": f"{back}{{{counter}}}", "op": f"conv{n}d", "kernel_size": 1,
             "out_channels": channels},
        ],
    }  # fmt: skip
    start: Table = {"op": f"adaptive_avg_pool{n}d", "output_size": 8}
    return {"layers": [w.commit(own, node) for node in (start, down, up)]}


def group(w: Writer, place: Place) -> Table:
    """A plain sequence, named or not."""
    name = w.scope_name(place, None)
    own = w.inside(replace(place.scratch()), name, None)
    count = w.draw.weighted({0: 0.5, 1: 3, 2: 3, 3: 3})
    table: Table = {"layers": w.chain(own, count)}
    if name is not None and w.draw.chance(20):
        table["doc"] = w.names.doc()
    return table if name is None else {"name": name} | table


def in_parts(w: Writer, place: Place) -> Table:
    """A value in equal parts, and what reads some of them."""
    d = w.draw
    if place.style == "numbered":
        raise Bad("its parts need names")
    axis = d.number(0, len(place.x.dims) - 1)
    if place.x.channel_axis is not None and d.chance(70):
        axis = place.x.channel_axis
    counts = [n for n in (2, 2, 3, 4) if place.x.dims[axis] % n == 0]
    if not counts:
        raise Bad("it has no equal parts")
    count = d.pick(counts)
    dim = axis + 1 if d.chance(70) else axis - len(place.x.dims)
    table: Table = {"op": "chunk", "chunks": count}
    if dim != 1 or d.chance(40):
        table["dim"] = dim
    table["name"] = name = w.name(place)
    nodes = [w.commit(place, table)]
    read = [f"{name}.{n}" for n in d.shuffled(range(count))][: d.number(1, count)]
    if len(read) > 1:
        op = d.pick(("concat", "add", "mul"))
        node = w.christen(place, {"op": op, "from": read})
    else:
        node = w.bare_op(place, attributes.KEEPING) | {"from": read[0]}
        node = w.christen(place, node)
    nodes.append(w.commit(place, node))
    return {"layers": nodes}
