"""The symbols of a file as a tree, and the lines above blocks and the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from archc.live.lsp.family import Family, File
from archc.live.lsp.nodes import is_node
from archc.live.lsp.outline import Item
from archc.live.workspace import State
from archc.measure.cost import LayerFacts
from archc.network.graph import Layer, Network

Sort = Literal["network", "block", "node", "param", "table"]


@dataclass(slots=True)
class Entry:
    """One symbol: what it is called, where it stands and where its name does."""

    name: str
    detail: str
    sort: Sort
    start: int
    end: int
    at: tuple[int, int]
    children: list[Entry] = field(default_factory=list["Entry"])


def symbols(file: File) -> list[Entry]:
    """The tables of a file, its blocks, parameters and nodes."""
    found: list[Entry] = []
    for item in file.root.children:
        if item.name == "blocks":
            found += [_entry(block, "block", "block") for block in item.children]
        elif item.name == "network":
            found.append(_entry(item, "network", ""))
        elif item.kind in ("table", "list"):
            entry = _entry(item, "table", "")
            if item.name in ("params", "slots"):
                entry.children = [_entry(p, "param", p.raw) for p in item.children]
            found.append(entry)
    return found


def _entry(item: Item, sort: Sort, detail: str) -> Entry:
    key = item.key or (item.start, item.end)
    start = min(item.start, key[0])
    entry = Entry(str(item.name), detail, sort, start, max(item.end, key[1]), key)
    if sort in ("network", "block"):
        entry.children = list(_nodes(item.get("layers")))
    return entry


def _nodes(items: Item | None) -> Iterator[Entry]:
    for item in items.children if items is not None else ():
        if item.kind == "list":
            yield from _nodes(item)
        elif is_node(item):
            yield _node(item)


def _node(item: Item) -> Entry:
    said = ""
    for body in ("op", "block", "share", "slot"):
        value = item.get(body)
        if value is not None:
            said = value.text
    name = item.get("name")
    label = said or "group"
    at = item.start, item.end
    if name is not None and name.text:
        label, at = name.text, (name.start, name.end)
    entry = Entry(label, said, "node", item.start, item.end, at)
    for key in ("layers", "branches"):
        entry.children += _nodes(item.get(key))
    return entry


@dataclass(frozen=True, slots=True)
class Lens:
    """A line above a table. With `picture`, it opens that of the network."""

    offset: int
    text: str
    picture: bool = False


def lenses(family: Family, file: File, state: State) -> list[Lens]:
    """How often each block is used, what its instances have, and the totals."""
    found: list[Lens] = []
    network, facts = state.findings.network, state.findings.facts
    table = file.root.get("network")
    at = 0 if table is None else table.start
    if network is not None and facts is not None:
        text = f"{facts.params:,} parameters, {facts.macs:,} multiply-adds"
        found.append(Lens(at, text))
        if state.analysis is not None:
            found.append(Lens(at, "open picture", True))
    blocks = file.root.get("blocks")
    uses = _uses(family, file) if blocks is not None else Counter[str]()
    for block in blocks.children if blocks is not None else ():
        count = uses[str(block.name)]
        text = f"used {count} time{'' if count == 1 else 's'}"
        if network is not None and facts is not None:
            text += _instances(network, facts.layers, str(block.name))
        found.append(Lens(block.start, text))
    return found


def _uses(family: Family, file: File) -> Counter[str]:
    """How often blocks are used in a file, and in those that build on it."""
    users = [file]
    users += [o for o in family.around(file.path) if file in family.above(o.path)]
    return Counter(
        mention.symbol.name
        for user in users
        for mention in user.names.found
        if mention.symbol.kind == "block" and not mention.defines
    )


def _instances(network: Network, layers: Mapping[Layer, LayerFacts], name: str) -> str:
    """How many instances of a block the network has, and their parameters."""
    bodies = [network.body, *(head.region for head in network.heads)]
    made = [
        region
        for body in bodies
        for region in body.regions()
        if region.block is not None and region.block.name == name
        and region.kind == "block"
    ]  # fmt: skip
    if not made:
        return ""
    each = [sum(layers[layer].params for layer in r.layers()) for r in made]
    least, most = min(each), max(each)
    count = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    return (
        f", {len(made)} instance{'' if len(made) == 1 else 's'}, {count} parameters"
        f"{'' if len(made) == 1 else ' each'}"
    )
