"""Every combination of values as a table."""

from __future__ import annotations

import json
from collections.abc import Callable

from archc.design.ranges import RangeError, combinations, size
from archc.design.table import Row, Table
from archc.design.variants import Step, Variants
from archc.escaping import json_text

MAX_VARIANTS = 100_000
Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


class Sweep(Table):
    """A table that can be printed, plotted and saved."""

    def to_json(self) -> str:
        return (
            json_text(json.dumps(self.to_dict(), indent=2, ensure_ascii=False)) + "\n"
        )

    def to_csv(self) -> str:
        """RFC 4180, one row per combination."""
        from archc.design.sweep_table import as_csv

        return as_csv(self)

    def to_svg(self, x: str = "macs", y: str = "params") -> str:
        """The rows as points, `y` against `x`, with the front.

        Raises:
            RangeError: as `column`.
        """
        from archc.design.plot import as_svg

        return as_svg(self, self.column(x), self.column(y))

    def __str__(self) -> str:
        from archc.design.sweep_table import as_text

        return as_text(self).rstrip("\n")

    def _repr_svg_(self) -> str:
        return self.to_svg()


def sweep(
    variants: Variants, step: Step, progress: Progress = lambda done, of: None
) -> Sweep:
    """Every combination of the ranges.

    Raises:
        RangeError: if there are more than `MAX_VARIANTS`.
    """
    total = size(variants.ranges)
    if total > MAX_VARIANTS:
        raise RangeError(
            f"these are {total:,} combinations; a table may have {MAX_VARIANTS:,}"
        )
    rows: list[Row] = []
    for values in combinations(variants.ranges):
        variant = variants.at(values)
        known = variant.problem is None
        rows.append(Row(variant, variants.memory(values, step) if known else None))
        progress(len(rows), total)
    names = tuple(r.name for r in variants.ranges)
    return Sweep(variants.spec.name, names, step, tuple(rows))
