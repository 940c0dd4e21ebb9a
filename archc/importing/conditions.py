"""Comparisons that are true where a node is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from archc.importing.expressions import Expression, Names
from archc.importing.pieces import Occurrence

Column = tuple[str, list[Any]]


def condition(
    values: Sequence[bool],
    columns: list[Column],
    places: Sequence[Occurrence],
    names: Names,
) -> Any:
    """A comparison that is true where they are, or two of them.

    Numbers of channels are compared with each other, and others with numbers.
    """
    tests: list[tuple[str, list[bool]]] = []
    wide = [(n, c) for n, c in columns if n in names.widths or n == "in_channels"]
    for name, column in columns:
        if (name, column) in wide:
            continue
        if all(isinstance(v, bool) for v in column):
            tests.append((f"not {name}", [not v for v in column]))
            continue
        for number in (1, 0):
            tests.append((f"{name} != {number}", [x != number for x in column]))
            tests.append((f"{name} == {number}", [x == number for x in column]))
        tests.append((f"{name} > 1", [x > 1 for x in column]))
    tests += _by_ends(wide, places, names)
    if names.test:
        # what is read is the last of them
        pairs = sorted(combinations(wide, 2), key=lambda p: p[1][0] != "in_channels")
        differ = [test for pair in pairs for test in _unlike(*pair)]
        alike = [(text.replace("!=", "=="), [not d for d in c]) for text, c in differ]
        tests += alike if names.test == "==" else differ
    for text, column in tests:
        if column == list(values):
            return Expression(text)
    for n, (one, first) in enumerate(tests):
        for other, second in tests[n + 1 :]:
            if [a or b for a, b in zip(first, second, strict=True)] == list(values):
                return Expression(f"{one} or {other}")
            if [a and b for a, b in zip(first, second, strict=True)] == list(values):
                return Expression(f"{one} and {other}")
    return None


def negated(test: str) -> str:
    """The test that is true where this one is not, if it is made of comparisons."""
    joint = re.search(r" (or|and) ", test)
    if joint is not None:
        other = {"or": " and ", "and": " or "}[joint[1]]
        return other.join(map(negated, test.split(joint[0])))
    for one, turned in (("==", "!="), ("!=", "=="), ("> 1", "<= 1")):
        if one in test:
            return test.replace(one, turned)
    return test.removeprefix("not ") if test.startswith("not ") else f"not {test}"


def _by_ends(
    wide: list[Column], places: Sequence[Occurrence], names: Names
) -> Iterator[Column]:
    """Tests whether the body gives as many channels as it reads, where what is read at
    these places is what it reads."""
    ends = [names.ends[o.instance] for o in places if o.instance in names.ends]
    if [e.reads for e in ends] != [o.in_channels for o in places]:
        return
    gives = [e.gives for e in ends]
    for name, column in wide:
        factor = gives[0] // column[0] if column[0] else 0
        if name == "in_channels" or [x * factor for x in column] != gives:
            continue
        scaled = name if factor == 1 else f"{name} * {factor}"
        differ = [o.in_channels != g for o, g in zip(places, gives, strict=True)]
        yield f"in_channels != {scaled}", differ
        yield f"in_channels == {scaled}", [not d for d in differ]


def _unlike(a: Column, b: Column) -> Iterator[Column]:
    """Tests whether numbers of channels are others, or so many times others."""
    (name, column), (other, second) = a, b
    factors = {1}
    for x, y in zip(column, second, strict=True):
        if x and y % x == 0 and y // x <= 8:
            factors.add(y // x)
    for factor in sorted(factors):
        scaled = name if factor == 1 else f"{name} * {factor}"
        differ = [x * factor != y for x, y in zip(column, second, strict=True)]
        yield f"{other} != {scaled}", differ
