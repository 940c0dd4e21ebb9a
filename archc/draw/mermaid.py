"""A chart as a flowchart of Mermaid, which GitHub and many others draw in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from archc.draw.cells import loop_text
from archc.draw.chart import Cell, Chart
from archc.draw.style import Style
from archc.escaping import mermaid as safe


def as_mermaid(chart: Chart, style: Style) -> str:
    """The text of a .mmd file."""
    return "".join(f"{line}\n" for line in _lines(chart, style))


def _lines(chart: Chart, style: Style) -> Iterator[str]:
    if style.title:
        yield "---"
        yield f'title: "{safe(chart.title)}"'
        yield "---"
    yield f"flowchart {'LR' if style.lr else 'TB'}"
    for number, cell in enumerate(chart.cells):
        left, right = ("([", "])") if cell.end else ("[", "]")
        yield f'  n{number}{left}"{_label(cell)}"{right}'
    for link in chart.links:
        arrow = {"skip": "==>", "head": "-.->"}.get(link.kind, "-->")
        yield f"  n{link.source} {arrow} n{link.target}"
    for number, cell in enumerate(chart.cells):
        for loop, times in cell.loops.items():
            arrow = "==>" if loop.kind == "skip" else "-->"
            yield f'  n{number} {arrow}|"{safe(loop_text(loop, times))}"| n{number}'
    ink = style.palette
    for category in chart.categories():
        members = [f"n{i}" for i, c in enumerate(chart.cells) if c.category == category]
        yield (
            f"  classDef {category} fill:{ink.fills[category]},stroke:{ink.line},"
            f"color:{ink.ink}"
        )
        yield f"  class {','.join(members)} {category}"


def _label(cell: Cell) -> str:
    title = " ".join(filter(None, (cell.title, f"×{cell.count}" if cell.count else "")))
    lines = [f"<b>{safe(title)}</b>", *map(safe, cell.details), safe(cell.shape)]
    return "<br/>".join(line for line in lines if line)
