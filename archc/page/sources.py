"""Where the layers of a network are written: the files of its spec, and their lines."""

from __future__ import annotations

from collections.abc import Iterator

from archc.diagnostics.model import Place
from archc.escaping import visible
from archc.network.graph import Layer, Network, Region
from archc.page.model import File, Lines
from archc.source.document import Document
from archc.spec.model import Node, OpNode


class Sources:
    """The files of a spec, and for each layer the lines that say it."""

    def __init__(self, network: Network) -> None:
        merged = network.spec.origin.merged
        own = merged.document(())
        found = [own, *(d for d in merged.owners.values() if d is not own)]
        self._documents = list(dict.fromkeys(found))
        self._file = {d: n for n, d in enumerate(self._documents)}
        self._known: dict[Node, Lines] = {}
        self.own: dict[Layer, tuple[Lines, ...]] = {}
        """Where a layer is written."""
        self.around: dict[Layer, tuple[Lines, ...]] = {}
        """Where the nodes around it begin, the innermost first."""
        regions = [network.body, *(head.region for head in network.heads)]
        for region in regions:
            self._walk(region, ())

    def files(self) -> tuple[File, ...]:
        """The files, the spec's own first."""
        return tuple(
            File(visible(d.name), shown_lines(d.text)) for d in self._documents
        )

    def of(self, place: Place) -> Lines:
        """The lines of a place in one of the files."""
        span = place.span()
        names = [d.name for d in self._documents]
        return Lines(names.index(place.file), span.line, span.end_line)

    def _walk(self, region: Region, around: tuple[Node, ...]) -> None:
        if region.node is not None and region.node not in around[:1]:
            around = (region.node, *around)
        for part in region.parts:
            if isinstance(part, Region):
                self._walk(part, around)
            else:
                own = dict.fromkeys(self._layer(part))
                others = dict.fromkeys(map(self._node, around))
                self.own[part] = tuple(own)
                self.around[part] = tuple(x for x in others if x not in own)

    def _layer(self, layer: Layer) -> Iterator[Lines]:
        if layer.given is not None:
            yield self._node(layer.given)
        yield self._node(layer.node)
        if layer.again is not None:
            yield self._node(layer.again.node)

    def _node(self, node: Node) -> Lines:
        """The lines of a node; of one around others, those that it begins with."""
        found = self._known.get(node)
        if found is None:
            place = node.origin.at()
            span = place.span()
            # the end is exclusive, and may be the first column of the line behind
            last = span.end_line - (span.end_column == 1 < span.end_line - span.line)
            last = last if isinstance(node, OpNode) else span.line
            found = Lines(self._file[_document(node)], span.line, last)
            self._known[node] = found
        return found


def shown_lines(text: str) -> tuple[str, ...]:
    """The lines of a text with what is hidden in them made visible."""
    return tuple(visible(line.expandtabs(4)) for line in text.split("\n"))


def _document(node: Node) -> Document:
    return node.origin.at().document
