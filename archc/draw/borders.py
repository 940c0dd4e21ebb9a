"""Links of charts in charts: how values come into frames, and leave them."""

from __future__ import annotations

from collections.abc import Collection

from archc.draw.caption import when
from archc.draw.chart import Cell, Chart, Link, LinkKind, around
from archc.draw.figure import Arc, Box, Leaf

_Port = tuple[str, Leaf, frozenset[Box]]
"""Its side, what makes the value, and for which repetitions that is the same one."""


class Place:
    """A chart while it is made: which of its boxes holds which leaf."""

    def __init__(self, around: frozenset[Box]) -> None:
        self.chart = Chart("", "", "", "block", [], [])
        self.around = around
        """The boxes that it is in."""
        self.home: dict[Leaf, int] = {}
        self.inner: dict[int, Place] = {}
        self.closed: set[int] = set()
        """Boxes of which the inside is not drawn."""
        self._ports: dict[_Port, tuple[int, int]] = {}
        """The number of a port, and which box it is."""
        self._arcs: dict[Link, list[Arc]] = {}
        """What runs along each link."""

    def connect(self, arc: Arc, *, head: bool) -> None:
        """Adds a value's way, if it is one between boxes; `head` if one reads it."""
        source, target = arc.source.drawn, arc.target.drawn
        a, b = self.home.get(source), self.home.get(target)
        if a is None or b is None:
            return
        if a == b:
            if a in self.inner:
                self.inner[a].connect(arc, head=head)
            return
        leaves = self.inner[a]._leave(source) if a in self.inner else 0
        self._link(Link(a, b, "head" if head else "main", leaves), arc)

    def _link(self, link: Link, arc: Arc) -> None:
        """Adds a link to a box, or into a frame and on to what reads it there."""
        inner = self.inner.get(link.target)
        kind: LinkKind = link.kind
        if inner is not None:
            link = link._replace(enters=inner._enter(arc))
        elif link.target not in self.closed:
            link = link._replace(note=when(arc.tally, arc.target.tally))
            kind = "skip" if arc.bypass else "main"
        kind = "size" if arc.size_only else kind
        link = link._replace(kind="head" if link.kind == "head" else kind)
        self._arcs.setdefault(link, []).append(arc)

    def _leave(self, source: Leaf) -> int:
        """The port by which a value leaves a frame; made where it is not there yet."""
        key = ("out", source, frozenset[Box]())
        if key not in self._ports:
            _, at = self._port(key)
            a = self.home[source]
            leaves = self.inner[a]._leave(source) if a in self.inner else 0
            self._arcs[Link(a, at, "main", leaves)] = []
        return self._ports[key][0]

    def _enter(self, arc: Arc) -> int:
        """The port by which a value comes into a frame, and on to what reads it."""
        key = ("in", arc.source.drawn, arc.shared & self.around)
        number, at = self._ports.get(key) or self._port(key)
        self._link(Link(at, self.home[arc.target.drawn], "main"), arc)
        return number

    def _port(self, key: _Port) -> tuple[int, int]:
        number = sum(side == key[0] for side, *_ in self._ports)
        self._ports[key] = number, len(self.chart.cells)
        self.chart.cells.append(Cell("", "", port="in" if key[0] == "in" else "out"))
        return self._ports[key]

    # ---- once all is known

    def finish(self, said: Collection[int] = ()) -> None:
        """Puts ports first, and links into the order of their sources.

        Of the values that come in by the ports in `said`, it is said outside when they
        are there.
        """
        chart = self.chart
        order = sorted(
            range(len(chart.cells)),
            key=lambda i: ({"in": 0, "": 1, "out": 2}[chart.cells[i].port], i),
        )
        new = {old: at for at, old in enumerate(order)}
        found = self._noted(said)
        for at, inner in self.inner.items():
            into = [x for x in found if x.target == at]
            always = {x.enters for x in into if not x.note}
            inner.finish({x.enters for x in into} - always)
        chart.cells = [chart.cells[old] for old in order]
        read = {
            x._replace(source=new[x.source], target=new[x.target]): places
            for x, places in found.items()
        }
        known = {x._replace(kind="main") for x in read if x.kind != "size"}
        links = [
            x
            for x in sorted(read)
            if x.kind != "size" or x._replace(kind="main") not in known
        ]
        # values that were of two kinds may be of one now
        chart.links = list(dict.fromkeys(around(links, read)))

    def _noted(self, said: Collection[int]) -> dict[Link, frozenset[tuple[Leaf, int]]]:
        """The links with what is said of them, and where what they bring is read."""
        ports = {at: n for (side, *_), (n, at) in self._ports.items() if side == "in"}
        # beside the one value that all repetitions read, what each has from the last
        same = {source for _, source, shared in self._ports if shared}
        handed = {
            at
            for (side, source, shared), (_, at) in self._ports.items()
            if side == "in" and not shared and source in same
        }
        found: dict[Link, frozenset[tuple[Leaf, int]]] = {}
        for link, arcs in self._arcs.items():
            if link.target in self.inner or link.target in self.closed:
                # if it is not read in one way there, that is said inside, or not at all
                notes = {when(arc.tally, arc.target.tally) for arc in arcs}
                link = link._replace(note=notes.pop() if len(notes) == 1 else "")
            if ports.get(link.source) in said:
                link = link._replace(note="")
            if link.source in handed and all(arc.carried for arc in arcs):
                link = link._replace(note="from the one before")
            places = (x for arc in arcs for x in arc.places)
            found[link] = found.get(link, frozenset()).union(places)
        return found
