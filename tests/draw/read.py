"""Diagrams read back: a spec drawn, and its DOT text parsed by Graphviz."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygraphviz

from archc.diagnostics.model import Sink
from archc.draw.diagram import diagram
from archc.draw.palette import PALETTES
from archc.network.graph import Network
from archc.pipeline import analyse
from archc.spec.load import Loader

SPECS = Path(__file__).parents[2] / "specs" / "torchvision"


@dataclass(frozen=True, repr=False)  # a network is too large to be shown
class Drawn:
    network: Network
    dot: str
    graph: Any
    """The DOT text as pygraphviz reads it."""

    @property
    def nodes(self) -> dict[str, str]:
        """What is written on each node."""
        return {str(n): shown(n.attr["label"]) for n in self.graph.nodes()}

    @property
    def clusters(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        pending = list(self.graph.subgraphs())
        while pending:
            cluster = pending.pop()
            found[cluster.name] = cluster
            pending.extend(cluster.subgraphs())
        return found

    @property
    def titles(self) -> list[str]:
        """What is written on the clusters, from the top of the text to its bottom."""
        return [
            shown(c.graph_attr["label"])
            for c in sorted(
                self.clusters.values(), key=lambda c: self.dot.find(f'"{c.name}"')
            )
        ]

    @property
    def edges(self) -> list[tuple[str, str]]:
        return [(str(a), str(b)) for a, b in self.graph.edges()]

    @property
    def skips(self) -> list[tuple[str, str]]:
        """The edges drawn as going around something, those inside of a box left out."""
        return [
            (str(e[0]), str(e[1]))
            for e in self.graph.edges()
            if e.attr["color"] == PALETTES["light"].skip and e[0] != e[1]
        ]

    def label(self, source: str, target: str) -> str:
        return self.graph.get_edge(source, target).attr["label"] or ""

    def style(self, source: str, target: str) -> str:
        return self.graph.get_edge(source, target).attr["style"] or ""


def shown(label: str | None) -> str:
    """The text of an HTML-like label, its cells separated by a space."""
    return html.unescape(" ".join(re.sub(r"<[^>]*>", " ", label or "").split()))


def drawn(path: Path) -> Drawn:
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert analysis is not None, [d.message for d in sink]
    dot = diagram(analysis.network, analysis.facts).dot()
    return Drawn(analysis.network, dot, pygraphviz.AGraph(string=dot))


def spec(directory: Path, layers: str, rest: str = "", head: str = "") -> Path:
    """A spec file of a network on a 16 x 32 x 32 input."""
    path = directory / "net.toml"
    path.write_text(
        f'archc = 1\nname = "net"\n{head}\n[network]\ninput = [16, 32, 32]\n'
        f"layers = [\n{layers}\n]\n{rest}\n",
        encoding="utf-8",
    )
    return path


def conv(name: str, channels: str = "16", more: str = "") -> str:
    """A 3x3 convolution that keeps the map, as a node of a spec."""
    return (
        f'{{ name = "{name}", op = "conv2d", out_channels = "{channels}",'
        f" kernel_size = 3, padding = 1{more} }},"
    )
