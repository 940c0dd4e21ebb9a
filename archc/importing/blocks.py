"""Which modules become blocks, and what their parameters are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from archc.importing.bodies import Body, Used
from archc.importing.definitions import Definition
from archc.importing.fitting import COUNTERS, WIDTHS, Expression, Names, fitted
from archc.importing.heads import Head
from archc.importing.items import SEQUENTIAL, Item, Scope, all_items, lists_of
from archc.importing.nodes import Graph
from archc.importing.opening import open_up
from archc.importing.pieces import (
    MISSING,
    Occurrence,
    Piece,
    all_pieces,
    merged_lists,
)
from archc.importing.repeats import with_repeats
from archc.ops.base import stem
from archc.ops.registry import OPS
from archc.spec.expressions.operations import FUNCTIONS
from archc.spec.tables import BODIES, MODIFIERS

_TAKEN = frozenset({"in_channels", "self", "merge", "input", *COUNTERS, *FUNCTIONS,
                    *MODIFIERS, *BODIES})  # fmt: skip


_BY_SIZE = frozenset({"sizes", "unflattened_size"})
"""Attributes whose sizes are told one by one."""


@dataclass(slots=True)
class Structure:
    """A network with its blocks."""

    network: Definition
    blocks: dict[str, Definition]
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    """What `from` calls the network's outputs, where there are several."""
    heads: list[tuple[str, str, Definition]] = field(
        default_factory=list[tuple[str, str, Definition]]
    )
    """Each head's name, the node that it hangs on, and its body."""


def structure_of(
    graph: Graph, root: Scope, heads: Sequence[Head] = (), *, loose: bool = True
) -> Structure:
    """The network's ops as blocks, repetitions and what is left.

    Where it is `loose`, modules of a class are one block even if some lack a part.
    """
    blocks: dict[str, Definition] = {}
    used: dict[int, Used] = {}
    classes, parents = _classes([*root.items, *(h.scope for h in heads)])
    counts = Counter(s.class_name for _, members in classes for s in members)
    for key, members in classes:
        if key.startswith(SEQUENTIAL):
            # in a module that comes again they are a part of that
            members = [
                s for s in members
                if counts[parents[id(s)]] < 2 or parents[id(s)] == SEQUENTIAL
            ]  # fmt: skip
        _define_class(key, members, graph, used, blocks, loose)
    body = Body(graph, 0, "", list(graph.trace.inputs.values()), used)
    outputs = {n: graph.value(v) for n, v in graph.trace.outputs.items()}
    named = list(outputs.values()) if len(outputs) > 1 and not heads else []
    pieces = body.pieces(root.items, [*named, *(h.source for h in heads)])
    found = Structure(_defined("network", with_repeats(pieces), blocks), blocks)
    if named:
        found.outputs = {n: body.label(v, None) for n, v in outputs.items()}
    for head in heads:
        inner = Body(graph, 0, "", [head.source], used)
        pieces = inner.pieces([head.scope])
        definition = _defined(head.name, with_repeats(pieces), blocks)
        found.heads.append((head.name, body.label(head.source, None), definition))
    if not heads and not named:
        _name_classes(found.network)
    bodies = [found.network, *blocks.values(), *(d for _, _, d in found.heads)]
    open_up(bodies, blocks)
    bodies = [found.network, *blocks.values(), *(d for _, _, d in found.heads)]
    _set_defaults(bodies, blocks)
    return found


def _name_classes(network: Definition) -> None:
    """Makes a parameter of how many classes the last layer tells apart."""
    pieces = network.pieces
    while pieces and pieces[-1].kind == "group":
        pieces = pieces[-1].lists[0]
    last = pieces[-1] if pieces else None
    if last is None or last.kind != "op" or last.what != "linear":
        return
    number = last.written["out_features"]
    if isinstance(number, int) and "num_classes" not in network.params:
        network.params.insert(0, "num_classes")
        network.values["num_classes"] = {0: number}
        last.written["out_features"] = Expression("num_classes")


# ---- which modules


def _classes(
    items: list[Item],
) -> tuple[list[tuple[str, list[Scope]]], dict[int, str]]:
    """The modules of each class that may become a block, inner ones first, and the
    class around each by its id.

    Where classes hold each other, their modules are told apart by how much they hold.
    """
    by_depth = {SEQUENTIAL}
    while True:
        found: dict[str, list[Scope]] = {}
        inside: dict[str, set[str]] = {}
        parents: dict[int, str] = {}
        for item in all_direct(items):
            parents[id(item)] = ""
            _class_of(item, by_depth, found, inside, parents)
        order = TopologicalSorter(inside)
        try:
            return [(key, found[key]) for key in order.static_order()], parents
        except CycleError as error:
            by_depth.update(key.partition("@")[0] for key in error.args[1])


def _class_of(
    scope: Scope,
    by_depth: set[str],
    found: dict[str, list[Scope]],
    inside: dict[str, set[str]],
    parents: dict[int, str],
) -> tuple[set[str], int]:
    """Notes a module by its class; which classes it holds, itself counted, and how
    deep."""
    below: set[str] = set()
    depth = 0
    for item in all_direct(scope.items):
        parents[id(item)] = scope.class_name
        keys, deep = _class_of(item, by_depth, found, inside, parents)
        below |= keys
        depth = max(depth, deep + 1)
    key = scope.class_name
    if key in by_depth:
        key = f"{key}@{depth}"
    found.setdefault(key, []).append(scope)
    inside.setdefault(key, set()).update(below)
    return below | {key}, depth


def all_direct(items: Iterable[Item]) -> list[Scope]:
    """The scopes in a list that stand in no other scope."""
    found: list[Scope] = []
    for item in items:
        if isinstance(item, Scope):
            found.append(item)
        else:
            found += [s for inner in lists_of(item) for s in all_direct(inner)]
    return found


def _define_class(
    key: str,
    scopes: list[Scope],
    graph: Graph,
    used: dict[int, Used],
    blocks: dict[str, Definition],
    loose: bool,
) -> None:
    """Makes blocks of the modules of a class, where there is something to say once."""
    plain = key.partition("@")[0] == SEQUENTIAL
    closed = [s for s in scopes if s.reads and s.makes and (_is_simple(s) or not plain)]
    if len(closed) < (3 if plain else 2):
        return
    variants: list[tuple[list[Piece], list[Scope], Ports]] = []
    # what the largest has, others may lack
    for scope in sorted(closed, key=lambda s: -len(list(all_items(s.items)))):
        instance = scopes.index(scope)
        body = Body(graph, instance, scope.path or "", scope.reads, used)
        simple = _is_simple(scope)
        pieces = body.pieces(scope.items, [] if simple else scope.makes)
        ports = Ports([], [])
        if not simple:
            names = [body.input_name(n) for n in range(len(scope.reads))]
            outputs = [body.label(v, None) for v in scope.makes]
            if any("." in name or name == "input" for name in outputs):
                continue
            ports = Ports(names if len(names) > 1 else [], outputs)
        pieces = with_repeats(pieces)
        for n, (known, members, own) in enumerate(variants):
            if own != ports:
                continue
            both = merged_lists(known, pieces, loose=loose and not plain and simple)
            if both is not None:
                variants[n] = (both, [*members, scope], own)
                break
        else:
            variants.append((pieces, [scope], ports))
    for pieces, members, ports in variants:
        if len(members) < (3 if plain else 1) or (plain and len(pieces) < 2):
            continue
        if len(members) == 1:
            continue
        name = _block_name(key, pieces, blocks)
        instances = [scopes.index(m) for m in members]
        block = _defined(name, pieces, blocks)
        block.is_plain = plain
        block.inputs, block.outputs = ports
        blocks[name] = block
        for scope, instance in zip(members, instances, strict=True):
            arguments = {p: block.values[p][instance] for p in block.params}
            used[id(scope)] = Used(name, arguments, block.outputs)


class Ports(NamedTuple):
    """What a block reads and gives, where it is not one value each."""

    inputs: list[str]
    outputs: list[str]


def _is_simple(scope: Scope) -> bool:
    """Whether a module reads one value and gives one, which is its last."""
    return len(scope.reads) == 1 and scope.makes == _last(scope)


def _last(scope: Scope) -> list[int]:
    last = scope.items[-1] if scope.items else None
    while isinstance(last, Scope) and last.items:
        last = last.items[-1]
    return last.makes[:1] if last is not None else []


def _block_name(key: str, pieces: list[Piece], blocks: dict[str, Definition]) -> str:
    cls = key.partition("@")[0].rpartition(".")[2].strip("_")
    if key.partition("@")[0] == SEQUENTIAL:
        short = {"conv": "conv", "batch_norm": "bn"}
        parts = [
            short.get(stem(p.what), stem(p.what))
            for p in all_pieces(pieces)
            if p.kind == "op"
        ]
        cls = "_".join(parts[:4]) or "sequence"
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls)
    base = re.sub(r"\W+", "_", words).lower().strip("_") or "block"
    if not base[0].isalpha():
        base = f"block_{base}"
    name, number = base, 1
    while name in blocks:
        number += 1
        name = f"{base}_{number}"
    return name


# ---- what differs


def _kind(piece: Piece, slot: str, widths: dict[str, set[str]]) -> str:
    """The attribute that decides of what kind a slot is."""
    if piece.kind == "use":
        return "out_channels" if slot in widths[piece.what] else "stride"
    return slot


def _defined(
    name: str, pieces: list[Piece], blocks: dict[str, Definition]
) -> Definition:
    """A body whose numbers are written: as they are, or by parameters."""
    found = Definition(name, pieces)
    names = Names(found.values, found.widths)
    widths = {name: block.widths for name, block in blocks.items()}
    late: list[tuple[Piece, str]] = []
    for piece in all_pieces(pieces):
        # pieces that came of one have its tables
        piece.written = {}
        piece.slots = {slot: list(values) for slot, values in piece.slots.items()}
    for piece in all_pieces(pieces):
        for slot in _in_order(piece):
            _fill_defaults(piece, slot)
            if slot == "skip_when":
                late.append((piece, slot))
            else:
                _write(found, piece, slot, names, _kind(piece, slot, widths))
    # tests are told by what is there already
    for piece, slot in late:
        _write(found, piece, slot, names, slot)
    for piece in all_pieces(pieces):
        if not piece.absent:
            continue
        places = piece.occurrences + piece.absent
        present = [True] * len(piece.occurrences) + [False] * len(piece.absent)
        written = fitted(present, places, names)
        if written is None:
            written = _parameter(found, piece, "when", present, places)
        piece.when = written
    return found


def _write(found: Definition, piece: Piece, slot: str, names: Names, kind: str) -> None:
    """Finds what the spec says of a slot."""
    values = piece.slots[slot]
    written = fitted(values, piece.occurrences, names.of(kind))
    if written is None and slot in _BY_SIZE and len({*map(len, values)}) == 1:
        piece.written[slot] = [
            _size(found, piece, list(column), names)
            for column in zip(*values, strict=True)
        ]
        return
    if written is None:
        written = _parameter(found, piece, slot, values, piece.occurrences)
        if kind in WIDTHS:
            found.widths.add(found.params[-1])
    piece.written[slot] = written


def _size(found: Definition, piece: Piece, column: list[Any], names: Names) -> Any:
    """What the spec says of one of several sizes."""
    written = fitted(column, piece.occurrences, names.of("size"))
    if written is None:
        written = _parameter(found, piece, "size", column, piece.occurrences)
    return written


def _in_order(piece: Piece) -> list[str]:
    """Its slots, an op's in the order of its attributes."""
    if piece.kind == "op" and piece.what in OPS:
        order = list(OPS[piece.what].model_fields)
        return sorted(piece.slots, key=order.index)
    return list(piece.slots)


def _fill_defaults(piece: Piece, slot: str) -> None:
    values = piece.slots[slot]
    if piece.kind == "skip":
        values[:] = [v is MISSING or v for v in values]
    elif any(v is MISSING for v in values):
        default = OPS[piece.what].model_fields[slot].default
        values[:] = [default if v is MISSING else v for v in values]


def _parameter(
    found: Definition,
    piece: Piece,
    slot: str,
    values: Sequence[Any],
    places: Sequence[Occurrence],
) -> Expression:
    """A new parameter for what nothing else says."""
    name = _param_name(found, piece, slot)
    levels = _levels(values, places)
    by_instance: dict[int, dict[tuple[int, ...], Any]] = {}
    for value, place in zip(values, places, strict=True):
        turn = tuple(place.counters[n] for n in levels)
        by_instance.setdefault(place.instance, {})[turn] = value
    everywhere = {o.instance for p in found.pieces for o in (*p.occurrences, *p.absent)}
    known = {i: _nested(turns, len(levels)) for i, turns in by_instance.items()}
    some = next(iter(known.values()))
    found.params.append(name)
    # where the node is absent the argument means nothing
    found.values[name] = {i: known.get(i, some) for i in sorted(everywhere | {*known})}
    return Expression(name + "".join(f"[{COUNTERS[n]}]" for n in levels))


def _levels(values: Sequence[Any], places: Sequence[Occurrence]) -> list[int]:
    """The counters that decide a value, as few as do."""
    depth = min(len(o.counters) for o in places)
    choices = [[], *([n] for n in reversed(range(depth))), [*range(depth)]]
    for levels in choices:
        seen: dict[Any, Any] = {}
        for value, place in zip(values, places, strict=True):
            key = (place.instance, *(place.counters[n] for n in levels))
            if seen.setdefault(key, value) != value:
                break
        else:
            return levels
    raise AssertionError("a node has two values at one place")


def _nested(turns: dict[tuple[int, ...], Any], depth: int) -> Any:
    if depth == 0:
        return turns[()]
    count = max(turn[0] for turn in turns) + 1
    parts: list[Any] = []
    for n in range(count):
        inner = {turn[1:]: v for turn, v in turns.items() if turn[0] == n}
        parts.append(_nested(inner, depth - 1) if inner else 0)
    return parts


def _param_name(found: Definition, piece: Piece, slot: str) -> str:
    own = piece.name
    own = (
        own.replace(".", "_")
        if own and re.fullmatch(r"[A-Za-z_.]\w*[\w.]*", own)
        else ""
    )
    own = re.sub(r"\W", "_", own)
    if slot == "when":
        wanted = [f"with_{own or stem(piece.what) or piece.kind}"]
    elif slot == "skip_when":
        wanted = ["residual", f"{own}_residual"]
    elif slot == "repeat":
        wanted = ["depth"]
    elif slot == "out_channels":
        wanted = ["width" if piece is not _last_conv(found.pieces) else "out_channels"]
        wanted += [f"{own}_channels"] if own else []
    else:
        wanted = [slot, *([f"{own}_{slot}"] if own else [])]
    taken = {*found.params, *_TAKEN}
    for name in wanted:
        if name not in taken:
            return name
    number = 2
    while f"{wanted[0]}{number}" in taken:
        number += 1
    return f"{wanted[0]}{number}"


def _last_conv(pieces: list[Piece]) -> Piece | None:
    convs = [p for p in all_pieces(pieces) if "out_channels" in p.slots]
    return convs[-1] if convs else None


# ---- defaults


def _set_defaults(bodies: list[Definition], blocks: dict[str, Definition]) -> None:
    """Gives a block's parameters the value that most uses give, as a default."""
    uses: dict[str, list[Piece]] = {}
    for body in bodies:
        for piece in all_pieces(body.pieces):
            if piece.kind == "use":
                uses.setdefault(piece.what, []).append(piece)
    for name, block in blocks.items():
        places = uses.get(name, [])
        for param in block.params:
            given = Counter(
                repr(p.written[param]) for p in places
                if not isinstance(p.written[param], Expression)
            )  # fmt: skip
            value = next(iter(block.values[param].values()))
            if not given or isinstance(value, list) or param in block.widths:
                continue
            most, count = given.most_common(1)[0]
            if (count * 2 > len(places) and count > 1) or _usual(param, most):
                value = next(
                    p.written[param] for p in places if repr(p.written[param]) == most
                )
                block.defaults[param] = value


def _usual(param: str, value: str) -> bool:
    """Whether a value is what everybody takes to be meant."""
    return (param, value) in {("stride", "1"), ("groups", "1"), ("dilation", "1")} or (
        param.startswith("with_") and value == "False"
    )
