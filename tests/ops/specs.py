"""Small networks around one use of an op, as specs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archc.ops.registry import OPS
from archc.ops.sizes import Shape

from .cases import shapes_of

Node = dict[str, Any]


def spec(name: str, case: Any, *, named: bool) -> dict[str, Any]:
    """A network in which the op reads values that need a gradient.

    Without a name the op is a function call; where it can have parameters, all of the
    network is an nn.Sequential then.
    """
    shapes = shapes_of(case)
    written = {key: _written(value) for key, value in case[0].items()}
    node: Node = {"op": name} | written
    if not OPS[name].merges:
        layers = [*_source(shapes[0], _map(shapes), ""), node]
        if named or not OPS[name].can_have_parameters():
            layers = [n | {"name": f"part{i}"} for i, n in enumerate(layers)]
        if not named:
            layers[-1] = node
        return _network(_map(shapes), layers)
    paths = [_source(x, _map(shapes), f"x{i}") for i, x in enumerate(shapes)]
    if OPS[name].parts is not None:
        layers = [n | {"name": f"part{i}"} for i, n in enumerate(paths[0])]
        return _network(_map(shapes), [*layers, node | {"name": "all"}])
    if len(paths) == 1:  # `from` lists two or more
        node = {"branches": paths, "merge": name}
        return _network(_map(shapes), [node | ({"name": "all"} if named else {})])
    node["from"] = [path[-1]["name"] for path in paths]
    layers = [n for path in paths for n in path]
    layers.append(node | ({"name": "all"} if named else {}))
    return _network(_map(shapes), layers)


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        parts: Any = value
        return [_written(part) for part in parts]
    return "none" if value is None else value


def write(path: Path, name: str, case: Any, *, named: bool) -> Path:
    path.write_text(json.dumps(spec(name, case, named=named)))
    return path


def _network(dims: Sequence[int], layers: list[Node]) -> dict[str, Any]:
    network = {"input": list(dims), "layers": layers}
    made = {"archc": 1, "name": "net", "network": network}
    return json.loads(json.dumps(made))  # no tuples


def _map(shapes: list[Shape]) -> tuple[int, ...]:
    """The network's input, channels first: a vector, or a map with all pixels."""
    if all(len(x.dims) == 1 for x in shapes):
        return shapes[0].dims
    sizes = [_behind(x) for x in shapes]
    channels = shapes[0].dims[shapes[0].channel_axis or 0]
    return (channels, *(max(column) for column in zip(*sizes, strict=True)))


def _behind(x: Shape) -> tuple[int, ...]:
    """All sizes but the channels."""
    axis = x.channel_axis or 0
    return x.dims[:axis] + x.dims[axis + 1 :]


def _source(x: Shape, dims: Sequence[int], name: str) -> list[Node]:
    """Nodes that make a value of shape `x` of the input; the last one has the name."""
    if len(x.dims) == 1:
        made: list[Node] = [{"op": "linear", "out_features": x.channels}]
    else:
        axes = len(x.dims) - 1
        at = x.channel_axis or 0
        made = [{"op": f"conv{axes}d", "out_channels": x.dims[at], "kernel_size": 1}]
        if _behind(x) != tuple(dims[1:]):
            size = list(_behind(x))
            made.append({"op": f"adaptive_avg_pool{axes}d", "output_size": size})
        if at:
            order = [0, *range(2, at + 2), 1, *range(at + 2, axes + 2)]
            made.append({"op": "permute", "dims": order})
        if x.channel_axis is None:
            made.append({"op": "reshape", "sizes": [1, *x.dims], "channel_dim": 1})
            made.append({"op": "sum", "dim": 1})
    if name:
        made = [n | {"name": f"{name}_{i}"} for i, n in enumerate(made)]
        made[0]["from"] = "input"
        made[-1]["name"] = name
    return made
