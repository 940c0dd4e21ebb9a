"""Blocks: drawn at their first use, used again with other arguments and inputs."""

from __future__ import annotations

from typing import Any

from archc.spec.expressions import FUNCTIONS, Row
from tests.random_networks.simulate import (
    MODIFIERS,
    Bad,
    Frame,
    Table,
    channels_of,
    value_of,
)
from tests.random_networks.values import WORDS
from tests.random_networks.writer import BlockUse, Place, Writer

RESERVED = MODIFIERS | FUNCTIONS | {"op", "block", "layers", "branches", "self"}
RESERVED |= {"in_channels"}
"""What no parameter may be called."""
KINDS = {
    "channels": 5, "small": 3, "flag": 3, "share": 1.5, "list": 2, "flags": 0.5,
    "rows": 1, "factor": 1, "word": 1.5, "tables": 2,
}  # fmt: skip
MAX_BLOCKS = 5


def literal(w: Writer, kind: str) -> Any:
    """A plain value of a kind."""
    d = w.draw
    match kind:
        case "channels":
            return d.number(1, 9)
        case "small":
            return d.number(0, 3)
        case "flag":
            return d.chance(50)
        case "share":
            return d.pick((0.1, 0.25, 0.5))
        case "factor":
            return d.pick((0.5, 1.5, 2.0, 1.25))
        case "word":
            return f"'{d.pick(WORDS)}'"
        case "list":
            return [d.number(1, 7) for _ in range(d.number(1, 4))]
        case "flags":
            return [d.chance(50) for _ in range(d.number(2, 3))]
        case "tables":
            return [
                {
                    "width": d.number(1, 7),
                    "times": d.number(0, 3),
                    "flag": d.chance(50),
                    "kind": f"'{d.pick(WORDS)}'",
                    "part": d.pick((0.5, 2, 1.5)),
                }
                for _ in range(d.number(1, 3))
            ]
        case _:
            return [[d.number(1, 6), d.number(1, 3)] for _ in range(d.number(2, 3))]


def argument(w: Writer, kind: str, env: dict[str, Any]) -> Any:
    """A value of a kind, written for a place that sees `env`."""
    d = w.draw
    plain = literal(w, kind)
    known = [n for n, v in env.items() if _is(v, kind)]
    if known and d.chance(35):
        return d.pick(known)
    match kind:
        case "channels":
            return w.values.whole(env, 1, 9)
        case "small":
            return w.values.whole(env, 0, 3)
        case "flag":
            return w.values.flag(env)
        case "share":
            return w.values.real(env, 0.05, 0.6)
        case "list":
            return [w.values.whole(env, 1, 7, literal=75) for _ in plain]
        case "tables":
            for row in plain:
                row["width"] = w.values.whole(env, 1, 7, literal=75)
            return plain
        case _:
            return plain


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "channels":
            return type(value) is int and 1 <= value <= 12
        case "small":
            return type(value) is int and 0 <= value <= 3
        case "flag":
            return type(value) is bool
        case "share":
            return type(value) is float and value < 0.7
        case "word":
            return isinstance(value, str)
        case "factor":
            return type(value) is float and 0.5 <= value <= 2
        case "list":
            return isinstance(value, tuple) and all(type(v) is int for v in value)
        case "flags":
            return isinstance(value, tuple) and all(type(v) is bool for v in value)
        case "tables":
            return isinstance(value, tuple) and all(isinstance(v, Row) for v in value)
        case _:
            return isinstance(value, tuple) and all(isinstance(v, tuple) for v in value)


def use_block(w: Writer, place: Place) -> Table:
    """A use of a block, without a name; mostly of one that is there already."""
    if len(w.blocks) < MAX_BLOCKS and (not w.uses or w.draw.chance(45)):
        return _new_block(w, place)
    if not w.uses:
        raise Bad("no block")
    for _ in range(5):
        use = w.draw.pick(w.uses)
        table: Table = {"block": use.name}
        for parameter, kind in use.kinds.items():
            if parameter not in use.optional or w.draw.chance(40):
                table[parameter] = argument(w, kind, place.env())
        try:
            w.after(place, table)
        except Bad:
            continue
        return table
    raise Bad("no block fits")


def computed(w: Writer, names: dict[str, Any], taken: set[str]) -> Table:
    """What a body computes once, mostly nothing; `names` know it then."""
    d = w.draw
    lets: Table = {}
    for _ in range(d.number(1, 3) if d.chance(35) else 0):
        name = w.names.fresh("param", taken)
        written = argument(w, d.weighted(KINDS), names)
        try:
            names[name] = value_of(written, names)
        except Bad:
            continue
        lets[name] = written
    return lets


def _new_block(w: Writer, place: Place) -> Table:
    d = w.draw
    env = place.env()
    taken = set(w.blocks)
    name = w.names.fresh("block", taken)
    parameters: dict[str, str] = {}
    used: set[str] = set(RESERVED)
    for _ in range(d.weighted({0: 1, 1: 3, 2: 4, 3: 2, 4: 1})):
        parameters[w.names.fresh("param", used)] = d.weighted(KINDS)
    order = list(parameters)
    required = order[: d.number(0, len(order))]
    table: Table = {"block": name}
    names: dict[str, Any] = channels_of(place.x)
    defaults: Table = {}
    for parameter, kind in parameters.items():
        written = argument(w, kind, env)
        if parameter not in required:
            seen = dict(names) if d.chance(50) else {}
            defaults[parameter] = argument(w, kind, seen)
            if d.chance(50):
                written = defaults[parameter]
                names[parameter] = value_of(written, seen | names)
                continue
        table[parameter] = written
        names[parameter] = value_of(written, env)
    lets = computed(w, names, used)
    body = Frame(names, place.x)
    style = "numbered" if d.chance(22) else "free"
    inner = Place(body, place.x, style, depth=place.depth + 1)
    made: Table = {
        "layers": w.chain(inner, d.weighted({0: 0.2, 1: 2, 2: 4, 3: 4, 4: 1}))
    }
    if required:
        made["params"] = required
    if lets:
        made["let"] = lets
    if defaults:
        made["defaults"] = defaults
    if d.chance(25):
        made["doc"] = w.names.doc()
    # not before: a block cannot use itself, and one inside may have taken the name
    if name in w.blocks:
        raise Bad("the name is taken")
    w.blocks[name] = made
    w.uses.append(BlockUse(name, parameters, frozenset(defaults)))
    return table
