"""The modules of a class, laid over each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from archc.importing.bodies import Body, Used
from archc.importing.definitions import Definition
from archc.importing.expressions import Ends
from archc.importing.items import Scope, all_items
from archc.importing.merging import merged_lists
from archc.importing.nodes import Graph
from archc.importing.parameters import defined
from archc.importing.pieces import Piece, all_pieces
from archc.importing.repeats import lines, with_repeats
from archc.ops.registry import OPS
from archc.spec.expressions import is_sequence
from archc.spec.identifiers import of_output


class Ports(NamedTuple):
    """What a block reads and gives, where it is not one value each."""

    inputs: list[str]
    outputs: list[str]


@dataclass(slots=True, eq=False)
class Variant:
    """Modules that may be one block."""

    pieces: list[Piece]
    """Of all of them, whose repetitions were found in each before."""
    ports: Ports
    members: list[Scope]
    single: list[list[Piece]]
    """Of each of them, without repetitions."""
    ends: dict[int, Ends]
    """What they read and give, by instance."""

    def shortest(self, blocks: dict[str, Definition]) -> list[Piece]:
        """Its nodes, with repetitions found in each module or in what all have in
        common, whichever says it in fewer lines and parameters."""
        if not any(p.kind == "repeat" for p in all_pieces(self.pieces)):
            return self.pieces
        common: list[Piece] | None = self.single[0]
        for other in self.single[1:]:
            common = common and merged_lists(common, other, loose=True)
        if not common:
            return self.pieces
        return min(with_repeats(common), self.pieces, key=partial(self._size, blocks))

    def _size(self, blocks: dict[str, Definition], pieces: list[Piece]) -> float:
        """Lines and parameters of a block, those that are lists twice."""
        found = defined("", pieces, blocks, self.ends)
        given = [[*found.values[p].values()] for p in found.params]
        lists = sum(any(map(is_sequence, values)) for values in given)
        return lines(pieces) + len(given) + lists + len(found.let) / 2


def variants_of(
    scopes: list[Scope],
    graph: Graph,
    used: dict[int, Used],
    *,
    loose: bool,
    plain: bool,
) -> list[Variant]:
    """Which modules have one structure; where it is `loose`, some may lack a part.
    Sequences without a class of their own are `plain`: they may lack an activation."""
    loose = loose and not plain
    found: list[Variant] = []
    # what the largest has, others may lack
    for scope in sorted(scopes, key=lambda s: -len(list(all_items(s.items)))):
        body = Body(graph, scopes.index(scope), scope.path or "", scope.reads, used)
        simple = is_simple(scope)
        pieces = body.pieces(scope.items, [] if simple else scope.makes)
        ports = Ports([], [])
        if not simple:
            names = [body.input_name(n) for n in range(len(scope.reads))]
            outputs = [body.label(v, None) for v in scope.makes]
            if "input" in outputs or any(map(of_output, outputs)):
                continue
            ports = Ports(names if len(names) > 1 else [], outputs)
        ends = _ends(scope, graph, body.instance) if simple else {}
        single = _copied(pieces)
        pieces = with_repeats(pieces)
        for variant in found:
            if variant.ports != ports:
                continue
            both = merged_lists(variant.pieces, pieces, loose=loose and simple)
            if both is None and plain:
                both = _but_for_activation(variant.pieces, pieces)
            if both is not None:
                variant.pieces = both
                variant.members.append(scope)
                variant.single.append(single)
                variant.ends.update(ends)
                break
        else:
            found.append(Variant(pieces, ports, [scope], [single], ends))
    return found


def _but_for_activation(a: list[Piece], b: list[Piece]) -> list[Piece] | None:
    """The nodes of two sequences of which one has an activation that the other lacks,
    and nothing else; None if they are not that."""
    if min(len(a), len(b)) < 2:
        return None
    both = merged_lists(a, b, loose=True)
    lone = [p for p in all_pieces(both or ()) if p.absent]
    if len(lone) != 1 or lone[0].kind != "op" or lone[0].what not in OPS:
        return None
    return both if OPS[lone[0].what].category == "activation" else None


def _ends(scope: Scope, graph: Graph, instance: int) -> dict[int, Ends]:
    shapes = [graph.shapes[n] for n in (scope.reads[0], scope.makes[0])]
    channels = [s.channels for s in shapes if isinstance(s.channels, int)]
    return {instance: Ends(*channels)} if len(channels) == 2 else {}


def is_simple(scope: Scope) -> bool:
    """Whether a module reads one value and gives one, which is its last."""
    return len(scope.reads) == 1 and scope.makes == _last(scope)


def _last(scope: Scope) -> list[int]:
    last = scope.items[-1] if scope.items else None
    while isinstance(last, Scope) and last.items:
        last = last.items[-1]
    return last.makes[:1] if last is not None else []


def _copied(pieces: Iterable[Piece]) -> list[Piece]:
    return [replace(p, lists=[_copied(inner) for inner in p.lists]) for p in pieces]
