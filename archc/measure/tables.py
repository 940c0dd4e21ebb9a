"""Summaries as tables: aligned text, rich, Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archc.escaping import csv_cell, latex, markdown, visible, xml
from archc.measure.rows import LayerRow, LayerTable, seen_as_text

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = ("path", "op", "output", "params", "MACs", "receptive field")
NUMBERS = frozenset({"output", "params", "MACs", "receptive field"})
"""The columns that are aligned at their right."""

Row = tuple[str, ...]

_LEAST_OP = 14
"""To how many characters ops may be cut on a narrow terminal."""
_LEAST_PATH = 12
"""To how many characters paths may be folded."""


@dataclass(frozen=True, slots=True)
class Section:
    """A run of rows: the network's own layers, or those of one head."""

    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ", ".join((self.title, *self.notes))


def _sections(summary: LayerTable) -> list[Section]:
    main = summary.title or summary.name
    if summary.title and summary.title != summary.name:
        main = f"{summary.title} ({summary.name})"
    sections = [Section(visible(main), tuple(map(_row, summary.layers)))]
    for head in summary.heads:
        notes = (visible(f"from {head.source}"), f"loss weight {head.loss_weight:g}")
        rows = tuple(map(_row, head.layers))
        sections.append(Section(visible(f"head {head.name}"), rows, notes))
    return sections


def _row(layer: LayerRow) -> Row:
    place = "" if layer.place is None else f" on {layer.place}"
    return (
        visible(f"{layer.path} (again)" if layer.again else layer.path),
        visible(f"{layer.op} {layer.setting}".rstrip() + place),
        size(layer.output),
        f"{layer.params:,}" if layer.params else "",
        f"{layer.macs:,}" if layer.macs else "",
        seen_as_text(layer.receptive_field),
    )


def size(dims: Iterable[int], sign: str = "x") -> str:
    """A shape as people write it: `64x56x56`."""
    return sign.join(str(dim) for dim in dims)


def _named(
    what: str, shapes: Mapping[str, Iterable[int]], *, names: bool
) -> list[tuple[str, str]]:
    """One line for each shape, with its name where it has one."""
    return [(f"{what} {n}" if names else what, size(s)) for n, s in shapes.items()]


def totals(summary: LayerTable) -> list[tuple[str, str]]:
    """The totals with their names."""
    lines = [
        *_named("input", summary.inputs, names=summary.inputs_have_names),
        *_named("output", summary.outputs, names=summary.outputs_have_names),
        ("parameters", f"{summary.params:,}"),
    ]
    if summary.heads:
        lines.append(("with heads", f"{summary.params_with_heads:,}"))
    lines += [
        ("buffers", f"{summary.buffers:,}"),
        ("MACs", f"{summary.macs:,}"),
        ("FLOPs (2 x MACs)", f"{2 * summary.macs:,}"),
        ("receptive field", seen_as_text(summary.receptive_field)),
    ]
    return [(name, value) for name, value in lines if value]


_LAST_MAPS = (
    "The receptive field is the widest of the last maps before a global operation."
)


def remarks(summary: LayerTable) -> tuple[str, ...]:
    """Whose receptive field the total is, where the last layer has none."""
    told = summary.receptive_field is not None and summary.layers
    behind = told and summary.layers[-1].receptive_field is None
    return (_LAST_MAPS,) if behind else ()


def as_text(summary: LayerTable) -> str:
    """Plain aligned text."""
    sections = _sections(summary)
    widths = [
        max(len(row[i]) for row in (COLUMNS, *(r for s in sections for r in s.rows)))
        for i in range(len(COLUMNS))
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines: list[str] = []
    for number, section in enumerate(sections):
        lines += ["", str(section)] if number else [str(section), ""]
        if number == 0:
            lines.append(_aligned(COLUMNS, widths))
        lines.append(rule)
        lines += [_aligned(row, widths) for row in section.rows]
    lines += [rule, ""]
    named = totals(summary)
    left, right = (max(map(len, column)) for column in zip(*named, strict=True))
    lines += [f"{name:<{left}}  {value:>{right}}" for name, value in named]
    for said in remarks(summary):
        lines += ["", said]
    return "\n".join(lines) + "\n"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        f"{cell:>{width}}" if name in NUMBERS else f"{cell:<{width}}"
        for name, cell, width in zip(COLUMNS, row, widths, strict=True)
    ]
    return "  ".join(cells).rstrip()


def as_rich(summary: LayerTable, width: int) -> RenderableType:
    """For a terminal of that width."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    first, *heads = _sections(summary)
    # the header of the last column in two lines, for its numbers are short
    names = (*COLUMNS[:-1], COLUMNS[-1].replace(" ", "\n"))
    table = Table(
        box=box.SIMPLE_HEAD,
        title=Text(first.title, "bold"),
        padding=(0, 1, 0, 0),
    )
    for name, style in zip(names, ("cyan", "", "", "", "", "dim"), strict=True):
        right = name not in COLUMNS[:2]
        table.add_column(name, justify="right" if right else "left", style=style)
        table.columns[-1].no_wrap = name != "path"
        table.columns[-1].overflow = "fold" if name == "path" else "ellipsis"
    rows = [row for section in (first, *heads) for row in section.rows]
    table.columns[1].max_width = _room_for_op(rows, width)
    for section in (first, *heads):
        if section is not first:
            table.add_section()
            for title, note in zip((section.title, ""), section.notes, strict=True):
                table.add_row(Text(title, "bold"), Text(note, "bold"))
        for row in section.rows:
            table.add_row(*map(Text, row))
    sums = Table(box=None, show_header=False, padding=(0, 2))
    sums.add_column(style="bold")
    sums.add_column(justify="right")
    for name, value in totals(summary):
        sums.add_row(name, value)
    return Group(table, sums, *(Text(said, "dim") for said in remarks(summary)))


def set_width(summary: LayerTable, width: int) -> int:
    """How wide the table for a terminal of that width is: wider than it where numbers
    would be cut, or paths folded letter by letter."""
    rows = [row for section in _sections(summary) for row in section.rows]
    path, op, rest = _widths(rows)
    return max(width, min(path, _LEAST_PATH) + min(op, _LEAST_OP) + rest)


def _room_for_op(rows: Sequence[Row], width: int) -> int:
    """How wide the ops may be so that paths and numbers are whole.

    Where that is too little, paths are folded too.
    """
    path, op, rest = _widths(rows)
    return min(op, max(width - path - rest, _LEAST_OP))


def _widths(rows: Sequence[Row]) -> tuple[int, int, int]:
    """Of paths, of ops, and of the numbers with all gaps."""
    path, op, *numbers = (max(map(len, column)) for column in zip(*rows, strict=True))
    titles = ("output", "params", "MACs", "receptive")
    wide = [max(n, len(title)) for n, title in zip(numbers, titles, strict=True)]
    return path, op, sum(wide) + 2 * len(COLUMNS) + 2


def as_markdown(summary: LayerTable) -> str:
    """GitHub-flavoured Markdown."""
    lines: list[str] = []
    for section in _sections(summary):
        lines += [f"**{markdown(str(section))}**", "", pipes(COLUMNS)]
        lines.append(pipes("---:" if n in NUMBERS else ":---" for n in COLUMNS))
        lines += [pipes(map(markdown, row)) for row in section.rows]
        lines.append("")
    lines += [pipes(("total", "")), pipes((":---", "---:"))]
    lines += [pipes(map(markdown, pair)) for pair in totals(summary)]
    for said in remarks(summary):
        lines += ["", said]
    return "\n".join(lines) + "\n"


def pipes(cells: Iterable[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def as_latex(summary: LayerTable) -> str:
    """A longtable with booktabs rules, which may run over several pages."""
    first, *heads = _sections(summary)
    header = " & ".join(map(latex, COLUMNS))
    columns = "".join("r" if name in NUMBERS else "l" for name in COLUMNS)
    lines = [
        r"% needs \usepackage{booktabs,longtable}",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"\caption{{{latex(first.title)}}} \\",
        r"\toprule",
        rf"{header} \\",
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        rf"{header} \\",
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
    ]
    for section in (first, *heads):
        if section is not first:
            lines.append(r"\midrule")
            lines.append(_across(rf"\textbf{{{latex(str(section))}}}"))
        lines += [rf"{' & '.join(map(latex, row))} \\" for row in section.rows]
    lines.append(r"\midrule")
    lines += [_across(latex(f"{name}: {value}")) for name, value in totals(summary)]
    lines += map(_across, remarks(summary))
    lines.append(r"\end{longtable}")
    return "\n".join(lines) + "\n"


def _across(text: str) -> str:
    return rf"\multicolumn{{{len(COLUMNS)}}}{{@{{}}l@{{}}}}{{{text}}} \\"


def as_csv(summary: LayerTable) -> str:
    """RFC 4180, one row per layer; `head` is empty for the network's own layers. Where
    the network applies a layer again, the last column says of which rows that is so."""
    import csv
    from io import StringIO

    out = StringIO(newline="")
    writer = csv.writer(out)
    numbers = ("params", "macs", "receptive_field")
    heads = [("", summary.layers), *((h.name, h.layers) for h in summary.heads)]
    twice = any(layer.again for _, layers in heads for layer in layers)
    names = ("head", "path", "op", "input", "output", *numbers)
    writer.writerow((*names, "again") if twice else names)
    for head, layers in heads:
        for layer in layers:
            inputs = ";".join(map(size, layer.input))
            words = (head, layer.path, layer.op, inputs, size(layer.output))
            field = layer.receptive_field
            field = size(field) if isinstance(field, tuple) else field
            row: list[Any] = [*map(csv_cell, words)]
            row += layer.params, layer.macs, field
            writer.writerow([*row, "again" if layer.again else ""] if twice else row)
    return out.getvalue()


def as_html(summary: LayerTable) -> str:
    """For notebooks."""

    def line(cells: Iterable[str], tag: str = "td") -> str:
        right = ' style="text-align: right"'
        set_cells = (
            f"<{tag}{right if name in NUMBERS else ''}>{xml(cell)}</{tag}>"
            for name, cell in zip(COLUMNS, cells, strict=True)
        )
        return f"<tr>{''.join(set_cells)}</tr>"

    rows: list[str] = []
    for section in _sections(summary):
        title = f'<th colspan="{len(COLUMNS)}">{xml(str(section))}</th>'
        rows += [f"<tr>{title}</tr>", line(COLUMNS, "th"), *map(line, section.rows)]
    sums = ", ".join(f"{name} {xml(value)}" for name, value in totals(summary))
    last = "".join(f"<p>{said}</p>" for said in (sums, *remarks(summary)))
    return f"<table>{''.join(rows)}</table>{last}"
