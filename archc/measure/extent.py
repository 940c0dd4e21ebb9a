"""What the positions along one axis of a map see along one axis of the input.

A position sees from a lowest to a highest input position, whole numbers that may lie
beyond the input's borders. Behind windows alone a position sees what the one before it
sees, moved by the stride; behind a resizing this holds of every n-th position, with
n at most about the size of the map. So what all positions see is n pairs of numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd, lcm
from typing import NamedTuple, TypeAlias

from archc.ops.reach import Read

Span: TypeAlias = tuple[int, int] | None
"""The lowest and the highest input position seen; None where none is, as between the
pixels that a transposed convolution lays apart."""
MAX_PERIOD = 2**16
"""The longest pattern that is followed."""


class TooIrregular(Exception):
    """What positions see repeats after more than `MAX_PERIOD` of them."""


class Extent(NamedTuple):
    """Position period * t + r sees `spans[r]`, moved by t * advance input positions."""

    period: int
    advance: int
    spans: tuple[Span, ...]

    def at(self, position: int) -> Span:
        turn, rest = divmod(position, self.period)
        span = self.spans[rest]
        if span is None:
            return None
        moved = self.advance * turn
        return span[0] + moved, span[1] + moved

    def over(self, size: int) -> Sequence[Span]:
        """What the positions of a map see that can differ: of so many, one period."""
        return self.spans if self.period <= size else self.spans[:size]


PIXEL = Extent(1, 1, ((0, 0),))
"""Of the input: each position sees itself."""


def seen_through(x: Extent, reads: tuple[Read, ...], size: int, out: int) -> Extent:
    """What `out` positions see that read so along an axis of `size` positions, which
    see `x`."""
    for read in reads[:-1]:
        size *= read.per
        x = _seen(read, x, size)
    return _seen(reads[-1], x, out) if reads else x


def _seen(read: Read, x: Extent, out: int) -> Extent:
    if x.period == 1 and read.per == 1 and x.spans[0] is not None:
        (low, high), a = x.spans[0], x.advance
        span = (low + a * read.first, high + a * read.last)
        return Extent(1, a * read.step, (span,))
    shared = gcd(read.step, read.per)
    step, per = read.step // shared, read.per // shared
    turns = x.period // gcd(x.period, step)
    return _tabulated(
        per * turns, x.advance * (step * turns // x.period), _reader(read, x), out
    )


def _reader(read: Read, x: Extent) -> Callable[[int], Span]:
    """What the position sees that is asked for."""
    step, per, before, behind, gap, beside = read
    blocks = [x] if _is_regular(x) else _blocks(x, gap)

    def see(position: int) -> Span:
        first, rest = divmod(position * step + before, per)
        last = (position * step + behind) // per
        if rest:
            first, last = first - beside, last + beside
        if first > last:
            return None
        # two blocks that cover the window, or enough of either end
        count = (last - first) // gap + 1
        level = min(count.bit_length(), len(blocks)) - 1
        block = blocks[level]
        return _hull(block.at(first), block.at(last - gap * ((1 << level) - 1)))

    return see


def _is_regular(x: Extent) -> bool:
    """Whether all positions see something, and none less far than one before it: the
    ends of a window are then all that counts."""
    if x.period == 1:
        return x.spans[0] is not None
    before = x.at(-1)
    for span in x.spans:
        if before is None or span is None or before[0] > span[0] or before[1] > span[1]:
            return False
        before = span
    return True


def _blocks(x: Extent, gap: int) -> list[Extent]:
    """What 1, 2, 4, ... positions see together, each `gap` from the one before it.

    The last are at least a period: of more, only those at either end count.
    """
    blocks = [x]
    while 1 << (len(blocks) - 1) < x.period:
        last, far = blocks[-1], gap << (len(blocks) - 1)
        spans = (_hull(last.at(r), last.at(r + far)) for r in range(x.period))
        blocks.append(x._replace(spans=tuple(spans)))
    return blocks


def joined(a: Extent, b: Extent, size: int) -> Extent:
    """What each of `size` positions sees of which one map sees `a`, the other `b`."""
    if a is b:
        return a
    if a.period == b.period and a.advance == b.advance:
        spans = tuple([_hull(*pair) for pair in zip(a.spans, b.spans, strict=True)])
        return (
            a
            if spans == a.spans
            else b
            if spans == b.spans
            else a._replace(spans=spans)
        )
    if a.advance * b.period == b.advance * a.period:
        period = lcm(a.period, b.period)
        advance = a.advance * (period // a.period)
    else:
        # the further down the map, the further apart: each position is on its own
        period = 3 * size
        advance = max(-(-period * x.advance // x.period) for x in (a, b))
    return _tabulated(period, advance, lambda i: _hull(a.at(i), b.at(i)), size)


def _hull(a: Span, b: Span) -> Span:
    if a is None or b is None:
        return b if a is None else a
    return min(a[0], b[0]), max(a[1], b[1])


def _tabulated(
    period: int, advance: int, see: Callable[[int], Span], size: int
) -> Extent:
    """The extent of a map of `size` positions, of which `see` tells what each sees.

    Of a pattern that is longer than that, the map itself and as much on either side
    of it, which is read where padding is: beyond, it goes on about as steeply.
    """
    if period >= 3 * size:
        period, advance = 3 * size, -(-3 * size * advance // period)
        positions = [*range(2 * size), *range(-size, 0)]
    else:
        positions = range(period)
    if period > MAX_PERIOD:
        raise TooIrregular
    spans = (_moved(see(i), 0 if i >= 0 else advance) for i in positions)
    return Extent(period, advance, tuple(spans))


def _moved(span: Span, by: int) -> Span:
    return span if span is None or not by else (span[0] + by, span[1] + by)


def longest(x: Extent, size: int) -> int:
    """The most input positions, from the lowest to the highest, that one of `size`
    positions sees; 0 where none sees any."""
    if x.period == 1 and x.spans[0] is not None:
        low, high = x.spans[0]
        return high - low + 1
    return max((s[1] - s[0] + 1 for s in x.over(size) if s is not None), default=0)


def lowest(x: Extent, size: int) -> int | None:
    """The lowest input position that one of `size` positions sees."""
    spans = (x.at(i) for i in range(min(size, x.period)))
    return min((s[0] for s in spans if s is not None), default=None)


def highest(x: Extent, size: int) -> int | None:
    """The highest input position that one of `size` positions sees."""
    spans = (x.at(i) for i in range(max(0, size - x.period), size))
    return max((s[1] for s in spans if s is not None), default=None)
