"""Two networks as one picture: what both have once, and what only one has beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from archc.compare import model as compared
from archc.escaping import visible
from archc.network.graph import Layer
from archc.page.model import Comparison, Edge, End, Frame, Graph, Part, Row, Total
from archc.page.network import dims_text
from archc.page.tree import Alikeness, graph_of, nodes_of


def comparison_of(found: compared.Comparison, a: int, b: int) -> Comparison:
    """A comparison of the networks that the page counts as `a` and `b`."""
    numbers = [
        {layer: n for n, layer in enumerate(side.network.all_layers())}
        for side in (found.a, found.b)
    ]
    rows = tuple(
        Row(
            row.kind,
            None if row.a is None else numbers[0][row.a],
            None if row.b is None else numbers[1][row.b],
            tuple(map(_change, row.changes)),
        )
        for row in found.rows
    )
    return Comparison(
        a=a,
        b=b,
        equal=found.equal,
        totals=tuple(Total(t.name, _text(t.a), _text(t.b)) for t in found.totals),
        rows=rows,
        graph=_Merger(found, rows).graph(),
    )


def _change(change: compared.Change) -> str:
    before, after = _text(change.before), _text(change.after)
    return visible(f"{change.attribute} {before} → {after}")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return dims_text(value)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "none" if value is None else visible(str(value))


class _Merger:
    """The trees of both networks as one, whose nodes are rows."""

    def __init__(self, found: compared.Comparison, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._found = found
        graphs = [graph_of(side.network) for side in (found.a, found.b)]
        self._ends: list[End] = []
        by_name: dict[str, int] = {}
        for graph in graphs:
            for end in graph.ends:
                if end.name not in by_name:
                    by_name[end.name] = len(rows) + len(self._ends)
                    self._ends.append(end)
        sides = [{row.a: n for n, row in enumerate(rows) if row.a is not None}]
        sides += [{row.b: n for n, row in enumerate(rows) if row.b is not None}]
        for node, graph in zip(sides, graphs, strict=True):
            count = len(node)
            node.update({count + n: by_name[e.name] for n, e in enumerate(graph.ends)})
        self._trees = [
            list(_unfolded(graph.root.parts, node))
            for graph, node in zip(graphs, sides, strict=True)
        ]
        self._shared = {n for part in self._trees[1] for n in nodes_of(part)}
        self._edges = [
            [Edge(node[e.source], node[e.target], e.kind) for e in graph.edges]
            for graph, node in zip(graphs, sides, strict=True)
        ]

    def graph(self) -> Graph:
        edges = tuple(self._joined())
        merged = self._merge(*self._trees)
        root = Frame("network", "", "", tuple(self._folded(merged, edges)))
        return Graph(root, tuple(self._ends), edges)

    # ---- frames

    def _merge(self, a: Sequence[Part], b: Sequence[Part]) -> list[Part]:
        """The parts of `b`, with what only `a` has where it stood."""
        place = {n: i for i, part in enumerate(b) for n in nodes_of(part)}
        opened = list(_opened(a, b, place))
        targets = _filled([_target(part, b, place) for part in opened], b)
        inside: dict[int, list[Part]] = {}
        before: dict[int, list[Part]] = {}
        at = 0
        for part, target in zip(opened, targets, strict=True):
            if target is None:
                before.setdefault(at, []).extend(self._only(part))
                continue
            at = target + 1
            if isinstance(b[target], Frame):
                parts = part.parts if isinstance(part, Frame) else (part,)
                inside.setdefault(target, []).extend(parts)
        merged: list[Part] = []
        for i, part in enumerate(b):
            merged += before.get(i, [])
            if isinstance(part, Frame):
                parts = self._merge(inside.get(i, ()), part.parts)
                part = replace(part, parts=tuple(parts))
            merged.append(part)
        return [*merged, *before.get(len(b), [])]

    def _only(self, part: Part) -> Iterator[Part]:
        """What of a part of the first network is not in the second one."""
        if isinstance(part, Frame):
            parts = tuple(p for inner in part.parts for p in self._only(inner))
            if parts:
                yield replace(part, parts=parts)
        elif part not in self._shared:
            yield part

    def _folded(self, parts: Sequence[Part], edges: Sequence[Edge]) -> Iterator[Part]:
        """The parts with neighbouring frames that are alike as runs."""
        reads: list[list[int]] = [[] for _ in (*self._rows, *self._ends)]
        for edge in edges:
            reads[edge.target].append(edge.source)
        layers = (row.layer for row in self._found.rows)
        said: list[Any] = list(map(_said, self._rows, layers))
        said += [None] * len(self._ends)
        alike = Alikeness(said, reads)

        def fold(parts: Sequence[Part]) -> Iterator[Part]:
            row: list[Part] = []
            for part in parts:
                if isinstance(part, Frame):
                    row.append(replace(part, parts=tuple(fold(part.parts))))
                    continue
                yield from alike.runs(row)
                row = []
                yield part
            yield from alike.runs(row)

        return fold(parts)

    # ---- edges

    def _joined(self) -> Iterator[Edge]:
        a, b = ({(e.source, e.target) for e in edges} for edges in self._edges)
        for edge in self._edges[1]:
            both = (edge.source, edge.target) in a
            yield edge if both else replace(edge, kind="inserted")
        for edge in self._edges[0]:
            if (edge.source, edge.target) not in b:
                yield replace(edge, kind="removed")


def _said(row: Row, layer: Layer) -> Any:
    """What a row says of itself, whatever its input is."""
    return row.mark, row.changes, layer.op.op, repr(layer.op.given())


def _unfolded(parts: Iterable[Part], node: dict[int, int]) -> Iterator[Part]:
    """Parts with rows for nodes, and without runs."""
    for part in parts:
        if not isinstance(part, Frame):
            yield node[part]
            continue
        inside = tuple(_unfolded(part.parts, node))
        if part.kind == "run":
            yield from inside
        else:
            yield replace(part, parts=inside)


def _opened(
    a: Iterable[Part], b: Sequence[Part], place: dict[int, int]
) -> Iterator[Part]:
    """Opens the frames of `a` whose layers stand in `b` without a frame."""
    for part in a:
        found = [place[n] for n in nodes_of(part) if n in place]
        framed = any(isinstance(b[i], Frame) for i in found)
        if isinstance(part, Frame) and found and not framed:
            yield from _opened(part.parts, b, place)
        else:
            yield part


def _target(part: Part, b: Sequence[Part], place: dict[int, int]) -> int | None:
    """The part of `b` that one of `a` belongs to."""
    found = Counter(place[n] for n in nodes_of(part) if n in place)
    if isinstance(part, Frame):
        found = Counter({i: c for i, c in found.items() if isinstance(b[i], Frame)})
    return found.most_common(1)[0][0] if found else None


def _filled(targets: list[int | None], b: Sequence[Part]) -> list[int | None]:
    """What stands between two parts of one frame belongs to it too."""
    filled = list(targets)
    last: int | None = None
    for i, target in enumerate(targets):
        if target is None:
            continue
        if (
            last is not None
            and targets[last] == target
            and isinstance(b[target], Frame)
        ):
            filled[last:i] = [target] * (i - last)
        last = i
    return filled
