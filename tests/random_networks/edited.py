"""Shipped networks with a few edits, as people make them who try things out.

What is drawn from nothing (`spec.py`) is small and odd; these have the size, the blocks
and the tables of real networks, and one to four mistakes or ideas.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from archc.diagnostics.model import Sink
from archc.pipeline import analyse
from archc.spec.load import Loader
from archc.spec.standalone import standalone
from tests.random_networks.drawing import Draw
from tests.random_networks.simulate import Table

SPECS = Path(__file__).parents[2] / "specs"
MOST_PARAMS, MOST_MACS = 8_000_000, 2_500_000_000
"""Larger networks take seconds each."""
SIDE, LENGTH = 48, 4096
"""Inputs are cut to that, which makes some maps smaller than their windows."""

CONV = {"op": "conv2d", "out_channels": "in_channels", "kernel_size": 3, "padding": 1}
GATE = {"op": "conv2d", "out_channels": "in_channels", "kernel_size": 1}
POOL = {"op": "adaptive_avg_pool2d", "output_size": 1}
NODES: list[Table] = [
    {"op": "relu"}, {"op": "gelu"}, {"op": "prelu"}, {"op": "softmax"},
    {"op": "dropout", "p": 0.5}, {"op": "stochastic_depth", "p": 0.1},
    {"op": "batch_norm2d"}, {"op": "layer_norm2d"}, {"op": "global_response_norm"},
    {"op": "group_norm", "num_groups": 1}, {"op": "layer_scale"}, GATE, CONV, POOL,
    {"op": "instance_norm2d", "affine": True}, {"op": "local_response_norm", "size": 3},
    CONV | {"groups": "in_channels"}, CONV | {"out_channels": 8},
    {"op": "conv2d", "out_channels": "2 * in_channels", "kernel_size": 1},
    {"op": "channel_shuffle", "groups": 2}, {"op": "permute", "dims": [0, 2, 3, 1]},
    {"op": "channel_slice", "stop": "in_channels // 2"},
    {"op": "transpose", "dim0": 2, "dim1": 3}, {"op": "flatten"},
    {"op": "max_pool2d", "kernel_size": 2, "stride": 2},
    {"op": "upsample", "scale_factor": 2},
    {"op": "pixel_unshuffle", "downscale_factor": 2},
    {"op": "linear", "out_features": "in_channels"}, {"op": "scale", "factor": 2.0},
    {"op": "mean", "dim": [2, 3], "keepdim": True},
    {"branches": [[], [CONV | {"out_channels": 4}]], "merge": "concat"},
    {"branches": [[POOL, GATE, {"op": "sigmoid"}], []], "merge": "mul"},
    {"layers": [CONV, {"op": "relu"}], "skip": "add", "repeat": 2},
    {"layers": [CONV, {"op": "batch_norm2d"}], "skip": "concat"},
]  # fmt: skip
NAMES = [
    "x", "conv1", "features", "self", "norm", "out", "in_channels", "width", "layers",
    "0", "block1-0", "F", "forward", "s", "input", "_", "torch", "n{i}",
]  # fmt: skip
MERGES = ["add", "concat", "mul", "sub"]


class Place(NamedTuple):
    """A node of a spec: where it stands, and the parameters that its block has."""

    nodes: list[Any]
    at: int
    parameters: list[str]

    @property
    def node(self) -> Table:
        return self.nodes[self.at]

    def earlier(self) -> list[str]:
        """The names of nodes before it."""
        found = (node.get("name") for node in self.nodes[: self.at])
        return [name for name in found if isinstance(name, str)]


class Unfit(Exception):
    """An edit that cannot be made there."""


@cache
def shipped() -> dict[str, Table]:
    """Each network of some size at most, as one table that needs no other file."""
    found: dict[str, Table] = {}
    for path in sorted(SPECS.rglob("*.toml")):
        sink = Sink()
        analysis = analyse(path, Loader(sink), sink)
        if analysis is None:
            continue
        facts = analysis.facts
        if facts.params_with_heads <= MOST_PARAMS and facts.macs <= MOST_MACS:
            spec = tomllib.loads(standalone(analysis.network.spec, "net"))
            found[str(path.relative_to(SPECS))] = _bare(spec)
    return found


def edited(seed: int) -> tuple[str, Table]:
    """A network of this seed: what was edited and how, and the spec."""
    draw = Draw(seed)
    name = draw.pick(list(shipped()))
    spec = deepcopy(shipped()[name])
    done: list[str] = []
    for _ in range(draw.pick([1, 1, 2, 2, 3, 4])):
        place = draw.pick([p for p in places(spec) if p.nodes])
        edit = draw.pick(list(EDITS))
        try:
            EDITS[edit](draw, spec, place)
        except Unfit:
            continue
        done.append(edit)
    return f"{name}: {', '.join(done) or 'as it is'}", spec


def places(spec: Table) -> list[Place]:
    """Every node of a spec, groups and branches included."""
    found = list(_places(spec["network"]["layers"], list(spec.get("params", {}))))
    for block in spec.get("blocks", {}).values():
        names = [*block.get("params", []), *block.get("defaults", {})]
        found += _places(block["layers"], names)
    return found


def _places(body: Any, parameters: list[str]) -> Iterator[Place]:
    if isinstance(body, dict):
        inner = [body.get(key) for key in ("layers", "shortcut", "otherwise")]
        branches = body.get("branches", [])
        for part in (*inner, *branches):
            yield from _places(part, parameters)
    elif isinstance(body, list):
        for at, node in enumerate(body):
            yield Place(body, at, parameters)
            yield from _places(node, parameters)


def _bare(spec: Table) -> Table:
    """Without claims, which edits would break, and with a small input."""
    spec.pop("advice", None)
    for place in places(spec):
        if place.node.get("op") != "reshape":
            place.node.pop("shape", None)
    network = spec["network"]
    if "input" in network:
        channels, *sides = network["input"]
        most = LENGTH if len(sides) == 1 else SIDE
        network["input"] = [channels, *(min(side, most) for side in sides)]
    return spec


# ---- edits


def _expression(draw: Draw, place: Place) -> str:
    name = draw.pick(place.parameters or ["in_channels"])
    forms = [
        "{}",
        "{} * 2",
        "{} // 2",
        "{} + 1",
        "{} - 1",
        "max({}, 4)",
        "4 if {} else 8",
    ]
    return draw.pick(forms).format(draw.pick([name, "in_channels"]))


def _test(draw: Draw, place: Place) -> str:
    name = draw.pick(place.parameters or ["in_channels"])
    forms = ["{}", "not {}", "{} > 1", "{} == 1", "{} < 64", "{} % 2 == 0", "i > 0"]
    return draw.pick(forms).format(draw.pick([name, "in_channels"]))


def _number(draw: Draw, value: int) -> int:
    return draw.pick([value + 1, max(value - 1, 0), value * 2, max(value // 2, 1)])


def _delete(draw: Draw, spec: Table, place: Place) -> None:
    place.nodes.pop(place.at)


def _double(draw: Draw, spec: Table, place: Place) -> None:
    again = {k: v for k, v in deepcopy(place.node).items() if k != "name"}
    place.nodes.insert(place.at + 1, again)


def _exchange(draw: Draw, spec: Table, place: Place) -> None:
    other = draw.number(0, len(place.nodes) - 1)
    nodes, at = place.nodes, place.at
    nodes[at], nodes[other] = nodes[other], nodes[at]


def _insert(draw: Draw, spec: Table, place: Place) -> None:
    place.nodes.insert(place.at, deepcopy(draw.pick(NODES)))


def _repeat(draw: Draw, spec: Table, place: Place) -> None:
    place.node["repeat"] = draw.pick([0, 1, 2, 3, _expression(draw, place)])


def _when(draw: Draw, spec: Table, place: Place) -> None:
    place.node["when"] = _test(draw, place)
    if draw.chance(40):
        place.node["otherwise"] = deepcopy(draw.pick(NODES))


def _skip(draw: Draw, spec: Table, place: Place) -> None:
    place.node["skip"] = draw.pick(MERGES)


def _attribute(draw: Draw, spec: Table, place: Place) -> None:
    numbers = [k for k, v in place.node.items() if type(v) is int]
    if not numbers:
        raise Unfit
    key = draw.pick(numbers)
    changed = _number(draw, place.node[key])
    place.node[key] = _expression(draw, place) if draw.chance(40) else changed


def _group(draw: Draw, spec: Table, place: Place) -> None:
    end = place.at + draw.number(1, 3)
    group: Table = {"layers": place.nodes[place.at : end]}
    if draw.chance(50):
        group["name"] = draw.pick(NAMES)
    place.nodes[place.at : end] = [group]
    for edit in draw.some([_repeat, _when, _skip], 35):
        edit(draw, spec, place)


def _branch(draw: Draw, spec: Table, place: Place) -> None:
    other = {k: v for k, v in deepcopy(place.node).items() if k != "name"}
    branches = [[place.node], [other] if draw.chance(70) else []]
    place.nodes[place.at] = {"branches": branches, "merge": draw.pick(MERGES)}


def _from(draw: Draw, spec: Table, place: Place) -> None:
    names = place.earlier()
    if not names:
        raise Unfit
    if draw.chance(50):
        place.node["from"] = draw.pick(names)
    else:
        both = draw.shuffled(names)[:2]
        place.nodes[place.at] = {"from": both, "op": draw.pick(MERGES)}


def _share(draw: Draw, spec: Table, place: Place) -> None:
    names = place.earlier()
    if not names:
        raise Unfit
    place.nodes.insert(place.at, {"share": draw.pick(names)})


def _name(draw: Draw, spec: Table, place: Place) -> None:
    if draw.chance(30):
        place.node.pop("name", None)
    else:
        place.node["name"] = draw.pick(NAMES)


def _parameter(draw: Draw, spec: Table, place: Place) -> None:
    params = spec.get("params", {})
    if not params:
        raise Unfit
    name = draw.pick(list(params))
    match params[name]:
        case bool(value):
            params[name] = not value
        case int(value):
            params[name] = _number(draw, value)
        case [_, *_] as items:
            last = items[-1:]
            ways = [items[::-1], items[:-1], [*items, *last], items[:1]]
            params[name] = draw.pick(ways)
        case _:
            raise Unfit


def _head(draw: Draw, spec: Table, place: Place) -> None:
    nodes = spec["network"]["layers"]
    names = Place(nodes, len(nodes), []).earlier()
    if not names or not isinstance(spec.setdefault("heads", []), list):
        raise Unfit
    body = [POOL, {"op": "flatten"}, {"op": "linear", "out_features": 3}]
    name = f"aux_{len(spec['heads'])}"
    spec["heads"].append({"name": name, "from": draw.pick(names), "layers": body})


def _place(draw: Draw, spec: Table, place: Place) -> None:
    place.node["place"] = draw.pick(["a", "b"])


def _input(draw: Draw, spec: Table, place: Place) -> None:
    shape = spec["network"].get("input")
    if shape is None:
        raise Unfit
    shape[draw.number(0, len(shape) - 1)] = draw.pick([1, 2, 5, 17, 32, 33, SIDE])


EDITS: dict[str, Callable[[Draw, Table, Place], None]] = {
    "a node gone": _delete, "a node twice": _double, "two exchanged": _exchange,
    "one more": _insert, "another one more": _insert, "a repeat": _repeat,
    "a when": _when, "a skip": _skip, "an attribute": _attribute, "a group": _group,
    "branches": _branch, "a from": _from, "a share": _share, "a name": _name,
    "a parameter": _parameter, "a head": _head, "a place": _place, "an input": _input,
}  # fmt: skip
