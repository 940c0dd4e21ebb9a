"""Rows: tables in a list of tables, whose fields expressions read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archc.spec.expressions.kinds import is_tuple


@dataclass(frozen=True, slots=True)
class Row:
    """A row of which every value is known."""

    fields: tuple[str, ...]
    items: tuple[Any, ...]
    """A number, a word, or a (nested) list of them for each field."""


def rows_in(value: object) -> list[Row]:
    """The rows of a value: those of a list, or the one that it is."""
    if is_tuple(value):
        return [row for item in value for row in rows_in(item)]
    return [value] if isinstance(value, Row) else []
