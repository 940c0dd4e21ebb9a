"""Charts in Graphviz' language, for whoever wants to lay them out in another way.

Boxes are nodes, and frames are clusters. What is folded into a box is an edge from it
to itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archc.draw.cells import loops_of, title_of
from archc.draw.chart import Cell, Chart
from archc.draw.flat import edges
from archc.draw.palette import FONT
from archc.draw.sheet import Entry, entries
from archc.draw.style import Style
from archc.escaping import dot as quoted
from archc.escaping import dot_label


def as_dot(chart: Chart, style: Style) -> str:
    """The text of a .dot file."""
    title = [f"<b>{dot_label(chart.title)}</b>"] if style.title else []
    if style.title and chart.level != "network":
        title.append(_small(chart.subtitle))
    return "".join(f"{line}\n" for line in _Writer(style).lines([chart], title))


def both_as_dot(charts: tuple[Chart, Chart], title: str, style: Style) -> str:
    """The text of a .dot file of two networks, each in a cluster of its own."""
    lines = _Writer(style).lines(charts, [f"<b>{dot_label(title)}</b>"])
    return "".join(f"{line}\n" for line in lines)


class _Writer:
    def __init__(self, style: Style) -> None:
        self.style = style
        self.ink = style.palette
        self._names: dict[Cell, str] = {}
        self._taken: set[str] = set()

    def lines(self, charts: Sequence[Chart], title: list[str]) -> Iterator[str]:
        ink = self.ink
        if self.style.legend and (found := list(entries(charts, self.style))):
            title.append(_legend(found, self.style))
        label = f"label={_stacked(title)}, " if title else ""
        yield f"digraph {quoted(' '.join(chart.name for chart in charts))} {{"
        yield (
            f'  graph [{label}bgcolor="{ink.background}", charset="UTF-8",'
            f' fontcolor="{ink.ink}", fontname="{FONT}", labelloc="t",'
            f' rankdir="{self.style.direction.upper()}", ranksep="0.2"]'
        )
        yield (
            f'  node [color="{ink.line}", fontcolor="{ink.ink}", fontname="{FONT}",'
            ' fontsize="9", margin="0.05,0.03", shape="box", style="filled"]'
        )
        yield (
            f'  edge [arrowsize="0.5", color="{ink.line}", fontcolor="{ink.ink}",'
            f' fontname="{FONT}", fontsize="7.5"]'
        )
        for chart in charts:
            if len(charts) == 1:
                yield from self._cells(chart, "  ")
                continue
            yield f"  subgraph {quoted(self._unique('cluster'))} {{"
            heading = [f"<b>{dot_label(chart.title)}</b>", _small(chart.subtitle)]
            yield f'    graph [label={_stacked(heading)}, penwidth="0"]'
            yield from self._cells(chart, "    ")
            yield "  }"
        for chart in charts:
            yield from self._edges(chart)
        yield "}"

    def _cells(self, chart: Chart, indent: str) -> Iterator[str]:
        for cell in chart.cells:
            if cell.inner is not None:
                name = quoted(self._unique(f"cluster {cell.path}"))
                yield f"{indent}subgraph {name} {{"
                line = self.ink.head if cell.head else self.ink.frame
                dash = ",dashed" if cell.head or cell.seldom else ""
                yield (
                    f'{indent}  graph [color="{line}", fillcolor="{self.ink.shade}",'
                    f' fontsize="9", label={_label(cell)}, labeljust="l",'
                    f' style="filled{dash}"]'
                )
                yield from self._cells(cell.inner, f"{indent}  ")
                yield f"{indent}}}"
            elif not cell.port:
                self._names[cell] = name = self._unique(cell.path or cell.title)
                yield f"{indent}{quoted(name)} [label={_label(cell)}{self._look(cell)}]"

    def _look(self, cell: Cell) -> str:
        if cell.end:
            return ', shape="plaintext", style=""'
        dash = ', style="filled,dashed"' if cell.head or cell.seldom else ""
        return f', fillcolor="{self.style.fill(cell)}"{dash}'

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name} {number}"
        self._taken.add(found)
        return found

    def _edges(self, chart: Chart) -> Iterator[str]:
        ink = self.ink
        for edge in edges(chart):
            look: list[str] = []
            colors = {"skip": ink.skip, "head": ink.head, "size": ink.frame}
            if edge.kind in colors:
                look.append(f'color="{colors[edge.kind]}"')
            if edge.kind in ("head", "size") or edge.note or edge.target.seldom:
                look.append('style="dashed"')
            if edge.note:
                look.append(f"label={quoted(edge.note)}")
            names = [quoted(self._names[cell]) for cell in (edge.source, edge.target)]
            attributes = f" [{', '.join(look)}]" if look else ""
            yield f"  {' -> '.join(names)}{attributes}"
        for cell in chart.all_cells():
            for loop, text in loops_of(cell):
                color = ink.skip if loop.skips else ink.line
                label, name = quoted(text), quoted(self._names[cell])
                yield f'  {name} -> {name} [color="{color}", label={label}]'


def _label(cell: Cell) -> str:
    small = [_small(line) for line in (*cell.details, cell.shape) if line]
    return f"<{'<br/>'.join([f'<b>{dot_label(title_of(cell))}</b>', *small])}>"


def _small(text: str) -> str:
    return f'<font point-size="7.5">{dot_label(text)}</font>'


def _stacked(lines: list[str]) -> str:
    """Lines of HTML-like text below each other."""
    rows = "".join(f"<tr><td>{line}</td></tr>" for line in lines)
    return f'<<table border="0" cellborder="0" cellspacing="0">{rows}</table>>'


def _legend(found: list[Entry], style: Style) -> str:
    cells = "".join(
        f'<td bgcolor="{entry.color}" border="1" width="12"> </td>'
        f'<td align="left">{_small(entry.text)}</td>'
        for entry in found
    )
    return (
        f'<table border="0" cellspacing="3" color="{style.palette.line}">'
        f"<tr>{cells}</tr></table>"
    )
