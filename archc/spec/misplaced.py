"""Keys at the head of a file that belong elsewhere, or are called something else.

Each is told once, as what it was meant to be; what would follow from it, such as the
uses of a block that stands under `[block.unit]`, is not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Sink
from archc.diagnostics.suggest import nearest
from archc.source.folding import folded
from archc.source.kinds import is_list, is_table
from archc.spec import tables
from archc.spec.model import Origin

_OTHER_KEYS = {
    "block": "blocks",
    "module": "blocks",
    "modules": "blocks",
    "param": "params",
    "parameters": "params",
    "parameter": "params",
    "hyperparameters": "params",
    "variables": "params",
    "net": "network",
    "model": "network",
    "architecture": "network",
    "layer": "layers",
    "node": "layers",
    "nodes": "layers",
    "input_shape": "input",
    "input_size": "input",
    "head": "heads",
    "expected": "expect",
    "initialization": "init",
}
"""What keys of a file, and of [network], are called elsewhere."""


@dataclass(slots=True)
class Misplaced:
    """What was told of a file's keys, and what must not be told again."""

    keys: set[str] = field(default_factory=set[str])
    stands_for: set[str] = field(default_factory=set[str])
    """The keys, of a file or of [network], that these were meant to be."""
    blocks: set[str] = field(default_factory=set[str])
    params: set[str] = field(default_factory=set[str])


def meant_key(key: str, known: Collection[str]) -> str | None:
    """The key of a table that an unknown one was meant to be."""
    other = _OTHER_KEYS.get(key)
    return other if other in known else nearest(key, known)


def find_misplaced(data: Mapping[str, Any], root: Origin, sink: Sink) -> Misplaced:
    """Reports the unknown keys of a file of which it can be told what was meant."""
    found = Misplaced()
    known, inside = tables.FileTable.model_fields, tables.NetworkTable.model_fields
    homeless: list[str] = []
    for key in [key for key in data if key not in known]:
        value, meant = data[key], meant_key(key, {*known, *inside})
        table = value if is_table(value) else {}
        if meant in inside:
            homeless.append(key)
            found.stands_for |= {meant, "network"}
            continue
        layers = is_list(table.get("layers"))
        if layers and "input" in table and "network" not in data:
            meant = "network"
        help = ""
        if layers and meant != "network":
            meant = "blocks"
            found.blocks.add(folded(key))
            help = f"a block stands under `blocks`: write {_table(root, meant, key)}"
        elif meant == "blocks" and table:
            found.blocks |= {folded(name) for name in table}
            help = f"write {_table(root, meant, next(iter(table)))}"
            if len(table) == 1:  # of several, each has a header to mend
                help = Mend(help, Edit(meant, "name", key))
        elif meant == "params" or meant == "network":
            found.params |= {folded(name) for name in table if meant == "params"}
            help = Mend(f"write {_table(root, meant)}", Edit(meant, "name", key))
        if meant is not None and help:
            found.keys.add(key)
            found.stands_for.add(meant)
            message = f"a spec file has no key `{key}`"
            sink.error("unknown-key", message, root.at(key, part="key"), help=help)
    if homeless:
        found.keys.update(homeless)
        _homeless(homeless, data, root, sink)
    return found


def _homeless(
    keys: list[str], data: Mapping[str, Any], root: Origin, sink: Sink
) -> None:
    """Reports keys of [network] that stand outside of it, all at once."""
    first, *others = keys
    rows = is_list(data[first]) and any(map(is_table, data[first]))
    if _is_json(root):
        help = 'put it into "network": { ... }'
    elif rows and "network" in data:
        help = "write [[network.layers]]"
    elif "network" in data:
        help = "move it below [network]"
    else:
        help = "write a line [network] above it"
    sink.error(
        "unknown-key",
        f"`{first}` stands outside of `network`, to which it belongs",
        root.at(first, part="key"),
        *(Label(root.at(key, part="key"), "so does this") for key in others),
        help=help,
    )


def _table(root: Origin, *path: str) -> str:
    """How the file begins a table."""
    if not _is_json(root):
        return f"[{'.'.join(path)}]"
    inner = "{ ... }"
    for key in reversed(path[1:]):
        inner = f'{{ "{key}": {inner} }}'
    return f'"{path[0]}": {inner}'


def _is_json(root: Origin) -> bool:
    return root.merged.document(()).format == "json"
