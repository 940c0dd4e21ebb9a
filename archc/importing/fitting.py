"""Expressions for numbers that differ between occurrences.

Of what fits all of them, the shortest is taken: a number, a name, a name and a number,
two names, one thing in the first turn and another in the rest.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

from archc.importing.conditions import condition
from archc.importing.expressions import COUNTERS, Expression, Names
from archc.importing.pieces import MISSING, Occurrence, Unread
from archc.spec.expressions import is_sequence


def fitted(values: Sequence[Any], places: Sequence[Occurrence], names: Names) -> Any:
    """The constant or `Expression` that has these values at these places; None if there
    is no short one."""
    read = [n for n, v in enumerate(values) if not isinstance(v, Unread)]
    if not read:
        return values[0].instead
    values, places = [values[n] for n in read], [places[n] for n in read]
    if _all_same(values):
        return values[0]
    if all(is_sequence(v) and len(v) == len(values[0]) for v in values):
        # each of the sizes by itself
        parts = [fitted(column, places, names) for column in zip(*values, strict=True)]
        return None if any(part is None for part in parts) else parts
    found = _fitted_by_names(values, places, names)
    if found is None:
        found = _fitted_by_turns(values, places, names)
    return found


def _all_same(values: Sequence[Any]) -> bool:
    first = values[0]
    return all(v is first or (type(v) is type(first) and v == first) for v in values)


def _whole(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int) and not isinstance(v, bool) for v in values)


def _fitted_by_names(
    values: Sequence[Any], places: Sequence[Occurrence], names: Names
) -> Any:
    if any(v is MISSING for v in values):
        return None
    columns = list(names.columns(places))
    for name, column in columns:
        if _equal(column, values):
            return Expression(name)
    if all(isinstance(v, bool) for v in values):
        return condition(values, columns, places, names)
    if not _whole(values):
        return None
    columns = [(n, c) for n, c in columns if _whole(c) and not _all_same(c)]
    for told in (_one_name, _parts):
        for name, column in columns:
            text = told(name, column, values)
            if text:
                return Expression(text)
    for n, (one, first) in enumerate(columns):
        for other, second in columns[n + 1 :]:
            for sign, function in _TWO.items():
                if _equal(list(map(function, first, second)), values):
                    return Expression(f"{one} {sign} {other}")
    return None


_TWO: dict[str, Callable[[int, int], int]] = {
    "*": operator.mul,
    "+": operator.add,
    "-": operator.sub,
    "//": lambda a, b: a // b if b else -1,
}


def _equal(column: Sequence[Any], values: Sequence[Any]) -> bool:
    return all(
        a == b and isinstance(a, bool) == isinstance(b, bool)
        for a, b in zip(column, values, strict=True)
    )


def _one_name(name: str, column: list[int], values: Sequence[int]) -> str | None:
    """A name with one number."""
    a, v = column[0], values[0]
    if _equal([x // 2 for x in column], values):
        return f"{name} // 2"
    if a and v % a == 0 and _equal([x * (v // a) for x in column], values):
        return f"{name} * {v // a}"
    if (
        a > 0
        and v > 0
        and a % v == 0
        and _equal([x // (a // v) for x in column], values)
    ):
        return f"{name} // {a // v}"
    if _equal([(x - 1) // 2 for x in column], values):
        return f"({name} - 1) // 2"
    if 0 < abs(v - a) <= 4 and _equal([x + v - a for x in column], values):
        return f"{name} {'+' if v > a else '-'} {abs(v - a)}"
    return None


_PARTS = (3, 4)
"""Of so many equal parts of a number several may be meant."""


def _parts(name: str, column: list[int], values: Sequence[int]) -> str | None:
    """Some of the equal parts of a name."""
    a, v = column[0], values[0]
    for whole in _PARTS:
        part = round(whole * v / a) if a else 0
        if 1 < part < whole and _equal([x * part // whole for x in column], values):
            return f"{name} * {part} // {whole}"
    return None


def _fitted_by_turns(
    values: Sequence[Any], places: Sequence[Occurrence], names: Names
) -> Any:
    """An expression of the counters."""
    depth = min(len(o.counters) for o in places)
    for level in reversed(range(depth)):
        counter = COUNTERS[level]
        turns = [o.counters[level] for o in places]
        if _all_same(turns):
            continue
        text = _by_counter(values, turns, counter)
        if text:
            return Expression(text)
        for at in _apart(turns, places, level):
            chosen = [t == at for t in turns]
            others = [t != at for t in turns]
            first, second = (
                _simple([*compress(values, some)], [*compress(places, some)], names)
                for some in (chosen, others)
            )
            if first is None or second is None:
                continue
            rest = f"{counter} > 0" if at == 0 else f"{counter} < {at}"
            if (first, second) == ("True", "False"):
                return Expression(f"{counter} == {at}")
            if (first, second) == ("False", "True"):
                return Expression(rest)
            if at == 0:
                return Expression(f"{first} if {counter} == 0 else {second}")
            return Expression(f"{second} if {rest} else {first}")
    return _fitted_by_two(values, places) if depth > 1 else None


def _apart(turns: list[int], places: Sequence[Occurrence], level: int) -> list[int]:
    """The turns that may be told from all others: the first, and the last of three or
    more where it is the same everywhere."""
    last: dict[tuple[int, tuple[int, ...]], int] = {}
    for turn, place in zip(turns, places, strict=True):
        around = place.instance, place.counters[:level]
        last[around] = max(last.get(around, 0), turn)
    (end, *more) = {*last.values()}
    found = [0] if 0 in turns else []
    return found if more or end < 2 else [*found, end]


def _fitted_by_two(values: Sequence[Any], places: Sequence[Occurrence]) -> Any:
    """One number in the first turns of an inner repetition but for its first time, or
    there alone, and another elsewhere."""
    if any(v is MISSING or not isinstance(v, int | float) for v in values):
        return None
    for sign, later in ((">", True), ("==", False)):
        tests = [o.counters[-1] == 0 and (o.counters[-2] > 0) == later for o in places]
        inside = [v for v, t in zip(values, tests, strict=True) if t]
        others = [v for v, t in zip(values, tests, strict=True) if not t]
        if inside and others and _all_same(inside) and _all_same(others):
            depth = len(places[0].counters)
            outer, inner = COUNTERS[depth - 2 : depth]
            test = f"{outer} {sign} 0 and {inner} == 0"
            if inside[0] is True and others[0] is False:
                return Expression(test)
            if inside[0] is False and others[0] is True:
                other = "== 0" if later else "> 0"
                return Expression(f"{outer} {other} or {inner} > 0")
            return Expression(f"{inside[0]!r} if {test} else {others[0]!r}")
    return None


def _simple(
    values: Sequence[Any], places: Sequence[Occurrence], names: Names
) -> str | None:
    if any(v is MISSING or not isinstance(v, int | float) for v in values):
        return None
    if _all_same(values):
        return repr(values[0])
    found = _fitted_by_names(values, places, names)
    return None if found is None or " or " in str(found) else str(found)


def _by_counter(values: Sequence[Any], turns: list[int], counter: str) -> str | None:
    """Numbers that grow evenly, or double."""
    if not _whole(values):
        return _share_of_turns(values, turns, counter)
    by_turn: dict[int, int] = {}
    for value, turn in zip(values, turns, strict=True):
        if by_turn.setdefault(turn, value) != value:
            return None
    if len(by_turn) < 2 or 0 not in by_turn or 1 not in by_turn:
        return None
    start, step = by_turn[0], by_turn[1] - by_turn[0]
    if len(by_turn) > 2 or step == 1:
        if all(v == start + step * t for t, v in by_turn.items()):
            turn = counter if step == 1 else f"{step} * {counter}"
            if step == -1:
                return f"{start} - {counter}"
            return (
                turn
                if start == 0
                else f"{turn} + {start}"
                if step == 1
                else f"{start} + {turn}"
            )
        if start and all(v == start * 2**t for t, v in by_turn.items()):
            return f"{start} * 2 ** {counter}"
    return None


_MOST_PARTS = 256
"""The layers of a network of which drop rates are shares, at most."""


def _share_of_turns(
    values: Sequence[Any], turns: list[int], counter: str
) -> str | None:
    """A rate times the number of a turn by how many there are, as drop rates grow, if
    that gives the very numbers."""
    if not all(isinstance(v, float) for v in values):
        return None
    by_turn = dict(zip(turns, values, strict=True))
    if len(by_turn) < 2 or any(
        by_turn[t] != v for t, v in zip(turns, values, strict=True)
    ):
        return None
    low, high = min(by_turn), max(by_turn)
    step = (by_turn[high] - by_turn[low]) / (high - low)
    if step <= 0:
        return None
    start = round(by_turn[low] / step) - low
    for parts in range(1, _MOST_PARTS):
        rate = round(step * parts, 4)
        if all(v == rate * (start + t) / parts for t, v in by_turn.items()):
            turn = f"({counter} + {start})" if start else counter
            return f"{rate} * {turn}" + (f" / {parts}" if parts > 1 else "")
    return None
