"""A chart as a flowchart of Mermaid, which GitHub and many others draw in Markdown.

Frames are subgraphs. What is folded into a box is an arrow from it to itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from archc.draw.cells import loops_of, title_of
from archc.draw.chart import Cell, Chart
from archc.draw.flat import edges
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
    names: dict[Cell, str] = {}
    yield from _cells(chart, "n", "  ", names)
    for edge in edges(chart):
        arrow = {"skip": "==>", "head": "-.->", "size": "-.->"}.get(edge.kind, "-->")
        note = f'|"{safe(edge.note)}"|' if edge.note else ""
        yield f"  {names[edge.source]} {arrow}{note} {names[edge.target]}"
    for cell, name in names.items():
        for loop, text in loops_of(cell):
            arrow = "==>" if loop.skips else "-->"
            yield f'  {name} {arrow}|"{safe(text)}"| {name}'
    ink = style.palette
    for category in chart.categories():
        members = [name for cell, name in names.items() if cell.category == category]
        yield (
            f"  classDef {category} fill:{ink.fills[category]},stroke:{ink.line},"
            f"color:{ink.ink}"
        )
        yield f"  class {','.join(members)} {category}"


def _cells(
    chart: Chart, prefix: str, indent: str, names: dict[Cell, str]
) -> Iterator[str]:
    for number, cell in enumerate(chart.cells):
        name = f"{prefix}{number}"
        if cell.inner is not None:
            yield f'{indent}subgraph {name}["{_label(cell)}"]'
            yield from _cells(cell.inner, f"{name}_", f"{indent}  ", names)
            yield f"{indent}end"
        elif not cell.port:
            names[cell] = name
            left, right = ("([", "])") if cell.end else ("[", "]")
            yield f'{indent}{name}{left}"{_label(cell)}"{right}'


def _label(cell: Cell) -> str:
    lines = [f"<b>{safe(title_of(cell))}</b>", *map(safe, cell.details)]
    return "<br/>".join(line for line in (*lines, safe(cell.shape)) if line)
