"""Hints of a file that `extends` another: what that comes to, and what was there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archc.escaping import visible
from archc.live.lsp.family import Family, File
from archc.live.lsp.outline import Item
from archc.live.workspace import Workspace
from archc.measure.cost import Facts
from archc.network.graph import Network

_LONGEST = 60
"""How many characters of a value are shown."""


def inherited(
    workspace: Workspace, path: Path, network: Network, facts: Facts | None, shown: str
) -> Iterator[tuple[int, str]]:
    """Offsets and texts: behind the name of the other file, what the whole network
    makes of its input, with the total of parameters or MACs where these are `shown`;
    behind a parameter, the value in whose place it stands."""
    text = workspace.text(path)
    if text is None or "extends" not in text:
        return
    family = Family(workspace)
    files = family.above(path, used=False)
    extends = files[0].root.get("extends") if files else None
    if extends is None:
        return
    own, *others = files
    outputs = [value.shape for value in network.outputs.values()]
    if all(shape is not None for shape in outputs):
        given = ", ".join(str(value.shape) for value in network.inputs.values())
        said = f"{given} → {', '.join(map(str, outputs))}"
        if facts is not None and shown == "params":
            said += f", {facts.params:,} parameters"
        elif facts is not None and shown == "macs":
            said += f", {facts.macs:,} MACs"
        yield extends.end, said
    params = own.root.get("params")
    for item in () if params is None else params.children:
        before = _before(others, item)
        if before is not None and before != _value(own, item):
            yield item.end, f"in place of {before}"


def _before(others: list[File], item: Item) -> str | None:
    """What the nearest file that has a parameter as well gives it."""
    for other in others:
        found = other.root.at("params", item.name)
        if found is not None:
            return _value(other, found)
    return None


def _value(file: File, item: Item) -> str:
    words = " ".join(file.text[item.start : item.end].split())
    return visible(words if len(words) <= _LONGEST else f"{words[: _LONGEST - 3]}...")
