"""A chart in Graphviz' language, for whoever wants to lay it out in another way."""

from __future__ import annotations

from collections.abc import Iterator

from archc.draw import theme
from archc.draw.cells import loop_text
from archc.draw.chart import Cell, Chart
from archc.draw.style import Style
from archc.escaping import dot as quoted
from archc.escaping import dot_label


def as_dot(chart: Chart, style: Style) -> str:
    """The text of a .dot file."""
    return "".join(f"{line}\n" for line in _lines(chart, style))


def _lines(chart: Chart, style: Style) -> Iterator[str]:
    ink = style.palette
    yield f"digraph {quoted(chart.name)} {{"
    title = f'label={quoted(chart.title)}, labelloc="t", ' if style.title else ""
    yield (
        f'  graph [{title}bgcolor="{ink.background}", charset="UTF-8",'
        f' fontcolor="{ink.ink}", fontname="{theme.FONT}",'
        f' rankdir="{style.direction.upper()}", ranksep="0.2"]'
    )
    yield (
        f'  node [color="{ink.line}", fontcolor="{ink.ink}", fontname="{theme.FONT}",'
        ' fontsize="9", margin="0.05,0.03", shape="box", style="filled"]'
    )
    yield (
        f'  edge [arrowsize="0.5", color="{ink.line}", fontcolor="{ink.ink}",'
        f' fontname="{theme.FONT}", fontsize="7.5"]'
    )
    for number, cell in enumerate(chart.cells):
        fill = ink.stage if cell.category is None else ink.fills[cell.category]
        shape = ', shape="plaintext", style=""' if cell.end else f', fillcolor="{fill}"'
        dash = ', style="filled,dashed"' if cell.head else ""
        yield f"  n{number} [label={_label(cell)}{shape}{dash}]"
    for link in chart.links:
        look = {
            "skip": f' [color="{ink.skip}", penwidth="1.4"]',
            "head": f' [color="{ink.head}", style="dashed"]',
        }.get(link.kind, "")
        yield f"  n{link.source} -> n{link.target}{look}"
    for number, cell in enumerate(chart.cells):
        for loop, times in cell.loops.items():
            color = ink.skip if loop.kind == "skip" else ink.line
            label = quoted(loop_text(loop, times))
            yield f'  n{number} -> n{number} [color="{color}", label={label}]'
    yield "}"


def _label(cell: Cell) -> str:
    title = " ".join(filter(None, (cell.title, f"×{cell.count}" if cell.count else "")))
    small = [dot_label(line) for line in (*cell.details, cell.shape) if line]
    rest = "".join(f'<br/><font point-size="7.5">{line}</font>' for line in small)
    return f"<<b>{dot_label(title)}</b>{rest}>"
