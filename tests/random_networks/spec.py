"""A whole spec from one seed."""

from __future__ import annotations

from typing import Any

from archc.ops.sizes import MOST_AXES, Shape
from archc.spec.init import initializable
from tests.random_networks import (
    blocks,
    compound,
    merging,
    patterns,
    recalling,
    sharing,
)
from tests.random_networks.drawing import Draw
from tests.random_networks.places import put_on_devices
from tests.random_networks.rewritten import use_own_ops, widen_blocks
from tests.random_networks.simulate import Bad, Frame, Simulator, Table, value_of
from tests.random_networks.slots import put_into_slots
from tests.random_networks.writer import Place, Recipe, Writer, finished

RECIPES: dict[Recipe, float] = {
    compound.compound: 30, patterns.group: 4, merging.merge_node: 8, merging.gated: 4,
    merging.resized: 2,
    patterns.stages: 8, patterns.dense: 2.5, patterns.widths: 6, patterns.once: 3,
    patterns.permuted: 4, patterns.across: 3, patterns.tokens: 2, patterns.groups: 2.5,
    patterns.over_channels: 1.5, patterns.u_net: 2, sharing.shared: 5,
    sharing.in_a_row: 4, patterns.in_parts: 3, recalling.recalled: 4,
}  # fmt: skip


def is_hostile(seed: int) -> bool:
    """Whether the names of the spec with this seed get in the way of something."""
    return seed % 2 == 1


def draw_spec(seed: int) -> Table:
    """A spec that is mostly accepted, and always the same for a seed."""
    d = Draw(seed)
    w = Writer(d, RECIPES, hostile=is_hostile(seed), size=d.number(3, 30))
    names, params = _params(w)
    dims = _input(w)
    written = [w.values.exactly(names, n, literal=85) for n in dims]
    x = Shape(tuple(dims))
    style = "numbered" if d.chance(12) else "free"
    inputs = _inputs(w, names, written, dims)
    seen = names | {"in_channels": x.channels}
    lets = blocks.computed(w, seen, {*blocks.RESERVED, *names})
    names |= {name: seen[name] for name in lets}
    shapes = {name: Shape(tuple(sizes)) for name, (_, sizes) in inputs.items()}
    place = Place(Frame(dict(names), x, dict(shapes)), x, style, taken=set(inputs))
    layers = w.chain(place, d.number(1, 6))
    if d.chance(35):
        layers += _tail(w, place)
    settled = _settled(w, place, layers, names, shapes)
    outputs = _outputs(w, place, shapes)
    expect = _expect(w, settled, outputs, place)
    heads = _heads(w, place, names, outputs) if style == "free" else []
    spec: Table = {"archc": 1, "name": w.names.stem("network")}
    for key, percent in (("title", 15), ("source", 15)):
        if d.chance(percent):
            spec[key] = w.names.doc()
    if d.chance(15):
        spec["class_name"] = w.names.stem("network")
    if params:
        spec["params"] = params
    spec["network"] = {"input": written, "layers": layers}
    if lets:
        spec["network"]["let"] = lets
    if inputs:
        del spec["network"]["input"]
        spec["network"]["inputs"] = {name: size for name, (size, _) in inputs.items()}
    if outputs:
        listed = list(outputs.values())
        plain = list(outputs) == listed and d.chance(50)
        spec["network"]["outputs"] = listed if plain else outputs
    used = _used(w.blocks, [layers, heads])
    if used:
        spec["blocks"] = used
    if heads:
        spec["heads"] = heads
    if expect:
        spec["expect"] = expect
    if d.chance(30):
        spec["init"] = _init(w)
    spec = finished(spec)
    put_into_slots(d, w.names, spec)
    use_own_ops(d, w.names, spec)
    widen_blocks(d, w.names, spec)
    put_on_devices(d, spec)
    return spec


def _input(w: Writer) -> list[int]:
    """Mostly that of images; also of sequences, of volumes, and of vectors."""
    d = w.draw
    axes = d.weighted({0: 0.5, 1: 1.5, 2: 7, 3: 1.5})
    most = {0: 0, 1: 20, 2: 12, 3: 7}[axes]
    sides = [d.number(min(4, most), most) for _ in range(axes)]
    if axes and d.chance(50):
        sides = [sides[0]] * axes
    return [d.number(1, 8), *sides]


def _inputs(
    w: Writer, names: Table, written: Any, dims: list[int]
) -> dict[str, tuple[Any, list[int]]]:
    """Names for several inputs, mostly none, as they are written and as they are; the
    first is the one that would be there without a name."""
    d = w.draw
    if not d.chance(20):
        return {}
    found: dict[str, tuple[Any, list[int]]] = {}
    for number in range(d.number(1, 3)):
        name = w.names.fresh("param", set(found))
        if number:
            sizes = [d.number(1, 8), *dims[1:]] if d.chance(80) else _input(w)
            written = [w.values.exactly(names, n, literal=85) for n in sizes]
            found[name] = written, sizes
        else:
            found[name] = written, dims
    return found


def _settled(
    w: Writer,
    place: Place,
    layers: list[Table],
    names: Table,
    inputs: dict[str, Shape],
) -> Simulator:
    """Goes through all layers once more, and drops the last while it is too many."""
    while True:
        simulator = Simulator(w.blocks)
        frame = Frame(dict(names), place.frame.input, dict(inputs))
        try:
            place.x = simulator.chain(layers, frame.input, frame)
        except Bad:
            layers.pop()
            continue
        place.frame = frame
        return simulator


def _outputs(w: Writer, place: Place, inputs: dict[str, Shape]) -> dict[str, str]:
    """Names for what the network returns, mostly none, and the paths that they read."""
    d = w.draw
    if not d.chance(25):
        return {}
    taken: set[str] = set()
    made = [path for path in place.frame.values if path not in inputs]
    paths = d.some(made, 40) or ["prev"]
    if d.chance(60):
        paths = [*paths, "prev"]
    found: dict[str, str] = {}
    for path in d.shuffled(paths)[:5]:
        own = "." not in path and path != "prev" and path[:1] != "_"
        name = path if own and d.chance(60) else w.names.fresh("head", taken)
        if name not in found:
            found[name] = path
            taken.add(name)
    return found


def _expect(
    w: Writer, counted: Simulator, outputs: dict[str, str], place: Place
) -> Table:
    """Claims with the generator's own counts, which archc must come to as well."""
    shapes = {"prev": place.x, **place.frame.values}
    claims: Table = {
        "params": counted.params,
        "buffers": counted.buffers,
        "macs": counted.macs,
        "output": list(place.x.dims),
        "outputs": {name: list(shapes[path].dims) for name, path in outputs.items()},
    }
    del claims["output" if outputs else "outputs"]
    return {key: claims[key] for key in w.draw.some(list(claims), 20)}


def _used(tables: dict[str, Table], *roots: Any) -> dict[str, Table]:
    """The blocks that are reached: a retry leaves some behind."""
    found: set[str] = set()
    stack: list[Any] = list(roots)
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict):
            name = value.get("block")
            if isinstance(name, str) and name in tables and name not in found:
                found.add(name)
                stack.append(tables[name])
            stack.extend(value.values())
    return {name: table for name, table in tables.items() if name in found}


def _params(w: Writer) -> tuple[dict[str, Any], Table]:
    """What the network's expressions see, and the table that says so."""
    d = w.draw
    names: dict[str, Any] = {}
    params: Table = {}
    taken = set(blocks.RESERVED)
    for _ in range(d.number(0, 6)):
        name = w.names.fresh("param", taken)
        kind = d.weighted(blocks.KINDS)
        value = blocks.literal(w, kind)
        if names and d.chance(25):
            value = blocks.argument(w, kind, names)
        try:
            names[name] = value_of(value, names)
        except Bad:
            continue
        params[name] = value
    return names, dict(d.shuffled(list(params.items())))


def _tail(w: Writer, place: Place) -> list[Table]:
    """What ends a classifier."""
    d = w.draw
    nodes: list[Table] = []
    axes = len(place.x.dims) - 1
    if 0 < axes <= MOST_AXES and d.chance(60):
        size = w.values.size(place.env(), 1, 2, axes)
        nodes.append({"op": f"adaptive_avg_pool{axes}d", "output_size": size})
    if len(place.x.dims) > 1:
        nodes.append({"op": "flatten"})
    nodes.append({"op": "linear", "out_features": w.values.whole(place.env(), 2, 10)})
    if d.chance(25):
        nodes.append({"op": d.pick(("softmax", "log_softmax", "relu"))})
    made: list[Table] = []
    for node in nodes:
        try:
            made.append(w.commit(place, w.christen(place, node)))
        except Bad:
            break
    return made


def _heads(
    w: Writer, place: Place, names: dict[str, Any], outputs: dict[str, str]
) -> list[Table]:
    d = w.draw
    heads: list[Table] = []
    taken = {"output", "logits"} if not w.names.hostile else set[str]()
    taken |= outputs.keys()
    readable = dict(place.frame.values)
    if not readable or not d.chance(35):
        return []
    place.taken = set(place.taken)
    for _ in range(d.weighted({1: 5, 2: 3, 3: 1})):
        path = d.pick(list(readable))
        name = w.names.fresh("head", taken)
        if name in place.taken:
            continue
        here = place.scratch()
        here.x = readable[path]
        try:
            node = _head_body(w, here, name)
            w.after(here, {"name": name} | node)
        except Bad:
            continue
        place.taken.add(name)
        head: Table = {"name": name, "from": path} | node
        if d.chance(60):
            head["loss_weight"] = w.values.real(names, 0.1, 2.0)
        heads.append(head)
    return heads


def _head_body(w: Writer, here: Place, name: str) -> Table:
    d = w.draw
    kind = d.weighted({"op": 2, "layers": 4, "block": 3, "branches": 1, "any": 2})
    if kind == "op":
        return w.bare_op(here)
    if kind == "block":
        return blocks.use_block(w, w.inside(here, None, None))
    own = w.inside(here, name, None)
    if kind == "branches":
        return merging.branches(w, own)
    if kind == "any":
        node = compound.compound(w, here)
        if {"from", "name"} & node.keys():
            raise Bad("a head has its own")
        return node
    nodes = w.chain(own, d.number(0, 2))
    return {"layers": nodes + _tail(w, own) if d.chance(60) or not nodes else nodes}


def _init(w: Writer) -> Table:
    """Initialisers, of which each can be told by what it makes."""
    d = w.draw

    def one() -> Any:
        form = d.number(0, 5)
        if form == 0:
            return d.pick(("ones_", "zeros_", "ones"))
        if form == 1:
            return d.pick((0, 1, 0.25, -2, 1e-3))
        if form == 2:
            return {"init": "uniform_", "a": 2.0, "b": 3}
        if form == 3:
            return {"init": "normal_", "mean": 5.0, "std": 0.01}
        if form == 4:
            return {"init": "constant_", "val": 0.75}
        return {"init": "trunc_normal", "mean": 3.0, "std": 0.1, "a": 2.5, "b": 3.5}

    table: Table = {}
    for op in d.shuffled(sorted(initializable()))[: d.number(1, 4)]:
        if d.chance(45):
            table[op] = one()
        else:
            table[op] = {k: one() for k in d.some(("weight", "bias"), 75)} or one()
    weighty = ("conv1d", "conv2d", "conv3d", "linear", "conv_transpose2d")
    if d.chance(25):
        how = {"init": "kaiming_normal_", "mode": "fan_out", "nonlinearity": "relu"}
        table[d.pick(weighty)] = d.pick((how, {"weight": "xavier_uniform", "bias": 0}))
    return table
