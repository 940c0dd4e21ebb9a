"""The HTML-like labels of Graphviz: nodes as stacked cells, titles, the legend."""

from __future__ import annotations

from collections.abc import Iterable

from archc.draw import theme
from archc.draw.caption import combined
from archc.draw.figure import Box, Leaf, Mark, Node
from archc.escaping import dot_label as text
from archc.measure.cost import Facts
from archc.network.graph import Network
from archc.ops.base import Category, Shape

_ATTACHED = ("normalization", "activation", "dropout")


def said(leaf: Leaf) -> str:
    """What a leaf is called in the picture."""
    said = leaf.text or combined(leaf.captions, leaf.tally)
    if leaf.mark is None or leaf.mark == "same":
        return said
    all_, differ = leaf.marks.total(), leaf.marks.total() - leaf.marks["same"]
    part = f" ({differ} of {all_})" if differ < all_ and not leaf.text else ""
    return f"{theme.SIGNS[leaf.mark]}{said}{part}"


def node_rows(node: Node) -> list[list[Leaf]]:
    """The leaves of a node, line by line: the leading op has its own."""
    at = node.leaves.index(node.lead)
    rows = [node.leaves[:at], [node.lead], node.leaves[at + 1 :]]
    if node.lead.category in _ATTACHED:
        rows = [node.leaves]
    return [row for row in rows if row]


def node_label(node: Node, occurs: str) -> str:
    """A node's table: a coloured cell for each op, then how often it occurs."""
    rows = node_rows(node)
    width = max(map(len, rows))
    dashed = ' style="dashed"' if occurs else ""
    extra = 1 if node.count else 0
    lines: list[str] = []
    for row in rows:
        cells = [_cell(leaf, leaf is node.lead, _span(len(row), width, i))
                 for i, leaf in enumerate(row)]  # fmt: skip
        if node.count and not lines:
            cells.append(
                f'<td rowspan="{len(rows)}" border="0"><b> ×{text(node.count)}</b></td>'
            )
        lines.append(f"<tr>{''.join(cells)}</tr>")
    notes = dict.fromkeys(leaf.note for leaf in node.leaves if leaf.note)
    remarks = [*((note, theme.SKIP) for note in notes), (occurs, theme.LINE)]
    for remark, color in remarks:
        if remark:
            lines.append(
                f'<tr><td colspan="{width + extra}" border="0">'
                f"{small(remark, color)}</td></tr>"
            )
    return (
        f'<<table border="0" cellborder="1" cellspacing="0" cellpadding="1"'
        f' color="{theme.LINE}"{dashed}>{"".join(lines)}</table>>'
    )


def _span(cells: int, width: int, index: int) -> int:
    """How many columns a cell takes; the last takes what is left."""
    each = width // cells
    return each if index < cells - 1 else width - each * (cells - 1)


def _cell(leaf: Leaf, leads: bool, span: int) -> str:
    color = theme.FOLDED if leaf.category is None else theme.COLORS[leaf.category]
    if leaf.mark is not None:
        color = theme.MARKS[leaf.mark]
    columns = f' colspan="{span}"' if span > 1 else ""
    shown = text(said(leaf)) if leads else small(said(leaf), theme.INK)
    return f'<td bgcolor="{color}"{columns}>{shown}</td>'


def small(written: str, color: str) -> str:
    return (
        f'<font point-size="{theme.SMALL}" color="{color}">{text(written)}</font>'
        if written
        else ""
    )


def box_label(box: Box, occurs: str, wide: bool) -> str:
    """A cluster's title: name and how often, its block, and what is special.

    In a wide one that is a single line. Elsewhere the edge into the cluster's middle
    would cross it: there are several, with as much room beside them as they take.
    """
    count = f"×{box.count}" if box.count else ""
    first = " ".join(filter(None, (box.name, count)))
    rest = [line for line in (box.block, *box.remark.split(", "), occurs) if line]
    lines = [f"<b>{text(first)}</b>"] if first else []
    lines += [small(line, theme.LINE) for line in rest]
    if wide:
        return f"<{'  '.join(lines)}>"
    widths = [
        len(first) * theme.TEXT * 0.6,
        *(len(r) * theme.SMALL * 0.5 for r in rest),
    ]
    cells = [
        f'<td align="left" balign="left">{"<br/>".join(lines)}</td>',
        f'<td width="{max(widths) + 8:.0f}"></td>',
    ]
    if box.kind == "head":  # the edge comes from the left
        cells.reverse()
    return (
        '<<table border="0" cellspacing="0" cellpadding="0">'
        f"<tr>{''.join(cells)}</tr></table>>"
    )


def title(network: Network, facts: Facts, categories: Iterable[Category]) -> str:
    """The picture's heading: what it shows, its numbers, and what the colours mean."""
    name = network.spec.title or network.name
    lines = [_headline(name), text(" · ".join(numbers(network, facts)))]
    shown = [(category, theme.COLORS[category]) for category in categories]
    return heading([*lines, *legend(shown)])


def side_title(network: Network, facts: Facts) -> str:
    """The heading of one of two networks in a picture."""
    name = network.spec.title or network.name
    return heading([f"<b>{text(name)}</b>", *map(text, numbers(network, facts))])


def comparison_title(a: str, b: str, marks: Iterable[Mark]) -> str:
    """The heading of a picture of two networks, and what its colours mean."""
    shown = [(f"{theme.SIGNS[m]}{_MEANINGS.get(m, m)}", theme.MARKS[m]) for m in marks]
    return heading([_headline(f"{a} → {b}"), *legend(shown)])


_MEANINGS: dict[Mark, str] = {"detail": "changed in what is not shown here"}


def _headline(name: str) -> str:
    return f'<font point-size="{theme.TITLE}"><b>{text(name)}</b></font>'


def numbers(network: Network, facts: Facts) -> list[str]:
    params = f"{_large(facts.params)} parameters"
    if facts.params_with_heads != facts.params:
        params += f" ({_large(facts.params_with_heads)} in training)"
    named = network.inputs_have_names
    inputs = [
        f"{name} {spelled(value.shape)}" if named else f"input {spelled(value.shape)}"
        for name, value in network.inputs.items()
        if value.shape is not None
    ]
    return [params, f"{_large(facts.macs)} MACs", *inputs]


def legend(shown: list[tuple[str, str]]) -> list[str]:
    """What colours mean, in one row or two; nothing if there are none."""
    if not shown:
        return []
    each = len(shown) if len(shown) < 6 else (len(shown) + 1) // 2
    rows = (shown[at : at + each] for at in range(0, len(shown), each))
    swatches = "".join(f"<tr>{''.join(_swatch(*s) for s in row)}</tr>" for row in rows)
    return [f'<table border="0" cellspacing="3" cellpadding="1">{swatches}</table>']


def heading(lines: Iterable[str]) -> str:
    """Lines of HTML-like text below each other."""
    return (
        '<<table border="0" cellspacing="0" cellpadding="1">'
        f"{''.join(f'<tr><td>{line}</td></tr>' for line in lines)}</table>>"
    )


def _swatch(meaning: str, color: str) -> str:
    return (
        f'<td border="1" color="{theme.LINE}" bgcolor="{color}"'
        f' width="12"> </td><td align="left">{small(meaning, theme.INK)}</td>'
    )


def _large(number: int) -> str:
    """A number to three digits."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            value = number / size
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {unit}"
    return str(number)


def spelled(shape: Shape) -> str:
    return "×".join(str(d) for d in shape.dims)


def folded(first: Shape | None, last: Shape) -> str:
    """The shape that a row of repetitions gives, on one line."""
    if first is None or first == last or len(first.dims) != len(last.dims):
        return spelled(last)
    return ranged(first, last) if first.channels != last.channels else spelled(last)


def ranged(first: Shape, last: Shape) -> str:
    """A shape that may change from the first repetition to the last.

    Where the map shrinks, it does so in the first one, and the others are the rule.
    """
    if first == last or len(first.dims) != len(last.dims):
        return spelled(last)
    if first.channels == last.channels:
        return f"{spelled(last)}\n(first {spelled(first)})"
    return "×".join(
        str(a) if a == b else f"{a}…{b}"
        for a, b in zip(first.dims, last.dims, strict=True)
    )
