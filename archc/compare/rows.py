"""From aligned layers to rows: what changed, what moved, what reads something else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from archc.compare.align import Pair
from archc.compare.model import Change, Row
from archc.compare.structure import attributes
from archc.compare.wiring import computed
from archc.network.graph import Head, Layer, Network, Value
from archc.ops.base import Op
from archc.ops.merge.family import Merge


def rows_of(pairs: list[Pair], head: str | None) -> Iterator[Row]:
    """A row for each pair of layers, with the attributes that differ."""
    for a, b in pairs:
        if a is None or b is None:
            yield Row("removed" if b is None else "inserted", a, b, head=head)
            continue
        alike = computed(a) == computed(b)
        changes = () if alike else _changes(a.op, b.op)
        changes = (*changes, *_module_changes(a, b))
        yield Row("changed" if changes else "same", a, b, changes, head)


def _changes(a: Op, b: Op) -> Iterator[Change]:
    if a.op != b.op:
        yield Change("op", a.op, b.op)
    before, after = attributes(a), attributes(b)
    for name in before if a.op == b.op else ():
        if before[name] != after[name]:
            yield Change(name, before[name], after[name])


def _module_changes(a: Layer, b: Layer) -> Iterator[Change]:
    """Where only one of two layers has a module of its own."""
    before, after = (
        "its own" if layer.again is None else f"{layer.path} again" for layer in (a, b)
    )
    if (a.again is None) != (b.again is None):
        yield Change("module", before, after)


def heads_of(a: Network, b: Network) -> list[tuple[Head | None, Head | None]]:
    """Auxiliary classifiers of one name, and then the others in their order."""
    names = [{head.name for head in network.heads} for network in (b, a)]
    ours, theirs = (
        [head for head in network.heads if head.name not in taken]
        for network, taken in zip((a, b), names, strict=True)
    )
    named = {head.name: head for head in b.heads}
    found = [(head, named[head.name]) for head in a.heads if head.name in named]
    return [*found, *zip_longest(ours, theirs)]


def rewired(rows: list[Row], a: Network, b: Network) -> list[Row]:
    """Rows that also say where a layer reads another value than its counterpart.

    What is removed or inserted on the way stands between a layer and what it reads; so
    both are followed back through such layers to one that is in both networks.
    """
    counterpart = {row.a.output: row.b.output for row in rows if row.a and row.b}
    counterpart |= inputs_of(a, b)
    shared = set(counterpart.values())
    found: list[Row] = []
    for row in rows:
        if row.a and row.b and row.a.op.op == row.b.op.op:
            ends = _ends(row.a, row.b, counterpart, shared)
            if ends is not None:
                names = (
                    ", ".join(_name(v, n) for v in e)
                    for e, n in zip(ends, (a, b), strict=True)
                )
                change = Change("from", *names)
                row = Row("changed", row.a, row.b, (*row.changes, change), row.head)
        found.append(row)
    return found


def _ends(
    a: Layer, b: Layer, counterpart: dict[Value, Value], shared: set[Value]
) -> tuple[list[Value], list[Value]] | None:
    """What two layers read, where it is not the same; None where it is or who knows."""
    before = [_back(value, counterpart) for value in a.inputs]
    after = [_back(value, shared) for value in b.inputs]
    ours = [value for value in before if value is not None]
    theirs = [value for value in after if value is not None]
    if len(ours) != len(before) or len(theirs) != len(after):
        return None
    expected, found = [id(counterpart[v]) for v in ours], [id(v) for v in theirs]
    if isinstance(a.op, Merge) and a.op.commutative:
        expected, found = sorted(expected), sorted(found)
    return None if expected == found else (ours, theirs)


def _back(value: Value, known: Any) -> Value | None:
    """The value from which `value` is made by layers that only one network has."""
    while value not in known:
        if value.layer is None or len(value.layer.inputs) != 1:
            return None
        (value,) = value.layer.inputs
    return value


def inputs_of(a: Network, b: Network) -> dict[Value, Value]:
    """The inputs of one network with those of another: by name, the first as well."""
    found = {v: b.inputs[name] for name, v in a.inputs.items() if name in b.inputs}
    if a.input not in found and b.input not in found.values():
        found[a.input] = b.input
    return found


def _name(value: Value, network: Network) -> str:
    if value.layer is not None:
        return value.layer.path
    if not network.inputs_have_names:
        return "the input"
    names = (name for name, given in network.inputs.items() if given is value)
    return f"the input {next(names, '?')}"


def with_moves(rows: list[Row]) -> Iterator[Row]:
    """Makes one row of a layer that was removed and inserted not far from there."""
    moved: dict[int, int] = {}
    gone: set[int] = set()
    for *_, i, j in sorted(_moves(rows)):
        if i not in gone and j not in moved:
            moved[j] = i
            gone.add(i)
    for i, row in enumerate(rows):
        if i in moved:
            yield Row("moved", rows[moved[i]].a, row.b, (), row.head)
        elif i not in gone:
            yield row


def _moves(rows: list[Row]) -> Iterator[tuple[bool, int, int, int, int, int]]:
    """Which removed row may be which inserted one, and what makes it likely.

    Places are counted so that they are the same when the networks change sides: by the
    rows before that are in both, and then by those since that only this one has.
    """
    removed: dict[int, list[int]] = {}
    inserted: dict[int, list[int]] = {}
    both = 0
    for i, row in enumerate(rows):
        if row.a and row.b:
            both += 1
        else:
            (removed if row.a else inserted).setdefault(both, []).append(i)
    for start, run in removed.items():
        for there in range(start - _NEAR, start + _NEAR + 1):
            others = inserted.get(there, [])
            for place, i in enumerate(run, start):
                first = max(0, place - there - _NEAR)
                last = max(0, place - there + _NEAR + 1)
                for other, j in enumerate(others[first:last], there + first):
                    if _is_moved(rows[i], rows[j]):
                        renamed = rows[i].layer.path != rows[j].layer.path
                        far = abs(place - other)
                        yield renamed, far, place + other, start + there, i, j


_NEAR = 4
"""Within how many rows a layer is one that has moved."""


def _is_moved(removed: Row, inserted: Row) -> bool:
    a, b = removed.a, inserted.b
    assert a is not None and b is not None
    return (
        removed.head == inserted.head
        and a.op.op == b.op.op
        and a.op.category != "merge"
        and attributes(a.op) == attributes(b.op)
        and (a.path == b.path or a.output_shape() == b.output_shape())
    )
