"""Two rows of layers laid side by side, so that as much as possible stands together.

This is the alignment of two sequences by dynamic programming (Needleman and Wunsch
1970), where what stands together scores by how alike it is and a gap costs nothing.
The paths of two forks are brought together by a matching of greatest weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from archc.compare.stretches import stretches
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
_SAME_NAME = 0.001
"""What equal names add: they decide between ways that are equally good otherwise."""
_SAME_PLACE = 0.0001
"""The same for paths of forks that come in the same order."""

_LARGEST = 2_000_000
"""Up to how many pairs of layers are weighed; longer rows are cut where they agree."""
_FORKED = 4
"""How many times more it takes to weigh a pair of layers within forks."""
_PIECE = 100
"""How many layers are aligned at once where two long rows do not agree at all."""
_MANY_PATHS = 2_500
"""Up to how many pairs of paths are weighed; more are paired as they come."""


class Aligner:
    """Aligns rows of two networks."""

    def __init__(self) -> None:
        self._kinds = Kinds()
        self._likeness: dict[tuple[int, int], float] = {}

    def align(self, a: Row, b: Row) -> list[Pair]:
        """The layers of both rows in order, those that belong together as pairs.

        Of ways that are equally good the same is taken whichever row comes first.
        """
        if _order(b) < _order(a):
            pairs = [(y, x) for x, y in self._aligned(b, a)]
        else:
            pairs = list(self._aligned(a, b))
        return list(_removed_first(pairs))

    def _aligned(self, a: Row, b: Row) -> Iterator[Pair]:
        for x, y in self._row(a, b):
            yield from self._pairs(x, y)

    def _pairs(self, x: Item | None, y: Item | None) -> Iterator[Pair]:
        if isinstance(x, Fork) and isinstance(y, Fork):
            for path, other in self._matched(x, y):
                yield from self._aligned(path, other)
            yield x.merge, y.merge
        elif x is not None and y is not None:
            assert isinstance(x, Layer) and isinstance(y, Layer)
            yield x, y
        else:
            yield from ((layer, None) for layer in (layers_of(x) if x else ()))
            yield from ((None, layer) for layer in (layers_of(y) if y else ()))

    # ---- rows

    def _row(self, a: Row, b: Row) -> Iterator[tuple[Item | None, Item | None]]:
        start = 0
        while start < min(len(a), len(b)) and self._equal(a[start], b[start]):
            start += 1
        yield from zip(a[:start], b[:start], strict=True)
        yield from self._rest(a[start:], b[start:])

    def _equal(self, x: Item, y: Item) -> bool:
        return self._kinds.of(x) == self._kinds.of(y) and _path(x) == _path(y)

    def _rest(self, a: Row, b: Row) -> Iterator[tuple[Item | None, Item | None]]:
        """Two rows that begin with different layers."""
        inside = self._inside(a) * self._inside(b)
        if len(a) * len(b) + _FORKED * inside <= _LARGEST:
            yield from self._best(a, b)
            return
        kinds, others = ([self._kinds.of(item) for item in row] for row in (a, b))
        at = [0, 0]
        for i, j, size in (*stretches(kinds, others), (len(a), len(b), 0)):
            for between in _pieces(a[at[0] : i], b[at[1] : j]):
                yield from self._best(*between)
            yield from zip(a[i : i + size], b[j : j + size], strict=True)
            at = [i + size, j + size]

    def _inside(self, row: Row) -> int:
        """How many layers are within the forks of a row that are not alike."""
        forks = {self._kinds.of(item): item for item in row if isinstance(item, Fork)}
        return sum(len(layers_of(fork)) for fork in forks.values())

    def _best(self, a: Row, b: Row) -> Iterator[tuple[Item | None, Item | None]]:
        score = self._scores(a, b)
        i = j = 0
        while i < len(a) and j < len(b):
            likeness = self._like(a[i], b[j])
            if likeness > 0 and _path(a[i]) == _path(b[j]):
                likeness += _SAME_NAME
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
        names = [_path(item) for item in b]
        likenesses: dict[int, list[float]] = {}
        for i in range(len(a) - 1, -1, -1):
            row, below, name = score[i], score[i + 1], _path(a[i])
            kind = self._kinds.of(a[i])
            if kind not in likenesses:
                likenesses[kind] = [self._like(a[i], y) for y in b]
            like = likenesses[kind]
            for j in range(len(b) - 1, -1, -1):
                best = max(row[j + 1], below[j])
                likeness = like[j]
                if likeness > 0:
                    if name == names[j]:
                        likeness += _SAME_NAME
                    best = max(best, likeness + below[j + 1])
                row[j] = best
        return score

    # ---- forks

    def _matched(self, x: Fork, y: Fork) -> list[tuple[Row, Row]]:
        """Which paths of two forks belong together; the others face nothing."""
        found = self._matching(x, y)
        rows = [
            (path, y.paths[found[i]] if i in found else ())
            for i, path in enumerate(x.paths)
        ]
        taken = set(found.values())
        return rows + [((), p) for j, p in enumerate(y.paths) if j not in taken]

    def _matching(self, x: Fork, y: Fork) -> dict[int, int]:
        """For paths of a fork, by their places, the path of the other."""
        if len(x.paths) * len(y.paths) > _MANY_PATHS:
            return {i: i for i in range(min(len(x.paths), len(y.paths)))}
        weights: dict[tuple[int, int], float] = {}
        for i, path in enumerate(x.paths):
            for j, other in enumerate(y.paths):
                likeness = self._rows_like(path, other)
                likeness += _SAME_PLACE * (i == j) + _SAME_NAME * _named(path, other)
                if likeness > 0:
                    weights[i, j] = likeness
        if len(x.paths) == len(y.paths) == 2:  # as most forks are
            straight, crossed = ((0, 0), (1, 1)), ((0, 1), (1, 0))
            best = max(
                (straight, crossed), key=lambda w: sum(weights.get(p, 0) for p in w)
            )
            return {i: j for i, j in best if (i, j) in weights}
        return _heaviest(weights)

    # ---- likeness

    def _like(self, x: Item, y: Item) -> float:
        """How alike two items are; at most 0 if they cannot stand together."""
        key = self._kinds.of(x), self._kinds.of(y)
        likeness = self._likeness.get(key)
        if likeness is None:
            likeness = self._likeness[key] = self._weigh(x, y)
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


def _heaviest(weights: dict[tuple[int, int], float]) -> dict[int, int]:
    """The matching of greatest weight."""
    import networkx as nx

    graph: nx.Graph[Any] = nx.Graph()
    for (i, j), weight in weights.items():
        graph.add_edge(("a", i), ("b", j), weight=weight)
    found: dict[int, int] = {}
    for pair in nx.max_weight_matching(graph):
        (_, i), (_, j) = sorted(pair)
        found[i] = j
    return found


def _order(row: Row) -> tuple[int, list[str]]:
    """What tells which of two rows comes first, by what they hold."""
    layers = [layer for item in row for layer in layers_of(item)]
    return len(layers), [f"{x.path} {x.op.op} {attributes(x.op)}" for x in layers]


def _pieces(a: Row, b: Row) -> Iterator[tuple[Row, Row]]:
    """Two rows cut into as many pieces as it takes for none to be long."""
    count = -(-max(len(a), len(b)) // _PIECE)
    for n in range(count):
        ours, theirs = (
            row[len(row) * n // count : len(row) * (n + 1) // count] for row in (a, b)
        )
        yield ours, theirs


def _removed_first(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """Pairs of which, where something is replaced, what was there comes first."""
    for both, run in groupby(pairs, key=lambda pair: None not in pair):
        found = list(run)
        yield from found if both else sorted(found, key=lambda pair: pair[0] is None)


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
