"""The table of a sweep as text and CSV."""

from __future__ import annotations

import json
from typing import Any

from archc.design.table import QUANTITIES, Row, Table, plain
from archc.escaping import csv_cell, visible
from archc.measure.memory_table import amount
from archc.measure.rows import seen_as_text

_HEADS = ("parameters", "multiply-adds", "receptive field", "depth", "memory")


def value_text(value: Any) -> str:
    """A value of a parameter as a spec has it: `[2, 2, 2, 2]`."""
    if isinstance(value, str):
        return visible(value)
    return visible(json.dumps(plain(value), ensure_ascii=False))


def as_text(sweep: Table) -> str:
    """Plain aligned text; a combination that is no network says why."""
    heads = (*sweep.varied, *_HEADS)
    rows = [_cells(row) for row in sweep.rows]
    whole = [row for row in rows if len(row) == len(heads)]
    widths = [max(len(r[i]) for r in (heads, *whole)) for i in range(len(heads))]
    for row in rows:
        for i in range(len(sweep.varied)):
            widths[i] = max(widths[i], len(row[i]))
    step = sweep.step
    lines = [
        f"{visible(sweep.name)}: {len(rows):,} variants; memory of a training step,"
        f" batch {step.batch:,}, {step.optimizer}, {step.precision}, {step.device}",
        "",
        _line(heads, widths),
        "-" * (sum(widths) + 2 * (len(widths) - 1)),
        *(_line(row, widths) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    if len(cells) < len(widths):
        *values, problem = cells
        start = [c.rjust(w) for c, w in zip(values, widths, strict=False)]
        return "  ".join([*start, problem])
    aligned = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(aligned).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    variant = row.variant
    values = map(value_text, variant.values.values())
    if variant.problem is not None:
        return (*values, variant.problem)
    return (
        *values,
        f"{variant.params:,}",
        f"{variant.macs:,}",
        seen_as_text(variant.receptive_field),
        str(variant.depth),
        "" if row.memory is None else amount(row.memory),
    )


def as_csv(sweep: Table) -> str:
    """Memory is in bytes; `problem` is empty for a network."""
    import csv
    from io import StringIO

    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow((*map(csv_cell, sweep.varied), *QUANTITIES, "problem"))
    for row in sweep.rows:
        variant = row.variant
        cells: list[Any] = [_csv_value(value) for value in variant.values.values()]
        if variant.problem is None:
            field = variant.receptive_field
            seen = seen_as_text(field) if isinstance(field, tuple) else field
            numbers = (variant.params, variant.macs, seen, variant.depth, row.memory)
            writer.writerow((*cells, *numbers, ""))
        else:
            empty = [""] * len(QUANTITIES)
            writer.writerow((*cells, *empty, csv_cell(variant.problem)))
    return out.getvalue()


def _csv_value(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else csv_cell(value_text(value))
