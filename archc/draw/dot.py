"""The diagram of a network as DOT text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from string import ascii_uppercase

from archc.draw import labels, theme
from archc.draw.caption import occurrence
from archc.draw.columns import MAX_COLUMNS, Column, columns
from archc.draw.compose import Picture, compose
from archc.draw.figure import Arc, Box, Item, Leaf, Mark, Node
from archc.escaping import dot as quoted
from archc.measure.cost import Facts
from archc.network.graph import Layer, Network
from archc.ops.base import Category, Shape

_FEW_PATHS = 2


def draw(network: Network, facts: Facts) -> str:
    """The network's diagram in Graphviz' language; the same network, the same text."""
    writer = Writer(compose(network, facts), set())
    title = labels.title(network, facts, writer.categories())
    lines = graph(network.name, title, len(writer.columns), writer.body())
    return "".join(f"{line}\n" for line in lines)


def draw_both(
    a: tuple[Network, Facts], b: tuple[Network, Facts], marks: Mapping[Layer, Mark]
) -> str:
    """Two networks beside each other; `marks` say what layers are in comparison."""
    taken: set[str] = set()
    page = (theme.PAGE[0] / 2, theme.PAGE[1])
    writers: list[Writer] = []
    for number, (network, facts) in enumerate((a, b)):
        own: dict[Layer, Mark] = {
            layer: marks[layer]
            for region in (network.body, *(head.region for head in network.heads))
            for layer in region.layers()
        }
        title = labels.side_title(network, facts)
        picture = compose(network, facts, own)
        writers.append(Writer(picture, taken, page, "ab"[number], title))
    count = sum(len(writer.columns) for writer in writers)
    names = [network.spec.title or network.name for network, _ in (a, b)]
    found = set(marks.values())
    shown: list[Mark] = [
        mark for mark in theme.MARKS if mark in found and mark != "same"
    ]
    title = labels.comparison_title(names[0], names[1], shown)
    body = (line for writer in writers for line in writer.body())
    lines = graph(f"{a[0].name} {b[0].name}", title, count, body)
    return "".join(f"{line}\n" for line in lines)


def graph(name: str, title: str, columns: int, body: Iterable[str]) -> Iterator[str]:
    """The DOT text of a picture in so many columns."""
    yield f"digraph {quoted(name)} {{"
    width, height = theme.PAGE
    many = columns > 1
    # Columns are laid out apart from each other and then set side by side.
    pack = f' pack="20", packmode="array_ut{columns}",' if many else ""
    yield (
        f'  graph [bgcolor="white", charset="UTF-8", fontname="{theme.FONT}",'
        f' fontsize="{theme.TEXT}", label={title}, labelloc="t", margin="0.1",'
        f' nodesep="0.12", ordering="out",{pack} rankdir="TB",'
        f' ranksep="{0.13 if many else 0.1}", size="{width},{height}"]'
    )
    yield (
        f'  node [fontcolor="{theme.INK}", fontname="{theme.FONT}",'
        f' fontsize="{theme.TEXT}", margin="0", shape="plain"]'
    )
    yield (
        f'  edge [arrowsize="0.45", color="{theme.LINE}",'
        f' fontcolor="{theme.INK}", fontname="{theme.FONT}",'
        f' fontsize="{theme.SMALL}", penwidth="0.8"]'
    )
    yield from body
    yield "}"


class Writer:
    """Writes one network, alone or as the first or second of two.

    `taken` are the names that nodes have; `side` tells the columns of two networks
    apart, and `title` stands over the first of them.
    """

    def __init__(
        self,
        picture: Picture,
        taken: set[str],
        page: tuple[float, float] = theme.PAGE,
        side: str = "",
        title: str = "",
    ) -> None:
        self.picture = picture
        self.columns = columns(self.picture, page)
        self._side = side
        self._title = title
        self._ids: dict[Node, str] = {}
        self._taken = taken
        self._column_of: dict[Node, int] = {}
        self._optional: set[Leaf] = set()
        self._heads = {leaf for head in self.picture.heads for leaf in head.leaves()}

    def body(self) -> Iterator[str]:
        """The columns and the arcs between their nodes."""
        for number, column in enumerate(self.columns):
            yield from self._column(number, column)
        yield from self._arcs()

    def categories(self) -> list[Category]:
        """The categories that occur."""
        found = {leaf.category for leaf in self.picture.node_of}
        return [c for c in theme.COLORS if c in found]

    # ---- nodes and clusters

    def _column(self, number: int, column: Column) -> Iterator[str]:
        many = len(self.columns) > 1 or bool(self._side)
        indent = "    " if many else "  "
        if many:
            title = self._title if self._title and not number else '""'
            order = number + 1 + (self._side == "b") * MAX_COLUMNS
            yield f"  subgraph {quoted(f'cluster column {self._side}{number + 1}')} {{"
            yield f'    graph [label={title}, penwidth="0", sortv="{order}"]'
        if number:
            yield self._connector(number, self._top(number))
        for item in column.items:
            yield from self._item(item, self.picture.root, number, 0, indent)
        if number < len(self.columns) - 1:
            yield self._connector(number + 1, self._bottom(number))
        for head in column.heads:
            yield from self._box(head, self.picture.root, number, 0, indent)
        if many:
            yield "  }"

    def _connector(self, number: int, name: str) -> str:
        """One of the two circles with a letter through which a column goes on."""
        return (
            f'    {name} [fillcolor="{theme.LINE}", fixedsize="true",'
            f' fontcolor="white", fontsize="{theme.SMALL}", height="0.16",'
            f' label="{ascii_uppercase[number - 1]}", penwidth="0", shape="circle",'
            ' style="filled"]'
        )

    def _item(
        self, item: Item, parent: Box, column: int, depth: int, indent: str
    ) -> Iterator[str]:
        if isinstance(item, Box):
            yield from self._box(item, parent, column, depth, indent)
        elif isinstance(item, Node):
            self._column_of[item] = column
            occurs = occurrence(item.tally, parent.inner)
            if occurs:
                self._optional.update(item.leaves)
            label = labels.node_label(item, occurs)
            if item.lead.text and item.lead.category is None and not item.lead.params:
                label = f"<{labels.small(item.lead.text, theme.INK)}>"
            middle = not item.lead.beside and parent.kind != "head"
            group = f'group="column {column + 1}", ' if middle else ""
            yield (
                f"{indent}{quoted(self._id(item))} [{group}label={label},"
                f" tooltip={quoted(self._tooltip(item))}]"
            )

    def _box(
        self, box: Box, parent: Box, column: int, depth: int, indent: str
    ) -> Iterator[str]:
        occurs = occurrence(box.tally, parent.inner)
        head = box.kind == "head"
        style = "rounded,filled" + (",dashed" if head or occurs else "")
        color = theme.HEAD if head else theme.FRAME
        name = self._unique(f"cluster {box.path or box.kind}")
        yield f"{indent}subgraph {quoted(name)} {{"
        yield (
            f'{indent}  graph [color="{color}", fillcolor="{theme.FILLS[depth % 2]}",'
            f" label={labels.box_label(box, occurs, self._wide(box))},"
            f' labeljust="{"r" if head else "l"}", margin="5",'
            f' penwidth="0.8", style="{style}"]'
        )
        for child in box.children:
            yield from self._item(child, box, column, depth + 1, f"{indent}  ")
        yield f"{indent}}}"

    def _wide(self, box: Box) -> bool:
        """Whether many parallel paths come together in a box."""
        inside = {leaf for leaf in box.leaves() if leaf.category == "merge"}
        meeting = Counter(
            arc.target
            for arc in self.picture.arcs
            if arc.target in inside and not arc.bypass
        )
        return any(paths > _FEW_PATHS for paths in meeting.values())

    def _tooltip(self, node: Node) -> str:
        first, last = node.leaves[0], node.leaves[-1]
        shapes = [
            labels.spelled(s) for s in (first.input, last.output) if s is not None
        ]
        words = [node.lead.path, " → ".join(shapes)]
        if params := sum(leaf.params for leaf in node.leaves):
            words.append(f"{params:,} parameters")
        return ": ".join(words[:2]) + "".join(f", {w}" for w in words[2:])

    def _id(self, node: Node) -> str:
        if node not in self._ids:
            self._ids[node] = self._unique(node.lead.path)
        return self._ids[node]

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name} {number}"
        self._taken.add(found)
        return found

    def _top(self, column: int) -> str:
        """The node with which a column goes on."""
        return quoted(f"column {self._side}{column + 1}")

    def _bottom(self, column: int) -> str:
        """The node with which a column ends."""
        return quoted(f"column {self._side}{column + 1} end")

    # ---- edges

    def _arcs(self) -> Iterator[str]:
        node_of = self.picture.node_of
        sized: set[str] = set()
        linked: set[int] = set()
        for arc in self.picture.arcs:
            source, target = node_of[arc.source], node_of[arc.target]
            if source is target:
                continue
            name, there = quoted(self._id(source)), self._column_of[target]
            size = self._size(arc, source)
            for number in range(self._column_of[source], there):
                if number not in linked:
                    linked.add(number)
                    size = "" if name in sized else labels.spelled(arc.first)
                    style = attributes({"weight": "8"} | self._label(size))
                    yield f"  {name} -> {self._bottom(number)} [{style}]"
                name = self._top(number + 1)
                size = labels.spelled(arc.first)
            if name in sized or arc.bypass:
                size = ""
            if size:
                sized.add(name)
            style = self._style(arc, size)
            yield f"  {name} -> {quoted(self._id(target))} [{style}]"

    def _style(self, arc: Arc, size: str) -> str:
        style: dict[str, str] = {}
        if arc.bypass:
            style |= {"color": theme.SKIP, "penwidth": "1.4", "weight": "0"}
        else:
            style["weight"] = "8"
        occurs = occurrence(arc.tally, arc.target.tally)
        seldom = arc.tally.total * 2 <= arc.target.tally.total
        if arc.target in self._heads and arc.source not in self._heads:
            style |= {"color": theme.HEAD, "style": "dashed"}
        elif seldom or arc.target in self._optional:
            style["style"] = "dashed"
        if seldom and arc.tally != arc.source.tally:
            size = f"{size} {occurs}".strip()
        if size:
            style |= self._label(size)
        return attributes(style)

    def _label(self, text: str) -> dict[str, str]:
        """A label, and room for it: columns that are packed have none by themselves."""
        label = {"label": f" {text}"}
        return label | ({"minlen": "2"} if len(self.columns) > 1 or self._side else {})

    def _size(self, arc: Arc, source: Node) -> str:
        """The shape that the arc carries, where it is not that of the arcs before.

        On one of several parallel paths the channels stand in its nodes, and there is
        no room for more.
        """
        before, after = source.leaves[0].input, source.leaves[-1].output
        if arc.bypass or before == after:
            return ""
        if source.lead.beside and before and after:
            merged = arc.target.category == "merge"
            if merged or same_map(before, after):
                return ""
        if arc.tally.total == arc.source.tally.total:
            return labels.ranged(arc.first, arc.last)
        return labels.spelled(arc.first)


def attributes(values: dict[str, str]) -> str:
    return ", ".join(f"{key}={quoted(value)}" for key, value in values.items())


def same_map(x: Shape, y: Shape) -> bool:
    """Whether two shapes differ in their channels alone."""
    return len(x.dims) > 1 and x.with_channels(0) == y.with_channels(0)
