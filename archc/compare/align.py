"""Two rows of layers laid side by side, so that as much as possible stands together.

This is the alignment of two sequences by dynamic programming (Needleman and Wunsch
1970), where what stands together scores by how alike it is and a gap costs nothing.
The paths of two forks are brought together by a matching of greatest weight.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any

from archc.compare.structure import Fork, Item, Kinds, Row, attributes, layers_of
from archc.network.graph import Layer
from archc.ops.base import Category, Op

Pair = tuple[Layer | None, Layer | None]

# what a layer of a category weighs: a network is its convolutions, above all
_WEIGHT: dict[Category, float] = {"convolution": 3.0, "linear": 3.0, "pooling": 2.0}
_SAME_OP = 0.5
"""How alike two ops of one name are that agree in no attribute; one if in all."""
_SAME_CATEGORY = 0.3
_DENSE = 0.1
"""How alike a convolution and a linear layer are, which may do the same."""
_SAME_NAME = 0.1
"""What equal names add: they decide between ways that are equally good otherwise."""
_SAME_PLACE = 0.01
"""The same for paths of forks that come in the same order."""

_LARGEST = 2_000_000
"""Up to how many pairs of layers are weighed; longer rows are cut where they agree."""


class Aligner:
    """Aligns rows of two networks."""

    def __init__(self) -> None:
        self._kinds = Kinds()
        self._likeness: dict[tuple[int, int], float] = {}

    def align(self, a: Row, b: Row) -> list[Pair]:
        """The layers of both rows in order, those that belong together as pairs."""
        return [pair for x, y in self._row(a, b) for pair in self._pairs(x, y)]

    def _pairs(self, x: Item | None, y: Item | None) -> Iterator[Pair]:
        if isinstance(x, Fork) and isinstance(y, Fork):
            for path, other in self._matched(x, y):
                yield from self.align(path, other)
            yield x.merge, y.merge
        elif x is not None and y is not None:
            assert isinstance(x, Layer) and isinstance(y, Layer)
            yield x, y
        else:
            yield from ((layer, None) for layer in (layers_of(x) if x else ()))
            yield from ((None, layer) for layer in (layers_of(y) if y else ()))

    # ---- rows

    def _row(self, a: Row, b: Row) -> Iterator[tuple[Item | None, Item | None]]:
        of = self._kinds.of
        start = 0
        while start < min(len(a), len(b)) and of(a[start]) == of(b[start]):
            start += 1
        yield from zip(a[:start], b[:start], strict=True)
        yield from self._rest(a[start:], b[start:])

    def _rest(self, a: Row, b: Row) -> Iterator[tuple[Item | None, Item | None]]:
        """Two rows that begin with different layers."""
        if len(a) * len(b) <= _LARGEST:
            yield from self._best(a, b)
            return
        kinds = [[self._kinds.of(item) for item in row] for row in (a, b)]
        at = [0, 0]
        found = SequenceMatcher(None, *kinds, autojunk=False)
        for i, j, size in found.get_matching_blocks():
            between = a[at[0] : i], b[at[1] : j]
            if len(between[0]) * len(between[1]) <= _LARGEST:
                yield from self._best(*between)
            else:
                yield from ((x, None) for x in between[0])
                yield from ((None, y) for y in between[1])
            yield from zip(a[i : i + size], b[j : j + size], strict=True)
            at = [i + size, j + size]

    def _best(self, a: Row, b: Row) -> Iterator[tuple[Item | None, Item | None]]:
        score = self._scores(a, b)
        i = j = 0
        while i < len(a) and j < len(b):
            likeness = self._like(a[i], b[j])
            # what can stand together early does, so that additions come last
            if likeness > 0 and score[i][j] <= likeness + score[i + 1][j + 1]:
                yield a[i], b[j]
                i, j = i + 1, j + 1
            elif score[i][j] <= score[i + 1][j]:
                yield a[i], None
                i += 1
            else:
                yield None, b[j]
                j += 1
        yield from ((x, None) for x in a[i:])
        yield from ((None, y) for y in b[j:])

    def _scores(self, a: Row, b: Row) -> list[list[float]]:
        """How well what remains of both rows can be aligned, from each place on."""
        score = [[0.0] * (len(b) + 1) for _ in range(len(a) + 1)]
        for i in range(len(a) - 1, -1, -1):
            row, below = score[i], score[i + 1]
            for j in range(len(b) - 1, -1, -1):
                best = max(row[j + 1], below[j])
                likeness = self._like(a[i], b[j])
                if likeness > 0:
                    best = max(best, likeness + below[j + 1])
                row[j] = best
        return score

    # ---- forks

    def _matched(self, x: Fork, y: Fork) -> list[tuple[Row, Row]]:
        """Which paths of two forks belong together; the others face nothing."""
        import networkx as nx

        graph: nx.Graph[Any] = nx.Graph()
        for i, path in enumerate(x.paths):
            for j, other in enumerate(y.paths):
                likeness = self._rows_like(path, other)
                likeness += _SAME_PLACE * (i == j) + _SAME_NAME * _named(path, other)
                if likeness > 0:
                    graph.add_edge(("a", i), ("b", j), weight=likeness)
        found: dict[int, int] = {}
        for pair in nx.max_weight_matching(graph):
            (_, i), (_, j) = sorted(pair)
            found[i] = j
        rows = [
            (path, y.paths[found[i]] if i in found else ())
            for i, path in enumerate(x.paths)
        ]
        taken = set(found.values())
        return rows + [((), p) for j, p in enumerate(y.paths) if j not in taken]

    # ---- likeness

    def _like(self, x: Item, y: Item) -> float:
        """How alike two items are; at most 0 if they cannot stand together."""
        key = self._kinds.of(x), self._kinds.of(y)
        likeness = self._likeness.get(key)
        if likeness is None:
            likeness = self._likeness[key] = self._weigh(x, y)
        if likeness > 0 and _path(x) == _path(y):
            likeness += _SAME_NAME
        return likeness

    def _weigh(self, x: Item, y: Item) -> float:
        if isinstance(x, Layer) and isinstance(y, Layer):
            return _ops_like(x.op, y.op)
        if isinstance(x, Fork) and isinstance(y, Fork):
            paths = (self._rows_like(*rows) for rows in self._matched(x, y))
            return _ops_like(x.merge.op, y.merge.op) + sum(paths)
        return 0.0

    def _rows_like(self, a: Row, b: Row) -> float:
        if not a or not b:
            return 0.0
        return sum(
            self._like(x, y)
            for x, y in self._row(a, b)
            if x is not None and y is not None
        )


def _ops_like(x: Op, y: Op) -> float:
    weight = _WEIGHT.get(x.category, 1.0)
    if x.op == y.op:
        ours, theirs = attributes(x), attributes(y)
        equal = sum(value == theirs[name] for name, value in ours.items())
        share = equal / len(ours) if ours else 1.0
        return weight * (_SAME_OP + (1 - _SAME_OP) * share)
    if x.category == y.category and x.category != "reshape":
        return weight * _SAME_CATEGORY
    if {x.category, y.category} == {"convolution", "linear"}:
        return weight * _DENSE
    return 0.0


def _path(item: Item) -> str:
    return item.path if isinstance(item, Layer) else item.merge.path


def _named(a: Row, b: Row) -> bool:
    return bool(a and b) and _path(a[0]) == _path(b[0])
