"""The rows of a sweep, and which of them nothing beats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archc.design.ranges import RangeError
from archc.design.variants import Step, Variant
from archc.diagnostics.suggest import did_you_mean
from archc.measure.rows import seen_as_data
from archc.spec.expressions import is_sequence, is_tuple

QUANTITIES = ("params", "macs", "receptive_field", "depth", "memory")


@dataclass(frozen=True, slots=True)
class Row:
    """One combination; `memory` is the peak of a training step in bytes."""

    variant: Variant
    memory: int | None

    def number(self, column: str) -> float | None:
        """What a column holds, if that is a number."""
        found: Any = self.variant.values.get(column)
        if column in QUANTITIES and column not in self.variant.values:
            found = None
            if self.variant.problem is None:
                found = (
                    self.memory if column == "memory" else getattr(self.variant, column)
                )
        if is_tuple(found):
            found = max(found) if column == "receptive_field" else None
        plain = isinstance(found, int | float) and not isinstance(found, bool)
        return found if plain else None


@dataclass(frozen=True, slots=True)
class Table:
    """The table of a sweep."""

    name: str
    varied: tuple[str, ...]
    step: Step
    """The training step whose memory it gives."""
    rows: tuple[Row, ...]

    def column(self, name: str) -> str:
        """A column that can be plotted: a quantity, or what is varied.

        Raises:
            RangeError: if there is no such column, or it holds no numbers.
        """
        known = (*QUANTITIES, *self.varied)
        if name not in known:
            raise RangeError(
                f"there is no column {name!r}; {did_you_mean(name, known)}"
            )
        if all(row.number(name) is None for row in self.rows):
            raise RangeError(f"the column {name!r} holds no numbers to plot")
        return name

    def front(self, x: str, y: str) -> tuple[Row, ...]:
        """The rows that nothing beats: no other has as much of `y` for as little of `x`
        (and more of the one or less of the other), from the least `x` on."""
        found = [
            (a, b, row)
            for row in self.rows
            if (a := row.number(x)) is not None and (b := row.number(y)) is not None
        ]
        found.sort(key=lambda point: (point[0], -point[1]))
        front: list[tuple[float, float, Row]] = []
        for point in found:
            if not front or point[1] > front[-1][1] or point[:2] == front[-1][:2]:
                front.append(point)
        return tuple(row for _, _, row in front)

    def to_dict(self) -> dict[str, Any]:
        """As `archc sweep --format json` gives it."""
        return {
            "name": self.name,
            "varied": list(self.varied),
            "memory": self.step._asdict(),
            "variants": [_as_data(row) for row in self.rows],
        }


def _as_data(row: Row) -> dict[str, Any]:
    variant = row.variant
    values = {name: plain(value) for name, value in variant.values.items()}
    if variant.problem is not None:
        return {"values": values, "problem": variant.problem}
    return {
        "values": values,
        "params": variant.params,
        "macs": variant.macs,
        "receptive_field": seen_as_data(variant.receptive_field),
        "depth": variant.depth,
        "memory": row.memory,
    }


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    return list(map(plain, value)) if is_sequence(value) else value
