"""Merges in every form: branches, ops that read several values, gates, skips."""

from __future__ import annotations

from dataclasses import replace

from archc.ops.registry import merge_op
from archc.ops.sizes import Shape
from tests.random_networks import attributes
from tests.random_networks.simulate import Bad, Table, text_of
from tests.random_networks.writer import Place, Writer

OF_TWO = ("sub", "div")
EVERY = ("add", "add", "mul", "mul", "concat", "concat", *OF_TWO)


def reach(w: Writer, place: Place, target: Shape) -> list[Table]:
    """Nodes from what is here to a value of shape `target`; the place goes along."""
    x = place.x
    if len(x.dims) != len(target.dims) or x.channel_axis != target.channel_axis:
        raise Bad("another rank")
    env, v, d = place.env(), w.values, w.draw
    channels = v.exactly(env, target.channels)
    tables: list[Table] = []
    if is_map(x):
        n, sides = len(x.dims) - 1, list(target.dims[1:])
        written = sides[0] if len({*sides}) == 1 and d.chance(60) else sides
        fit = {"op": f"adaptive_avg_pool{n}d", "output_size": written}
        if d.chance(30) and min(sides) > 1:
            fit = {"op": "upsample", "size": written}
        conv: Table = {"op": f"conv{n}d", "out_channels": channels, "kernel_size": 1}
        if d.chance(40):
            conv |= {"kernel_size": 3, "padding": 1}
        if d.chance(30):
            conv["bias"] = v.flag(env)
        same = x.dims[1:] == target.dims[1:]
        if not same and d.chance(30):
            conv |= {"kernel_size": 3, "padding": 1, "stride": 2}
            if w.after(place, conv) == target:
                return [w.commit(place, w.christen(place, conv))]
            raise Bad("a stride does not do it")
        tables = [conv] if same else d.pick(([fit, conv], [conv, fit]))
        if same and x.channels == target.channels and d.chance(40):
            tables = [w.bare_op(place, attributes.KEEPING)]
    elif x.channel_axis == len(x.dims) - 1 and x.dims[:-1] == target.dims[:-1]:
        tables = [{"op": "linear", "out_features": channels}]
    elif x == target:
        tables = [w.bare_op(place, attributes.KEEPING)]
    if d.chance(30):
        tables.append(w.bare_op(replace(place.scratch(), x=target), attributes.KEEPING))
    made: list[Table] = []
    for table in tables:
        if table["op"] == "layer_scale" and place.style == "numbered":
            continue
        made.append(w.commit(place, w.christen(place, table)))
    if place.x != target:
        raise Bad("not reached")
    return made


def is_map(x: Shape) -> bool:
    """Channels, and behind them up to three axes."""
    return x.channel_axis == 0 and 1 < len(x.dims) <= 4


def gates_of(x: Shape) -> tuple[Shape, ...]:
    """What can be spread over a map: over its channels, over its pixels, and along its
    last axis."""
    return (
        Shape((1, *x.dims[1:])),
        Shape((x.dims[0], *(1 for _ in x.dims[1:]))),
        Shape((*x.dims[:-1], 1)),
    )


def gate_of(w: Writer, place: Place, *, spatial: bool) -> list[Table]:
    """Nodes to a gate: C x 1 x 1, or 1 x H x W."""
    over_channels, *over_pixels = gates_of(place.x)
    target = over_channels if spatial else w.draw.pick(over_pixels)
    tables = reach(w, place, target)
    if w.draw.chance(60):
        table = {"op": w.draw.pick(("sigmoid", "hardsigmoid", "tanh"))}
        tables.append(w.commit(place, w.christen(place, table)))
    return tables


def branches(w: Writer, place: Place, *, merge: str | None = None) -> Table:
    """Branches without a name, each from what is here; `place` is their scope."""
    d = w.draw
    x = place.x
    merge = merge or d.pick(EVERY)
    target = x
    if is_map(x):
        sides = x.dims[1:]
        if d.chance(25):
            sides = tuple(d.number(1, 6) for _ in sides)
        target = Shape((d.number(1, 8) if d.chance(50) else x.channels, *sides))
    elif d.chance(50):
        target = x.with_channels(d.number(1, 8))
    count = d.weighted({1: 1, 2: 6, 3: 4, 4: 2})
    count = min(count, 2) if merge in OF_TWO else count
    made: list[Table | list[Table]] = []
    full = d.number(0, count - 1)
    for number in range(count):
        goal = target
        gated = merge_op(merge).spreads and number != full and is_map(target)
        if gated and d.chance(70):
            goal = d.pick(gates_of(target))
        if merge == "concat":
            goal = target.with_channels(d.number(1, 6))
        made.append(_branch(w, place, goal if merge != "concat" or number else target))
    return {"merge": merge, "branches": made}


def _branch(w: Writer, place: Place, goal: Shape) -> Table | list[Table]:
    d = w.draw
    if place.x == goal and d.chance(20):
        return []
    name = None
    if place.style == "named" or (place.style == "free" and d.chance(40)):
        name = w.name(place)
    own = replace(w.inside(place.scratch(), name, None))
    tables = w.chain(own, 1) if d.chance(35) else []
    tables += reach(w, own, goal)
    alone = len(tables) == 1 and "name" not in tables[0]
    if name is not None and alone and d.chance(40):
        return {"name": name} | tables[0]
    if name is not None:
        return {"name": name, "layers": tables}
    return tables[0] if len(tables) == 1 and d.chance(60) else tables


def merge_node(w: Writer, place: Place) -> Table:
    """An op that reads several named values."""
    d = w.draw
    values = dict(place.frame.values)
    kind = d.pick(EVERY)
    every = {"prev": place.x, "input": place.frame.input} | values
    first = d.pick(list(every))
    fitting = [n for n, s in every.items() if _fits(kind, every[first], s)]
    if not fitting:
        raise Bad("nothing fits what has no channels")
    reads = [
        first,
        *(d.pick(fitting) for _ in range(1 if kind in OF_TWO else d.number(1, 3))),
    ]
    if len(set(reads)) == 1 and d.chance(85):
        raise Bad("reads one value only")
    reads = [spelled(w, place, name) for name in d.shuffled(reads)]
    table: Table = {"op": kind, "from": reads}
    if d.chance(12):
        table["when"] = w.values.truth(place.env())
    if d.chance(12) and place.style != "named":
        return table | {"repeat": w.values.whole(place.env(), 0, 3)}
    if d.chance(10):
        table["skip"] = d.pick(EVERY)
    return w.christen(place, table)


def resized(w: Writer, place: Place) -> Table:
    """A map as large as another one, which has a name."""
    d, env = w.draw, place.env()
    every = {"input": place.frame.input} | place.frame.values
    fitting = [
        name
        for name, shape in every.items()
        if is_map(shape) and len(shape.dims) == len(place.x.dims)
    ]
    if not is_map(place.x) or not fitting:
        raise Bad("no map to be as large as")
    table = attributes.interpolation(w.values, env, place.x)
    table["size_of"] = spelled(w, place, d.pick(fitting))
    if d.chance(15):
        table["when"] = w.values.truth(env)
    if d.chance(10) and place.style != "named":
        table["repeat"] = w.values.whole(env, 0, 3)
    if d.chance(10):
        table["skip"] = d.pick(("concat", "add"))
    return w.christen(place, table)


def _fits(kind: str, a: Shape, b: Shape) -> bool:
    apart = len({a.channel_axis, b.channel_axis} - {None}) > 1
    if len(a.dims) != len(b.dims) or apart:
        return False
    pairs = list(zip(a.dims, b.dims, strict=True))
    if kind == "concat":
        axis = b.channel_axis if a.channel_axis is None else a.channel_axis
        if axis is None:
            return False
        del pairs[axis]
    if merge_op(kind).spreads:
        return all(x == y or 1 in (x, y) for x, y in pairs)
    return all(x == y for x, y in pairs)


def spelled(w: Writer, place: Place, path: str) -> str:
    """A path as `from` may write it: shortened, or with braces for a number."""
    if path in ("prev", "input"):
        return path
    d = w.draw
    if place.local and path.startswith(place.local) and d.chance(60):
        path = path.removeprefix(place.local)
    digits = len(path) - len(path.rstrip("0123456789"))
    if digits and d.chance(50):
        head, number = path[:-digits], int(path[-digits:])
        written = w.values.exactly(place.env(), number, literal=10)
        if not isinstance(written, str) or not set("{}") & set(written):
            return f"{head}{{{written}}}"
    return path


def gated(w: Writer, place: Place) -> Table:
    """A value and gates on it, brought together by names in any order."""
    d = w.draw
    if place.style == "numbered" or not is_map(place.x):
        raise Bad("no place for it")
    sizes = min(place.x.dims[1:])
    inner = place if d.chance(50) or sizes < 2 else place.scratch()
    nodes: list[Table] = []
    full = _named(w, inner, reach(w, inner.scratch(), inner.x))
    nodes.append(w.commit(inner, full))
    paths = [inner.local + _plain(full, inner)]
    for _ in range(d.number(1, 2)):
        source = replace(inner.scratch(), x=inner.frame.values[paths[0]])
        spatial = d.chance(50)
        gate = _named(w, inner, gate_of(w, source, spatial=spatial))
        gate["from"] = spelled(w, inner, paths[0])
        nodes.append(w.commit(inner, gate))
        paths.append(inner.local + _plain(gate, inner))
    reads = [spelled(w, inner, path) for path in d.shuffled(paths)]
    kind = d.pick(("mul", *OF_TWO)) if len(reads) == 2 else "mul"
    nodes.append(w.commit(inner, w.christen(inner, {"op": kind, "from": reads})))
    return {"layers": nodes}


def _named(w: Writer, place: Place, tables: list[Table]) -> Table:
    """Nodes drawn in a scratch of the place, as one with a name."""
    name = w.name(place)
    if len(tables) == 1 and "op" in tables[0]:
        return tables[0] | {"name": name}
    named = all("name" in t for t in tables)
    if not named and any("name" in t for t in tables):
        # all named or none, as the children of a named group are
        tables = [{k: v for k, v in t.items() if k != "name"} for t in tables]
        if any(t["op"] == "layer_scale" for t in tables):
            raise Bad("it needs a name")
    return {"name": name, "layers": tables}


def _plain(table: Table, place: Place) -> str:
    return text_of(table["name"], place.frame.names)


def skip_of(w: Writer, place: Place, around: Place, y: Shape) -> Table:
    """The modifiers of a skip around a body that makes `y` of what is here.

    `around` is where a shortcut's names stand.
    """
    d = w.draw
    x = place.x
    plain = [m for m in EVERY if _fits(m, x, y)]
    if plain and d.chance(45):
        return conditioned(w, place, {"skip": d.pick(plain)})
    merge = d.pick(("add", *EVERY))
    goal = y
    if merge == "concat":
        goal = y.with_channels(d.number(1, 8))
    elif merge_op(merge).spreads and is_map(y) and d.chance(50):
        goal = d.pick(gates_of(y))
    shortcut = way_to(w, around, goal)
    table: Table = {"skip": merge, "shortcut": shortcut}
    if _fits(merge, x, y) and d.chance(50):
        truth = w.values.truth_that if d.chance(60) else None
        env = place.env()
        shortcut["when"] = truth(env, True) if truth else w.values.truth(env)
    elif d.chance(25):
        shortcut["when"] = d.pick(
            (f"in_channels != {goal.channels}", w.values.truth_that(place.env(), True))
        )
    return conditioned(w, place, table)


def conditioned(w: Writer, place: Place, table: Table) -> Table:
    """A skip, now and then under a condition."""
    if w.draw.chance(18):
        table["skip_when"] = w.values.truth(place.env())
    return table


def way_to(w: Writer, around: Place, goal: Shape) -> Table:
    """A node that makes `goal` of what is here."""
    d = w.draw
    form = d.weighted({"plain": 6, "group": 2, "branches": 2, "repeat": 1.5})
    if form == "branches":
        name = w.scope_name(around, None)
        own = w.inside(around.scratch(), name, None)
        two = [_branch(w, own, goal) for _ in range(d.number(1, 2))]
        node: Table = {"merge": "add", "branches": two}
        return node if name is None else {"name": name} | node
    name = None
    if form == "group" and around.style != "numbered":
        name = w.name(around)
    own = w.inside(around.scratch(), name, None)
    tables = reach(w, own, goal)
    if form == "repeat" and own.x == goal:
        counter = w.names.fresh("counter", set(own.frame.names) | {"in_channels"})
        last = replace(own.scratch(), counters=(*own.counters, counter))
        last.frame.names[counter] = 0
        extra = reach(w, last, goal)
        tables.append({"repeat": d.number(1, 2), "index": counter} | w.wrapped(extra))
    if name is not None:
        return {"name": name, "layers": tables}
    node = w.wrapped(tables)
    if len(around.x.dims) > 1 and around.x.channels == goal.channels and d.chance(30):
        # a skip of its own; only where it fits, which is seen when all is tried
        node = {"layers": [node], "skip": d.pick(("add", "mul", *OF_TWO))}
    return node
