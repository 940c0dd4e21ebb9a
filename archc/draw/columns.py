"""How a long picture is laid out in columns, so that it fits a page.

Graphviz scales a drawing that is too large until it fits, and its text with it. So a
picture is cut where one value alone goes on, into the number of columns that leaves the
text largest. Measures are estimates: Graphviz places everything in the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from archc.draw import theme
from archc.draw.compose import Picture
from archc.draw.figure import Arc, Box, Item, Leaf, Node
from archc.draw.labels import node_rows, said
from archc.ops.base import Shape

MAX_COLUMNS = 4

# In points.
_ROW = 13
_GAP = 19
_FRAME = 28
_LETTER = 4.6
_BESIDE = 24
_HEADING = 90

_GAIN = 1.15
"""By what one more column must enlarge the picture."""


@dataclass(slots=True, eq=False)
class Column:
    """A stretch of the picture, from top to bottom."""

    items: list[Item] = field(default_factory=list["Item"])
    heads: list[Box] = field(default_factory=list["Box"])
    crossing: Shape | None = None
    """Of the value that goes on to the next column."""


@dataclass(slots=True, eq=False)
class Piece:
    """What is not cut: a node or a box of the outermost row."""

    item: Item
    group: Box | None
    """The named group around it, which may be cut."""
    nodes: list[Node]
    height: float
    width: float
    heads: list[Box] = field(default_factory=list["Box"])
    hanging: float = 0.0
    """The height of its heads."""
    crossing: Shape | None = None
    """Of the one value that leaves it and all before it; None where it is not one."""


def columns(picture: Picture, page: tuple[float, float] = theme.PAGE) -> list[Column]:
    """The columns in which the picture is largest on a page of that many inches."""
    pieces = _pieces(picture)
    best, largest = [pieces], 0.0
    for count in range(1, MAX_COLUMNS + 1):
        cut = _cut(pieces, count)
        if cut is None:
            break
        scale = _scale(cut, page)
        if scale > largest * _GAIN:
            best, largest = cut, scale
    return _columns(best)


def _scale(cut: list[list[Piece]], page: tuple[float, float]) -> float:
    width = sum(
        max(p.width for p in column)
        + max((_width_of(h) for p in column for h in p.heads), default=0)
        for column in cut
    )
    height = _HEADING + max(map(_low, cut))
    return min(1, page[0] * 72 / width, page[1] * 72 / height)


def _low(column: list[Piece]) -> float:
    """How far down a column goes, with the heads that hang on it."""
    y, low = 0.0, 0.0
    for piece in column:
        y += piece.height
        low = max(low, y + piece.hanging)
    return low


def _height(head: Box) -> float:
    rows = sum(len(node_rows(node)) for node in _nodes(head))
    return _FRAME + rows * _ROW + sum(1 for _ in _nodes(head)) * _GAP


def _width_of(head: Box) -> float:
    return max(map(_width, _nodes(head)), default=0) + _BESIDE


def _cut(pieces: list[Piece], count: int) -> list[list[Piece]] | None:
    """The pieces in `count` columns of which the highest is as low as possible."""
    ends = [i + 1 for i, p in enumerate(pieces[:-1]) if p.crossing is not None]
    # for each end of the last column so far: the height, and the ends before
    found: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for number in range(count):
        last = number == count - 1
        cuts: dict[int, tuple[float, tuple[int, ...]]] = {}
        for end in [len(pieces)] if last else ends:
            low = 0.0
            for start in range(end - 1, -1, -1):
                piece = pieces[start]
                low = piece.height + max(low, piece.hanging)
                if start in found:
                    height, before = found[start]
                    way = (max(height, low), (*before, end))
                    cuts[end] = min(cuts.get(end, way), way)
        found = cuts
    if not found:
        return None
    return [pieces[a:b] for a, b in pairwise((0, *found[len(pieces)][1]))]


def _columns(cut: list[list[Piece]]) -> list[Column]:
    result: list[Column] = []
    begun: set[Box] = set()
    for pieces in cut:
        column = Column(crossing=pieces[-1].crossing)
        around, frame = None, None
        for piece in pieces:
            column.heads.extend(piece.heads)
            if piece.group is None:
                column.items.append(piece.item)
                around = None
                continue
            if piece.group is not around or frame is None:
                around = piece.group
                frame = _part(around, around in begun)
                begun.add(around)
                column.items.append(frame)
            frame.children.append(piece.item)
        result.append(column)
    return result


def _part(group: Box, continued: bool) -> Box:
    remark = "continued" if continued else group.remark
    return Box(
        group.kind, group.path, tally=group.tally, inner=group.inner,
        name=group.name, block=group.block, count=group.count, remark=remark,
    )  # fmt: skip


# ---- pieces and their measures


def _pieces(picture: Picture) -> list[Piece]:
    node_of = picture.node_of
    readers: dict[Node, list[Arc]] = {}
    for arc in picture.arcs:
        readers.setdefault(node_of[arc.source], []).append(arc)
    rows: list[tuple[Item, Box | None]] = []
    for item in picture.root.children:
        if isinstance(item, Box) and item.kind == "group":
            rows.extend((child, item) for child in item.children)
        else:
            rows.append((item, None))
    pieces = [_piece(item, group, readers, node_of) for item, group in rows]
    where = {node: i for i, p in enumerate(pieces) for node in p.nodes}
    for head in picture.heads:
        inside = set(_nodes(head))
        source = next(
            node_of[a.source] for a in picture.arcs if node_of[a.target] in inside
        )
        piece = pieces[where.get(source, 0)]
        piece.heads.append(head)
        piece.hanging = max(piece.hanging, _height(head))
    _mark_crossings(pieces, where, picture.arcs, node_of)
    return pieces


def _mark_crossings(
    pieces: list[Piece],
    where: dict[Node, int],
    arcs: Iterable[Arc],
    node_of: dict[Leaf, Node],
) -> None:
    """Notes behind which pieces one value alone goes on."""
    sources: list[set[Leaf]] = [set() for _ in pieces]
    shapes: dict[Leaf, Shape] = {}
    for arc in arcs:
        start = where.get(node_of[arc.source])
        end = where.get(node_of[arc.target])
        if start is None or end is None:  # to or in a head
            continue
        for i in range(min(start, end), max(start, end)):
            sources[i].add(arc.source)
        shapes[arc.source] = arc.first
    for piece, crossing in zip(pieces, sources, strict=True):
        if len(crossing) == 1:
            piece.crossing = shapes[next(iter(crossing))]


def _piece(
    item: Item,
    group: Box | None,
    readers: dict[Node, list[Arc]],
    node_of: dict[Leaf, Node],
) -> Piece:
    nodes = list(_nodes(item))
    inside = set(nodes)
    top: dict[Node, float] = {}
    level: dict[Node, int] = {}
    width: dict[int, float] = {}
    low = 0.0
    for node in nodes:  # in execution order, so what it reads comes before it
        y, depth = top.get(node, 0.0), level.get(node, 0)
        width[depth] = width.get(depth, 0.0) + _width(node)
        bottom = y + len(node_rows(node)) * _ROW + _GAP
        low = max(low, bottom)
        for arc in readers.get(node, ()):
            target = node_of[arc.target]
            if target in inside:
                top[target] = max(top.get(target, 0.0), bottom)
                level[target] = max(level.get(target, 0), depth + 1)
    frames = _depth(item)
    return Piece(
        item, group, nodes,
        height=low + frames * _FRAME,
        width=max(width.values(), default=0) + (frames + 2) * _BESIDE,
    )  # fmt: skip


def _nodes(item: Item) -> Iterable[Node]:
    if isinstance(item, Node):
        yield item
    elif isinstance(item, Box):
        for child in item.children:
            yield from _nodes(child)


def _depth(item: Item) -> int:
    if not isinstance(item, Box):
        return 0
    return 1 + max(map(_depth, item.children), default=0)


def _width(node: Node) -> float:
    return max(
        sum(len(said(leaf)) for leaf in row) * _LETTER + 8 for row in node_rows(node)
    )
