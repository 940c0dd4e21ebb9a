"""Which positions of its input an op reads, axis by axis.

Borders cut nothing: what stands in the padding is read as if the map went on there.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, TypeAlias


class Read(NamedTuple):
    """What position i reads along one axis.

    From (i * step + first) // per up to (i * step + last) // per, every `gap`-th
    position of these, and nothing where the second is below the first. Where the first
    division leaves a rest, `beside` more on either side.
    """

    step: int = 1
    per: int = 1
    first: int = 0
    last: int = 0
    gap: int = 1
    beside: int = 0


class Along(NamedTuple):
    """What one axis of the output reads: by these steps, the one next to the input
    first, along an axis of the input."""

    axis: int
    reads: tuple[Read, ...] = ()


@dataclass(frozen=True, slots=True)
class Everywhere:
    """The reach of an op whose every output sees its whole input."""


EVERYWHERE = Everywhere()
PerAxis: TypeAlias = tuple[Along | None, ...]
"""For each axis of the output, the batch not counted, what it reads; None for the
channels, of which all are read. Of an axis of the input that is not named, each reads
all."""
Reach: TypeAlias = PerAxis | Everywhere | None
"""How far an op looks; None where a pixel sees that pixel, on the same axes."""


def over_map(*axes: tuple[Read, ...]) -> PerAxis | None:
    """Of an op that takes a map, channels first, to a map: each axis apart."""
    if all(reads == (Read(),) for reads in axes):
        return None
    return (None, *(Along(axis, reads) for axis, reads in enumerate(axes, 1)))


def window(kernel: int, stride: int, padding: int, dilation: int = 1) -> Read:
    """A window that slides over a padded axis."""
    last = dilation * (kernel - 1) - padding
    return Read(stride, first=-padding, last=last, gap=dilation)


def spread(kernel: int, stride: int, padding: int, dilation: int) -> tuple[Read, Read]:
    """A transposed window: one of stride 1 over the axis with stride - 1 zeros behind
    each position."""
    zeros = Read(per=stride, first=stride - 1)
    return zeros, window(kernel, 1, dilation * (kernel - 1) - padding, dilation)


def parts(size: int, count: int) -> Read:
    """An axis of so many positions in `count` equal parts, of which whole positions are
    read: i * size / count rounded down up to (i + 1) * size / count rounded up."""
    return Read(size, count, 0, size - 1)


def between(scale: Fraction, offset: Fraction, beside: int) -> Read:
    """The two neighbours of i * scale + offset, or the one that it falls on; of two,
    `beside` more on either side."""
    per = scale.denominator * offset.denominator
    step, first = int(scale * per), int(offset * per)
    return Read(step, per, first, first + per - 1, beside=beside)


def nearest(scale: Fraction, offset: Fraction) -> Read:
    """The position that i * scale + offset rounded down gives."""
    per = scale.denominator * offset.denominator
    step, first = int(scale * per), int(offset * per)
    return Read(step, per, first, first)
