"""What `archc compile` and `archc diff` draw: blocks, and repetitions once.

The DOT text says what is drawn, and the picture, laid out by archc, where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from archc.draw.blocks import block_chart
from archc.draw.chart import Chart
from archc.draw.drawing import as_file
from archc.draw.figure import Mark
from archc.draw.fit import fitted, free
from archc.draw.scene import Scene, Shape, Text, moved
from archc.draw.sheet import entries, on_sheet
from archc.draw.stages import stage_chart
from archc.draw.style import Style
from archc.escaping import visible
from archc.measure.cost import Facts
from archc.network.graph import Layer, Network

_APART = 18.0


@dataclass(frozen=True, slots=True)
class Diagram:
    """One network, or two that are compared."""

    charts: tuple[Chart] | tuple[Chart, Chart]

    @property
    def title(self) -> str:
        return " → ".join(chart.title for chart in self.charts)

    def dot(self) -> str:
        """In Graphviz' language; the same networks, the same text."""
        from archc.draw.dot import as_dot, both_as_dot

        if len(self.charts) == 1:
            return as_dot(self.charts[0], Style())
        return both_as_dot(self.charts, self.title, Style())

    def picture(
        self,
        format: Literal["svg", "pdf", "png"],
        warn: Callable[[str], None] | None = None,
    ) -> bytes:
        """As a file; `warn` is told what Graphviz warns of.

        Raises:
            archc.draw.render.RenderError: if Graphviz is needed, and fails.
        """
        return as_file(self.scene(), self.title, format, warn=warn)

    def scene(self) -> Scene:
        """With all its places."""
        style = Style()
        if len(self.charts) == 1:
            return fitted(self.charts[0], style)
        halves = [
            free(chart, replace(style, legend=False), pages=2) for chart in self.charts
        ]
        places = [0.0, halves[0].width + _APART]

        def shapes() -> Iterator[Shape]:
            for half, x in zip(halves, places, strict=True):
                yield from (moved(shape, x, 0) for shape in half.scene().shapes)

        title = Text(
            0, 0, visible(self.title), style.text * 1.35, style.palette.ink, bold=True
        )
        legend = list(entries(self.charts, style))
        wide = places[1] + halves[1].width
        high = max(half.height for half in halves)
        return on_sheet([title], legend, style, shapes, wide, high).scene()


def diagram(network: Network, facts: Facts) -> Diagram:
    """The diagram of a network."""
    return Diagram((block_chart(network, facts),))


def diagram_of_both(
    a: tuple[Network, Facts],
    b: tuple[Network, Facts],
    marks: Mapping[Layer, Mark],
    level: Literal["stage", "block"] = "block",
) -> Diagram:
    """Two networks beside each other; `marks` say what layers are in comparison."""
    chart_of = block_chart if level == "block" else stage_chart
    charts: list[Chart] = []
    for network, facts in (a, b):
        own: dict[Layer, Mark] = {x: marks[x] for x in network.all_layers()}
        charts.append(chart_of(network, facts, marks=own))
    return Diagram((charts[0], charts[1]))
