"""A network stage by stage as a table for a paper.

In the manner of Table 1 of He et al. (2015), "Deep Residual Learning for Image
Recognition": what a block is made of stands in brackets, with how often it comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc.draw.blocks import block_chart
from archc.draw.chart import Cell, Chart
from archc.draw.labels import large
from archc.draw.metrics import width
from archc.draw.runs import short_name
from archc.draw.stages import stage_chart
from archc.draw.tikz import typeset
from archc.measure.cost import Facts
from archc.measure.tables import size
from archc.network.graph import Network

_MOST_LINES = 8
"""Of a block in brackets; a larger one is called by its name."""
_HEADER = ["", "output", "layers", "params", "MACs"]
_COLUMN = 240.0
"""How wide a column of a page in two columns is, in points (IEEE's is 252, the class
article's 229)."""
_OWN = re.compile(r"\w+?(_\d+)?")
_BRACKETS = re.compile(r"\\(begin|end)\{tabular\}(\{@\{\}c@\{\}\})?|\\(left|right)|[$]")
_SILENT = ("merge", "activation", "normalization", "dropout", "reshape")
"""What such a table leaves out inside of blocks."""


def as_latex(network: Network, facts: Facts) -> str:
    """A `table` with a `tabular` that has a row for each stage; needs booktabs.

    What is too wide for a column of a page in two columns is a `table*`.
    """
    chart = stage_chart(network, facts)
    inside = {cell.path: cell for cell in block_chart(network, facts, alike=True).cells}
    rows = [
        list(_row(cell, inside.get(cell.path), facts))
        for cell in chart.cells
        if not cell.end
    ]
    sums = ["in total", "", "", large(facts.params), large(facts.macs)]
    table = "table" if _width([_HEADER, *rows, sums]) <= _COLUMN else "table*"
    label = re.sub(r"[^A-Za-z0-9]+", "-", network.name).strip("-")
    inputs = (size(v.shape.sizes) for v in network.inputs.values() if v.shape)
    caption = f"{chart.title}, for an input of {', '.join(inputs)}."
    lines = [
        r"% needs \usepackage{booktabs}",
        rf"\begin{{{table}}}",
        r"\centering\footnotesize",
        rf"\caption{{{typeset(caption)}}}",
        rf"\label{{tab:{label}}}",
        r"\setlength{\tabcolsep}{2.5pt}\renewcommand{\arraystretch}{1.15}",
        r"\begin{tabular}{@{}llcrr@{}}",
        r"\toprule",
        rf"{' & '.join(_HEADER)} \\",
        r"\midrule",
        *(rf"{' & '.join(row)} \\" for row in rows),
        r"\midrule",
        rf"{' & '.join(sums)} \\",
        r"\bottomrule",
        r"\end{tabular}",
        rf"\end{{{table}}}",
    ]
    return "\n".join(lines) + "\n"


def _width(rows: list[list[str]]) -> float:
    """About how wide a table is, in points of type of 8 pt."""
    widths = [0.0] * len(_HEADER)
    for row in rows:
        for at, cell in enumerate(row):
            shown = cell.replace(r"$\times$", "×").replace(r"$\to$", "→")
            shown = re.sub(
                r"\\(begin|end)\{tabular\}(\{[^}]*\{\}[^}]*\{\}\})?", "", shown
            )
            lines = re.sub(r"\\(left|right)|[$]", "", shown).split(r"\\")
            # Computer Modern is a little narrower
            widths[at] = max(widths[at], *(0.95 * width(line, 8) for line in lines))
    return sum(widths) + 5 * (len(widths) - 1)


def _row(cell: Cell, opened: Cell | None, facts: Facts) -> Iterator[str]:
    called = cell.title if opened is None or opened.inner else short_name(cell.path)
    # what has no name of its own is told by its op
    unnamed = any(_OWN.fullmatch(called) and called.startswith(layer.op.op)
                  for layer in cell.layers)  # fmt: skip
    yield "" if unnamed else typeset(called) + (" (training)" if cell.head else "")
    channels, _, sides = cell.shape.partition("\n")[0].partition("×")
    yield typeset(sides or channels)
    yield _layers(cell, opened)
    numbers = [facts.layers[layer] for layer in cell.layers]
    for total in (sum(n.params for n in numbers), sum(n.macs for n in numbers)):
        yield large(total) if total else "--"


def _layers(cell: Cell, opened: Cell | None) -> str:
    """What a stage computes: an op, or a block in brackets."""
    if opened is None or opened.inner is None:
        return _times(_op(cell.title), cell.count)
    lines = _lines(opened)
    if not 0 < len(lines) <= _MOST_LINES:
        return _times(typeset(cell.block or cell.title), cell.count)
    return _times(_bracket(lines), cell.count or opened.each)


def _lines(cell: Cell) -> list[str]:
    """The lines that stand in the brackets of a frame."""
    assert cell.inner is not None
    chains = list(_chains(cell.inner))
    if len(chains) == 1:
        lines = [_inner(part) for part in chains[0]]
    else:
        lines = [r" $\to$ ".join(map(_inner, chain)) for chain in chains]
    only = chains[0][0] if len(chains) == 1 and len(chains[0]) == 1 else None
    if only is not None and only.inner is not None:
        return _lines(only)  # one pair of brackets does for both
    return lines


def _chains(chart: Chart) -> Iterator[list[Cell]]:
    """The cells that say something, in rows that follow from each other."""
    linked = {(link.source, link.target) for link in chart.links}
    chain: list[Cell] = []
    before = -1
    for at, cell in enumerate(chart.cells):
        said = cell.inner is not None or cell.category not in _SILENT
        if cell.port or cell.seldom or not said:
            continue
        if chain and (before, at) not in linked:
            yield chain
            chain = []
        chain.append(cell)
        before = at
    if chain:
        yield chain


def _inner(cell: Cell) -> str:
    if cell.inner is None:
        # most often it is the first of the repetitions alone that has a stride
        plain = re.sub(r" /\d+ \(first only\)", "", cell.title)
        return _times(_op(plain.removeprefix("conv ")), cell.count)
    lines = _lines(cell)
    if not 0 < len(lines) <= _MOST_LINES:
        return _times(typeset(cell.title), cell.count)
    return _times(_bracket(lines), cell.count or cell.each)


def _op(title: str) -> str:
    return typeset(re.sub(r" \([^)]*\)", "", title))


def _bracket(lines: list[str]) -> str:
    if len(lines) == 1:
        return f"[{lines[0]}]"
    rows = r" \\ ".join(lines)
    return rf"$\left[\begin{{tabular}}{{@{{}}c@{{}}}}{rows}\end{{tabular}}\right]$"


def _times(text: str, count: str) -> str:
    return rf"{text} $\times$ {typeset(count)}" if count not in ("", "1") else text
