"""Networks to compare, and specs made of edited tables."""

from __future__ import annotations

import json
import tempfile
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

from archc.compare.comparison import compare
from archc.compare.model import Comparison, Row, Side
from archc.diagnostics.model import Sink
from archc.network.graph import Layer, Network
from archc.pipeline import analyse
from archc.spec.load import Loader

ROOT = Path(__file__).parents[2]
SPECS = sorted(
    path for path in (ROOT / "specs").rglob("*.toml") if path.parent.name != "blocks"
)
Table = dict[str, Any]


def read(path: Path) -> Side | None:
    """A side of a comparison; None if the spec has errors."""
    sink = Sink()
    analysis = analyse(path, Loader(sink, anywhere=True), sink, ())
    if analysis is None:
        return None
    return Side(analysis.network, analysis.facts, path.stem)


def side(name: str) -> Side:
    """A network by its path below the checkout, `specs/` and `.toml` left out."""
    path = ROOT / name if name.startswith("tests/") else ROOT / "specs" / name
    found = read(path.with_name(f"{path.name}.toml"))
    assert found is not None
    return found


@cache
def diff(a: str, b: str) -> Comparison:
    return compare(side(a), side(b))


def made(table: Table) -> Side | None:
    """A side of a spec that is a table, by way of a JSON file."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "made.json")
        path.write_text(json.dumps(table))
        return read(path)


def chain(*layers: Table, size: tuple[int, ...] = (3, 16, 16), **more: Any) -> Side:
    """A network of some nodes."""
    network = {"input": list(size), "layers": list(layers)}
    found = made({"archc": 1, "name": "made", "network": network} | more)
    assert found is not None
    return found


def conv(name: str, out: int = 8, kernel: int = 3, **more: Any) -> Table:
    """A convolution that keeps the size of its maps."""
    return {
        "name": name,
        "op": "conv2d",
        "out_channels": out,
        "kernel_size": kernel,
        "padding": kernel // 2,
    } | more


def relu(name: str) -> Table:
    return {"name": name, "op": "relu"}


@cache
def _text(name: str) -> str:
    return (ROOT / f"{name}.toml").read_text()


def table(name: str) -> Table:
    """What a spec without `extends` and `use` says, without its claims."""
    found = tomllib.loads(_text(name))
    found.pop("expect", None)
    for node in nodes(found):
        node[1].pop("shape", None)
    return found


Found = tuple[tuple[str | int, ...], Table]


def nodes(data: Table) -> Iterator[Found]:
    """The nodes of a spec's network and blocks, each with its key path."""
    bodies = [(("network",), data["network"])]
    bodies += [(("blocks", k), block) for k, block in data.get("blocks", {}).items()]
    for path, body in bodies:
        yield from _below((*path, "layers"), body["layers"])


def _below(path: tuple[str | int, ...], found: Any) -> Iterator[Found]:
    if isinstance(found, list):
        for i, item in enumerate(cast("list[Any]", found)):
            yield from _below((*path, i), item)
    elif isinstance(found, dict):
        node = cast("Table", found)
        yield path, node
        for key in ("layers", "branches", "shortcut"):
            if key in node:
                yield from _below((*path, key), node[key])


def lists(data: Table) -> Iterator[tuple[tuple[str | int, ...], list[Table]]]:
    """The rows of nodes, each with its key path."""
    for path, _ in nodes(data):
        if path[-1] == 0 and path[-2] != "branches":
            found: Any = data
            for key in path[:-1]:
                found = found[key]
            yield path[:-1], found


def layers(network: Network) -> list[Layer]:
    """The layers, those of heads too."""
    roots = (network.body, *(head.region for head in network.heads))
    return [layer for root in roots for layer in root.layers()]


def written_at(side: Side, path: tuple[str | int, ...]) -> list[Layer]:
    """The layers that a node of the spec became."""
    return [x for x in layers(side.network) if x.node.origin.path == path]


def changed(row: Row) -> dict[str, tuple[Any, Any]]:
    return {c.attribute: (c.before, c.after) for c in row.changes}
