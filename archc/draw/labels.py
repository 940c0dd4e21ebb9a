"""The HTML-like labels of Graphviz: nodes as stacked cells, titles, the legend."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from archc.draw import theme
from archc.draw.caption import combined
from archc.draw.figure import Box, Leaf, Node
from archc.measure.cost import Facts
from archc.network.graph import Network
from archc.ops.base import Category, Shape

_ATTACHED = ("normalization", "activation", "dropout")


def text(written: str) -> str:
    """Any text, so that it is shown as it stands.

    What no XML may hold, such as control characters, becomes a replacement character.
    """
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in written)
    return escape(shown, quote=True)


def said(leaf: Leaf) -> str:
    """What a leaf is called in the picture."""
    return leaf.text or combined(leaf.captions, leaf.tally)


def node_rows(node: Node) -> list[list[Leaf]]:
    """The leaves of a node, line by line: the leading op has its own."""
    at = node.leaves.index(node.lead)
    rows = [node.leaves[:at], [node.lead], node.leaves[at + 1 :]]
    if node.lead.category in _ATTACHED:
        rows = [node.leaves]
    return [row for row in rows if row]


def node_label(node: Node, occurs: str) -> str:
    """A node's table: a coloured cell for each op, then how often and when it occurs."""
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
    for remark in filter(None, (node.lead.note, occurs)):
        lines.append(
            f'<tr><td colspan="{width + extra}" border="0">'
            f"{small(remark, theme.SKIP if remark is node.lead.note else theme.LINE)}"
            "</td></tr>"
        )
    return (
        f'<<table border="0" cellborder="1" cellspacing="0" cellpadding="2"'
        f' color="{theme.LINE}"{dashed}>{"".join(lines)}</table>>'
    )


def _span(cells: int, width: int, index: int) -> int:
    """How many columns a cell takes; the last takes what is left."""
    each = width // cells
    return each if index < cells - 1 else width - each * (cells - 1)


def _cell(leaf: Leaf, leads: bool, span: int) -> str:
    color = theme.FOLDED if leaf.category is None else theme.COLORS[leaf.category]
    columns = f' colspan="{span}"' if span > 1 else ""
    shown = text(said(leaf)) if leads else small(said(leaf), theme.INK)
    return f'<td bgcolor="{color}"{columns}>{shown}</td>'


def small(written: str, color: str) -> str:
    return (
        f'<font point-size="{theme.SMALL}" color="{color}">{text(written)}</font>'
        if written
        else ""
    )


def box_label(box: Box, occurs: str) -> str:
    """A cluster's title: name, block, how often; what is special about it below."""
    words = [f"<b>{text(box.name)}</b>"] if box.name else []
    if box.block:
        words.append(text(box.block))
    if box.count:
        words.append(f"<b>×{text(box.count)}</b>")
    remarks = ", ".join(filter(None, (box.remark, occurs)))
    below = f"<br/>{small(remarks, theme.LINE)}" if remarks else ""
    return f"<{'  '.join(words)}{below}>"


def title(network: Network, facts: Facts, categories: Iterable[Category]) -> str:
    """The picture's heading: what it shows, its numbers, and what the colours mean."""
    name = network.spec.title or network.name
    assert network.input.shape is not None
    numbers = [f"{_large(facts.params)} parameters"]
    if facts.params_with_heads != facts.params:
        numbers[0] += f" ({_large(facts.params_with_heads)} in training)"
    numbers += [f"{_large(facts.macs)} MACs", f"input {spelled(network.input.shape)}"]
    shown = list(categories)
    rows = [shown] if len(shown) < 6 else [shown[: (len(shown) + 1) // 2]]
    rows += [shown[len(rows[0]) :]] if len(rows[0]) < len(shown) else []
    legend = "".join(f"<tr>{''.join(map(_swatch, row))}</tr>" for row in rows)
    return (
        '<<table border="0" cellspacing="0" cellpadding="1">'
        f'<tr><td><font point-size="{theme.TITLE}"><b>{text(name)}</b></font></td></tr>'
        f"<tr><td>{text(' · '.join(numbers))}</td></tr>"
        '<tr><td><table border="0" cellspacing="3" cellpadding="1">'
        f"{legend}</table></td></tr></table>>"
    )


def _swatch(category: Category) -> str:
    return (
        f'<td border="1" color="{theme.LINE}" bgcolor="{theme.COLORS[category]}"'
        f' width="12"> </td><td align="left">{small(category, theme.INK)}</td>'
    )


def _large(number: int) -> str:
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}" if number < 999.5 * size else (
                f"{number / size:.0f} {unit}"
            )
    return str(number)


def spelled(shape: Shape) -> str:
    return "×".join(str(d) for d in shape.dims)


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
