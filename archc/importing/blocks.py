"""Which modules become blocks, and what their parameters are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archc.importing.bodies import Body, Used, free
from archc.importing.classes import classes, own_sequences
from archc.importing.definitions import Definition
from archc.importing.expressions import Expression
from archc.importing.heads import Head
from archc.importing.items import SEQUENTIAL, Scope
from archc.importing.nodes import Graph
from archc.importing.opening import open_up, renamed
from archc.importing.parameters import defined
from archc.importing.pieces import (
    Piece,
    Unread,
    all_pieces,
)
from archc.importing.repeats import with_repeats
from archc.importing.variants import is_simple, variants_of
from archc.ops.base import stem
from archc.spec.expressions import is_sequence


@dataclass(slots=True)
class Structure:
    """A network with its blocks."""

    network: Definition
    blocks: dict[str, Definition]
    """In the order in which they are met."""
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    """What `from` calls the network's outputs, where there are several."""
    heads: list[tuple[str, str, Definition]] = field(
        default_factory=list[tuple[str, str, Definition]]
    )
    """Each head's name, the node that it hangs on, and its body."""


def structure_of(
    graph: Graph,
    root: Scope,
    outputs: Mapping[str, int],
    heads: Sequence[Head] = (),
    *,
    loose: bool = True,
) -> Structure:
    """The network's ops as blocks, repetitions and what is left; `outputs` are values.

    Where it is `loose`, modules of a class are one block even if some lack a part.
    """
    blocks: dict[str, Definition] = {}
    used: dict[int, Used] = {}
    found_classes, parents = classes(
        [*root.items, *(i for h in heads for i in h.items)]
    )
    counts = Counter(s.class_name for _, members in found_classes for s in members)
    for key, members in found_classes:
        if key.startswith(SEQUENTIAL):
            members = own_sequences(members, parents, counts)
        _define_class(key, members, graph, used, blocks, loose)
    body = Body(graph, 0, "", list(graph.trace.inputs.values()), used)
    # one that is what the last node gives needs no name
    last = root.items[-1].makes[:1] if root.items else []
    named = [] if [*outputs.values()] == last else [*outputs.values()]
    pieces = body.pieces(root.items, [*named, *(h.source for h in heads)])
    found = Structure(defined("network", with_repeats(pieces), blocks), blocks)
    if named:
        found.outputs = {n: body.label(v, None) for n, v in outputs.items()}
    for head in heads:
        source = body.label(head.source, None)
        # a head reads only what has a name
        source = next(iter(graph.trace.inputs)) if source == "input" else source
        inner = Body(graph, 0, "", [head.source], used, source)
        pieces = inner.pieces(head.items)
        definition = defined(head.name, with_repeats(pieces), blocks)
        _lift(found.network, definition)
        found.heads.append((head.name, source, definition))
    if not heads and not named:
        _name_classes(found.network)
    bodies = [found.network, *blocks.values(), *(d for _, _, d in found.heads)]
    open_up(bodies, blocks)
    bodies = [found.network, *blocks.values(), *(d for _, _, d in found.heads)]
    _set_defaults(bodies, blocks)
    _rename(found, bodies)
    return found


def _lift(network: Definition, head: Definition) -> None:
    """Gives the network the parameters of a head, which has none of its own."""
    names: dict[str, str] = {}
    for param in head.params:
        name = names[param] = free(param, network.params)
        network.params.append(name)
        network.values[name] = head.values[param]
    texts = {param: name for param, name in names.items() if name != param}
    if texts:
        head.pieces = [renamed(piece, texts) for piece in head.pieces]


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
    closed = [s for s in scopes if s.reads and s.makes and (is_simple(s) or not plain)]
    least = 3 if plain else 2
    if len(closed) < least:
        return
    for variant in variants_of(closed, graph, used, loose=loose, plain=plain):
        members, ports = variant.members, variant.ports
        if len(members) < least or (plain and len(variant.pieces) < 2):
            continue
        pieces = variant.shortest(blocks) if loose and not plain else variant.pieces
        base = _base_name(key, pieces)
        name = free(base, blocks)
        instances = [closed.index(m) for m in members]
        block = defined(name, pieces, blocks, variant.ends)
        block.base, block.is_plain = base, plain
        block.inputs, block.outputs = ports
        blocks[name] = block
        for scope, instance in zip(members, instances, strict=True):
            arguments = {p: block.values[p][instance] for p in block.params}
            used[id(scope)] = Used(name, arguments, block.outputs)


_ODD = (("ReLU", "Relu"), ("SiLU", "Silu"), ("NeXt", "Next"), ("GeLU", "Gelu"))
"""Words that are written in large letters within."""


def _base_name(key: str, pieces: list[Piece]) -> str:
    cls = key.partition("@")[0].rpartition(".")[2].strip("_")
    if key.partition("@")[0] == SEQUENTIAL:
        short = {"conv": "conv", "batch_norm": "bn"}
        parts = [
            short.get(stem(p.what), stem(p.what))
            for p in all_pieces(pieces)
            if p.kind == "op"
        ]
        cls = "_".join(parts[:4]) or "sequence"
    for odd, plain in _ODD:
        cls = cls.replace(odd, plain)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls)
    base = re.sub(r"\W+", "_", words).lower().strip("_") or "block"
    return base if base[0].isalpha() else f"block_{base}"


def _rename(found: Structure, bodies: list[Definition]) -> None:
    """Numbers the blocks in the order in which they are met, and drops others."""
    order: dict[str, str] = {}

    def meet(pieces: list[Piece]) -> None:
        new: list[str] = []
        for piece in pieces:
            if piece.kind == "use" and piece.what not in order:
                new.append(piece.what)
                base = found.blocks[piece.what].base
                order[piece.what] = free(base, order.values())
            for inner in piece.lists:
                meet(inner)
        for name in new:
            meet(found.blocks[name].pieces)

    meet(found.network.pieces)
    for _, _, head in found.heads:
        meet(head.pieces)
    uses = {id(p): p for body in bodies for p in all_pieces(body.pieces)}
    for piece in uses.values():
        if piece.kind == "use" and piece.what in order:
            piece.what = order[piece.what]
    found.blocks = {new: found.blocks[old] for old, new in order.items()}


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
        often: dict[str, Any] = {}
        flags: dict[str, Any] = {}
        for param in block.params:
            written = [p.written[param] for p in places]
            constant = [v for v in written if not isinstance(v, Expression | Unread)]
            unread = [v.instead for v in written if isinstance(v, Unread)]
            given = Counter(map(repr, constant or unread))
            if not given:
                continue
            most, count = given.most_common(1)[0]
            value = next(v for v in constant or unread if repr(v) == most)
            may = count > 1 and param not in block.widths and not any(
                map(is_sequence, constant)
            )  # fmt: skip
            is_mostly = may and count * 3 > len(places) * 2
            if is_mostly or _usual(param, most) or unread:
                block.defaults[param] = value
            elif isinstance(value, bool) and constant:
                flags[param] = value
            elif may and count * 2 > len(places):
                often[param] = value
            if not (is_mostly or _usual(param, most)):
                block.said.add(param)
        if block.defaults.keys() | often.keys() | flags.keys() == {*block.params}:
            # where all have one, there is a line less
            block.defaults |= often
            block.said -= often.keys()
        if block.defaults or flags.keys() == {*block.params}:
            block.defaults |= flags
            block.said -= flags.keys()


def _usual(param: str, value: str) -> bool:
    """Whether a value is what everybody takes to be meant."""
    return (param, value) in {("stride", "1"), ("groups", "1"), ("dilation", "1")} or (
        param.startswith("with_") and value == "False"
    )
