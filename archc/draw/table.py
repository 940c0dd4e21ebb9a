"""A network stage by stage as a table for a paper.

In the manner of Table 1 of He et al. (2015), "Deep Residual Learning for Image
Recognition": what a block is made of stands in brackets, with how often it comes. Lines
in square brackets follow each other, and lines in braces lie beside each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from archc.draw.blocks import block_chart
from archc.draw.chart import Cell
from archc.draw.labels import large
from archc.draw.metrics import width
from archc.draw.runs import short_name
from archc.draw.series import Parallel, Series, structure
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
    if any(r"\{" in row[2] for row in rows):
        caption += " Lines in braces are branches."
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
    inside = _inside(opened)
    if inside is None:
        return _times(typeset(cell.block or cell.title), cell.count)
    return _times(inside, cell.count or opened.each)


def _inside(cell: Cell) -> str | None:
    """A frame in brackets; None if that is too large, or cannot be told so."""
    assert cell.inner is not None
    found = structure(cell.inner, _is_said)
    if found is None or sum(cell.port == "out" for cell in cell.inner.cells) > 1:
        return None
    if not isinstance(found, Series):
        found = Series((found,))
    if sum(map(_height, found.parts)) > _MOST_LINES:
        return None
    if isinstance(found.parts[0], Parallel) and len(found.parts) == 1:
        return _braces(found.parts[0])
    only = found.parts[0] if len(found.parts) == 1 else None
    if isinstance(only, Cell) and only.inner is not None:
        return _inside(only)  # one pair of brackets does for both
    lines = [_part(part) for part in found.parts]
    return f"[{lines[0]}]" if len(lines) == 1 else _grouped("[", lines, "]")


def _is_said(cell: Cell) -> bool:
    if cell.port or cell.seldom:
        return False
    return cell.inner is not None or cell.category not in _SILENT


def _height(part: Cell | Series | Parallel) -> int:
    """How many lines it takes as one of several parts."""
    if isinstance(part, Cell):
        return 1
    heights = map(_height, part.parts)
    return sum(heights) if isinstance(part, Parallel) else max(heights)


def _part(part: Cell | Series | Parallel) -> str:
    """On one line of a larger one."""
    if isinstance(part, Cell):
        return _inner(part)
    if isinstance(part, Parallel):
        return _braces(part)
    return r" $\to$ ".join(map(_part, part.parts))


def _inner(cell: Cell) -> str:
    if cell.inner is None:
        # most often it is the first of the repetitions alone that has a stride
        plain = re.sub(r" /\d+ \(first only\)", "", cell.title)
        return _times(_op(plain.removeprefix("conv ")), cell.count)
    inside = _inside(cell)
    if inside is None:
        return _times(typeset(cell.title), cell.count)
    return _times(inside, cell.count or cell.each)


def _op(title: str) -> str:
    return typeset(re.sub(r" \([^)]*\)", "", title))


def _braces(part: Parallel) -> str:
    return _grouped(r"\{", [_part(inner) for inner in part.parts], r"\}")


def _grouped(left: str, lines: list[str], right: str) -> str:
    """Lines below each other between a bracket and another that are as high."""
    rows = r" \\ ".join(lines)
    inside = rf"\begin{{tabular}}{{@{{}}c@{{}}}}{rows}\end{{tabular}}"
    return rf"$\left{left}{inside}\right{right}$"


def _times(text: str, count: str) -> str:
    return rf"{text} $\times$ {typeset(count)}" if count not in ("", "1") else text
