"""Receptive fields, after Araujo, Norris and Sim, "Computing receptive fields of
convolutional neural networks", Distill 2019: a window of span k on a map whose pixels
are
`step` input pixels apart widens the field by (k - 1) * step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from archc.ops.base import Everywhere, Window

Number = int | Fraction
Reach = Window | Everywhere | None
"""What `Op.reach` gives."""


@dataclass(frozen=True, slots=True)
class Field:
    """How many input pixels one pixel of a map sees, and how far apart two neighbours
    see, as (height, width) in input pixels."""

    span: tuple[Number, Number]
    step: tuple[Number, Number]

    @classmethod
    def pixel(cls) -> Field:
        return cls((1, 1), (1, 1))


def field_after(reach: Reach, inputs: Sequence[Field | None]) -> Field | None:
    """The field behind an op that reaches so far; None behind a global operation.

    A merge has that of its widest input.
    """
    present = [f for f in inputs if f is not None]
    if not present:
        return None
    field = present[0] if len(present) == 1 else _widest(present)
    if reach is None:
        return field
    if isinstance(reach, Everywhere):
        return None
    span = [
        s + (k - 1) * d
        for s, k, d in zip(field.span, reach.span, field.step, strict=True)
    ]
    step = [d * w for d, w in zip(field.step, reach.step, strict=True)]
    return Field((span[0], span[1]), (step[0], step[1]))


def _widest(fields: Sequence[Field]) -> Field:
    return Field(
        (max(f.span[0] for f in fields), max(f.span[1] for f in fields)),
        (max(f.step[0] for f in fields), max(f.step[1] for f in fields)),
    )


def whole(field: Field) -> int:
    """The longer side in whole pixels."""
    return ceil(max(field.span))
