"""The table of `archc list` and its formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from archc.catalog import PUBLISHED
from archc.escaping import csv_cell, json_text, markdown, visible
from archc.measure.tables import pipes, size

if TYPE_CHECKING:
    from rich.table import Table

    from archc.catalog import Entry
    from archc.pipeline import Analysis

COLUMNS = ("key", "title", "edition", "year", "input", "parameters", "MACs")
_TEXT = 3
"""How many columns hold words; the others are aligned at their right."""
_LEAST_TITLE = 20
"""To how many characters titles may be cut on a narrow terminal."""
# not the number of a paper: arXiv:1905.02244
_YEAR = re.compile(r"(?<![\d.:])(?:19|20)\d\d(?!\d|\.\d)")


class Row(NamedTuple):
    """One network; without numbers where its spec has errors."""

    key: str
    title: str
    edition: str
    file: str
    year: int | None = None
    input: tuple[int, ...] = ()
    params: int | None = None
    macs: int | None = None
    error: str | None = None

    def cells(self) -> tuple[str, ...]:
        """As people read it."""
        return (
            visible(self.key),
            visible(self.error or self.title),
            visible(self.edition),
            "" if self.year is None else str(self.year),
            size(self.input, "×"),
            "" if self.params is None else f"{self.params:,}",
            "" if self.macs is None else f"{self.macs:,}",
        )


def row(entry: Entry, analysis: Analysis | None) -> Row:
    """What the list says of a network."""
    file = str(entry.path)
    if analysis is None:
        error = f"has errors: archc check {file}"
        return Row(entry.key, "", entry.edition, file, error=error)
    spec, shape = analysis.network.spec, analysis.network.input.shape
    assert shape is not None
    year = _YEAR.search(spec.source or "")
    return Row(
        entry.key,
        spec.title or "",
        entry.edition,
        file,
        int(year[0]) if year else None,
        shape.sizes,
        analysis.facts.params,
        analysis.facts.macs,
    )


def order(
    row: Row,
) -> tuple[bool, str, bool, int, list[tuple[bool, int, str]], str]:
    """By edition, the papers' own first, by year, then by name as people count: vgg9
    before vgg11."""
    other = row.edition != PUBLISHED
    name = row.key.rpartition("/")[2]
    parts = re.findall(r"\d+|\D+", name)
    natural = [(p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]
    return other, row.edition, row.year is None, row.year or 0, natural, row.key


def _parted(rows: Sequence[Row]) -> list[list[Row]]:
    return [list(group) for _, group in groupby(rows, lambda row: row.edition)]


def as_text(rows: Sequence[Row]) -> str:
    """Plain aligned text, with an empty line between editions."""
    table = [COLUMNS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            f"{cell:<{width}}" if number < _TEXT else f"{cell:>{width}}"
            for number, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    parts = ["\n".join(line(row.cells()) for row in part) for part in _parted(rows)]
    return f"{line(COLUMNS)}\n{rule}\n" + "\n\n".join(parts) + "\n"


def as_rich(rows: Sequence[Row], width: int) -> Table:
    """For a terminal of that width; what does not fit on it is left out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    left_out = _left_out(rows, width)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, name in enumerate(COLUMNS):
        if name not in left_out:
            table.add_column(
                name,
                style="cyan" if name == "key" else "",
                justify="left" if number < _TEXT else "right",
                no_wrap=name != "title",
                min_width=_LEAST_TITLE if name == "title" else None,
            )
    for part in _parted(rows):
        table.add_section()
        for row in part:
            cells = {n: Text(c) for n, c in zip(COLUMNS, row.cells(), strict=True)}
            title = cells["title"]
            if row.error:
                title.stylize("red")
            else:
                title.no_wrap, title.overflow = True, "ellipsis"
            table.add_row(*(cells[n] for n in COLUMNS if n not in left_out))
    return table


def set_width(rows: Sequence[Row], width: int) -> int:
    """How wide the table for a terminal of that width is: wider than it where keys and
    numbers would be cut."""
    return max(width, _needed(_shown(rows, width)))


def _left_out(rows: Sequence[Row], width: int) -> set[str]:
    return {*COLUMNS}.difference(_shown(rows, width))


def _shown(rows: Sequence[Row], width: int) -> dict[str, int]:
    """The columns for which there is room, with their widths; those of keys and numbers
    are there in any case."""
    cells = (COLUMNS, *(row.cells() for row in rows))
    columns = zip(*cells, strict=True)
    room = {n: max(map(len, c)) for n, c in zip(COLUMNS, columns, strict=True)}
    room["title"] = min(room["title"], _LEAST_TITLE)
    for name in ("edition", "title", "input"):
        if _needed(room) <= width:
            break
        # an error is told in the place of the title
        if name != "title" or not any(row.error for row in rows):
            del room[name]
    return room


def _needed(room: Mapping[str, int]) -> int:
    return sum(room.values()) + 2 * len(room) + 2


def as_markdown(rows: Sequence[Row]) -> str:
    """GitHub-flavoured Markdown."""
    lines = [pipes(COLUMNS)]
    lines.append(pipes(":---" if n < _TEXT else "---:" for n in range(len(COLUMNS))))
    lines += [pipes(map(markdown, row.cells())) for row in rows]
    return "\n".join(lines) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """RFC 4180."""
    import csv
    from io import StringIO

    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(Row._fields)
    for row in rows:
        cells = (size(c) if isinstance(c, tuple) else c for c in row)
        writer.writerow(csv_cell(c) if isinstance(c, str) else c for c in cells)
    return out.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """A list with an object for each network."""
    import json

    def table(row: Row) -> dict[str, Any]:
        # where there are errors nothing is known of these
        empty = {"input": None, "title": None} if row.error else {}
        return {**row._asdict(), "title": row.title or None, **empty}

    text = json.dumps(list(map(table, rows)), indent=2, ensure_ascii=False)
    return json_text(text) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Row]], str]] = {
    "text": as_text,
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
}
