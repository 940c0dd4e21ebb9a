"""What separates two networks, in as few lines as it takes.

Layers that differ in the same way are said once: with how many there are, and where.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archc.compare.model import Change, Comparison, Dims, Kind, Row
from archc.measure.summary import describe
from archc.network.graph import Layer, Region
from archc.ops.attributes import items, sides


@dataclass(slots=True)
class Group:
    """One difference, and all places that have it."""

    kind: Kind
    what: str
    """The op or the block."""
    change: str = ""
    rows: list[Row] = field(default_factory=list[Row])
    paths: list[str] = field(default_factory=list[str])
    head: bool = False
    rank: int = 0
    """How much it says of the networks: what is small says most."""

    @property
    def shapes(self) -> tuple[Dims, Dims] | None:
        """What becomes of the shape, where that is the same everywhere."""
        found = {row.shapes for row in self.rows if row.reshaped}
        if len(found) != 1 or not all(row.reshaped for row in self.rows):
            return None
        a, b = found.pop()
        return None if a is None or b is None else (a, b)

    @property
    def where(self) -> str:
        """The places: `inception*.branch3.1.conv`, `layer3.6-35`."""
        return places(self.paths)


def groups(found: Comparison) -> list[Group]:
    """The differences; those of convolutions and whole blocks come first."""
    table: dict[Any, Group] = {}
    blocks = instances(found)
    said: set[Region] = set()
    for row in found.differences:
        if row.kind == "changed":
            part = _changed(row)
            key = ("changed", part.what, part.change, part.head)
            group = table.setdefault(key, part)
            group.rows.append(row)
            group.paths.append(row.layer.path)
            continue
        region = blocks.get(row.layer)
        group = _whole_layer(row) if region is None else _block(row, region)
        key = (group.kind, group.what, group.change, group.head)
        group = table.setdefault(key, group)
        if region is None:
            group.paths.append(row.layer.path)
        elif region not in said:
            said.add(region)
            group.paths.append(block_of(region).path)
        group.rows.append(row)
    return sorted(table.values(), key=lambda group: (group.head, group.rank))


# ---- one layer


def _whole_layer(row: Row) -> Group:
    op = row.layer.op
    rank = 3 if op.category == "merge" else 2
    return Group(row.kind, named(row.layer), head=row.head is not None, rank=rank)


def _block(row: Row, region: Region) -> Group:
    block = block_of(region).block
    assert block is not None
    what = f"block {block.name}"
    return Group(row.kind, what, head=row.head is not None, rank=1)


_WINDOW = ("kernel_size", "stride")
_GEOMETRY = (*_WINDOW, "padding", "dilation", "ceil_mode", "output_size")


def _changed(row: Row) -> Group:
    """All that changed of a layer: where it looks, and then the rest."""
    assert row.a is not None and row.b is not None
    op, head = row.b.op, row.head is not None
    heavy = op.category in ("convolution", "linear")
    if any(c.attribute == "op" for c in row.changes):
        change = f"{named(row.a)} → {named(row.b)}"
        return Group("changed", op.category, change, head=head, rank=0 if heavy else 2)
    where = [c for c in row.changes if c.attribute in _GEOMETRY]
    others = [c for c in row.changes if c not in where]
    parts = [spelled(row.a, row.b, where)] if where else []
    parts += [_said(c) for c in others]
    slight = not where and {c.attribute for c in others} <= _SLIGHT
    rank = 0 if heavy and not slight else 3 if where else 4
    return Group("changed", op.op, ", ".join(parts), head=head, rank=rank)


_SLIGHT = frozenset({"bias", "from"})
"""What says little of a convolution."""


def _said(change: Change) -> str:
    if change.attribute == "from":
        # its names say where, and the same change elsewhere has others
        return "reads another value"
    return f"{change.attribute} {value(change.before)} → {value(change.after)}"


def named(layer: Layer) -> str:
    """An op with its main attributes: `conv2d 3×3/2, 64`."""
    setting = describe(layer.op, layer.input_shape())
    return f"{layer.op.op} {setting.replace('x', '×').replace(' /', '/')}".strip()


def spelled(a: Layer, b: Layer, changes: Iterable[Change]) -> str:
    """Changes of where an op looks: `11×11/4 → 7×7/2, padding 0 → 1`."""
    changes = list(changes)
    parts: list[str] = []
    if any(c.attribute in _WINDOW for c in changes):
        parts.append(f"{window(a)} → {window(b)}")
    parts += [
        f"{c.attribute} {value(c.before)} → {value(c.after)}"
        for c in changes
        if c.attribute not in _WINDOW
    ]
    return ", ".join(parts)


def window(layer: Layer) -> str:
    """A window and its step: `11×11/4`."""
    kernel = getattr(layer.op, "kernel_size", 1)
    step = getattr(layer.op, "stride", 1)
    step = kernel if step is None else step
    sizes = sides(kernel, layer.op.axes_of(layer.input_shape()))
    steps = set(items(step) or (step,))
    return "×".join(map(str, sizes)) + ("" if steps == {1} else f"/{value(step)}")


def value(found: Any) -> str:
    """An attribute's value as a spec has it."""
    parts = items(found)
    if parts is not None:
        return (
            str(parts[0]) if len(set(parts)) == 1 else f"({', '.join(map(str, parts))})"
        )
    return str(found).lower() if isinstance(found, bool) else str(found)


# ---- whole blocks


def instances(found: Comparison) -> dict[Layer, Region]:
    """For layers in an instance of a block that only one network has: the instance.

    With the skip around it, if there is one.
    """
    return {
        layer: region
        for side, number in ((found.a, 0), (found.b, 1))
        for region in _whole(_roots(side.network), _alone(found.rows, number))
        for layer in region.layers()
    }


def block_of(region: Region) -> Region:
    """The instance of a block itself, without the skip around it."""
    found = _instance(region)
    assert found is not None
    return found


def _roots(network: Any) -> list[Region]:
    return [network.body, *(head.region for head in network.heads)]


def _alone(rows: Iterable[Row], side: int) -> set[Layer]:
    """The layers that only one of the networks has."""
    kind = "inserted" if side else "removed"
    return {row.layer for row in rows if row.kind == kind}


def _whole(roots: Iterable[Region], alone: set[Layer]) -> Iterator[Region]:
    """The outermost instances of blocks of which the other network has no layer."""
    stack: list[Region] = list(roots)
    while stack:
        region = stack.pop()
        inside = list(region.layers())
        if _instance(region) and len(inside) > 1 and alone.issuperset(inside):
            yield region
        elif not alone.isdisjoint(inside):
            stack += [part for part in region.parts if isinstance(part, Region)]


def _instance(region: Region) -> Region | None:
    """The instance of a block that a region is, be it with a skip around it."""
    if region.kind == "block":
        return region
    inside = [part for part in region.parts if isinstance(part, Region)]
    if region.kind in ("skip", "body", "iteration") and len(inside) == 1:
        return _instance(inside[0])
    return None


# ---- places


_SHOWN = 4
"""How many places are named before the rest is counted."""


def places(paths: list[str]) -> str:
    """Paths in few words, equal parts said once."""
    split = [path.split(".") for path in dict.fromkeys(paths)]
    for key in (_numberless, _nameless):
        clusters: dict[tuple[str, ...], list[list[str]]] = {}
        for parts in split:
            clusters.setdefault(tuple(map(key, parts)), []).append(parts)
        if len(clusters) <= _SHOWN:
            break
    shown: list[str] = []
    for found in clusters.values():
        columns = list(zip(*found, strict=True))
        if len(columns) == 1 and len(found) <= _SHOWN:
            shown += columns[0]
        else:
            shown.append(".".join(map(_joined, columns)))
    if len(shown) > _SHOWN:
        shown[_SHOWN - 1 :] = [f"and {len(shown) - _SHOWN + 1} places more"]
    return ", ".join(shown)


def _numberless(part: str) -> str:
    """A child without its number: `#` for `0`."""
    return "#" if part.isdigit() else part


def _nameless(part: str) -> str:
    """A name without what numbers it: `inception` of `inception3a`."""
    return "#" if part.isdigit() else re.sub(r"\d+[a-z]?(?=_|$)", "", part)


def _joined(column: tuple[str, ...]) -> str:
    """One part of several paths: `6-35`, `denselayer25-48` or `inception*`."""
    different = list(dict.fromkeys(column))
    if len(different) == 1:
        return different[0]
    stems = {part.rstrip("0123456789") for part in different}
    numbers = sorted(int(n) for p in different if (n := p[len(min(stems)) :]).isdigit())
    if len(stems) == 1 and len(numbers) == len(different) > 2:
        first, last = numbers[0], numbers[-1]
        if last - first == len(numbers) - 1:
            return f"{min(stems)}{first}-{last}"
    if len(different) <= _SHOWN:
        return f"{{{','.join(different)}}}"
    return f"{_nameless(different[0])}*"
