"""What `--vary` says: the values that a parameter is to take."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

from archc.source.kinds import is_list, is_table
from archc.spec.expressions import is_sequence

MAX_FRACTIONS = 100_000
"""How many values a range may have whose step is no whole number."""
_NUMBER = r"[+-]?\d+(?:_\d+)*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"
_SPAN = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")


class RangeError(ValueError):
    """Text, or a value from Python, that says no values for a parameter."""


_NAME = re.compile(r"([^\W\d]\w*)((?:\[\d{1,4}\])*)")


@dataclass(frozen=True, slots=True)
class Range:
    """A parameter, or an item of one (`depths[2]`), and the values that it takes, in
    their order."""

    name: str
    values: Sequence[Any]

    @property
    def param(self) -> str:
        """The parameter, without what says which of its items."""
        return self.name.partition("[")[0]

    @property
    def items(self) -> tuple[int, ...]:
        """Which of its items, and which of that one's."""
        return tuple(map(int, re.findall(r"\[(\d+)\]", self.name)))


def read(text: str) -> Range:
    """The range that `NAME=START:STOP:STEP` or `NAME=[...]` says.

    STOP is the last value if a step falls on it, and STEP is 1 if there is none.

    Raises:
        RangeError: if it is neither.
    """
    name, equals, said = (part.strip() for part in text.partition("="))
    name = name.replace(" ", "")
    if not equals or not _NAME.fullmatch(name):
        raise RangeError(
            f"{text!r} is not NAME=VALUES, as in width=16:128:16 or depths[2]=1:36"
        )
    if span := _SPAN.fullmatch(said.replace(" ", "")):
        return Range(name, _steps(text, [p for p in span.groups() if p is not None]))
    try:
        table = tomllib.loads(f"x = {said}")
    except (ValueError, RecursionError):
        table = {}
    listed = table.get("x")
    if table.keys() != {"x"} or not is_list(listed):
        raise RangeError(
            f"{text!r} is neither START:STOP:STEP nor a list: {name}=16:128:16 or"
            f" {name}=[16, 24, 32]; a list of lists needs both brackets"
        )
    return given(name, listed)


def given(name: str, values: Iterable[Any]) -> Range:
    """A range of values that are listed, each once.

    Raises:
        RangeError: if there are none, or one is nothing that a spec could hold.
    """
    if isinstance(values, str):
        raise RangeError(f"{name} takes a list of values, not {values!r}")
    kept = values if isinstance(values, range) else tuple(values)
    if not len(kept):
        raise RangeError(f"{name} has no values to take")
    if isinstance(kept, range):
        return Range(name, kept)
    for value in kept:
        _check(name, value)
    once = {repr(_plain(value)): value for value in kept}
    return Range(name, tuple(once.values()))


def _check(name: str, value: Any) -> None:
    if is_sequence(value):
        for item in value:
            _check(name, item)
    elif is_table(value):
        for item in value.values():
            _check(name, item)
    elif not isinstance(value, bool | int | float | str):
        raise RangeError(f"{name} cannot be {value!r}: no spec could hold it")


def _plain(value: Any) -> Any:
    return list(map(_plain, value)) if is_sequence(value) else value


def _steps(text: str, said: list[str]) -> Sequence[Any]:
    start, stop, step = map(Fraction, (*said, "1")[:3])
    if not step:
        raise RangeError(f"{text!r}: a step of 0 leads nowhere")
    count = (stop - start) // step + 1
    if count < 1:
        raise RangeError(f"{text!r} has no values: from {said[0]} no step leads there")
    if all(part.denominator == 1 for part in (start, step)):
        return range(int(start), int(start + step * count), int(step))
    if count > MAX_FRACTIONS:
        raise RangeError(f"{text!r} has {count:,} values; {MAX_FRACTIONS:,} are enough")
    return tuple(float(start + step * n) for n in range(count))


def size(ranges: Sequence[Range]) -> int:
    """How many combinations there are."""
    return prod(len(r.values) for r in ranges)


def combinations(ranges: Sequence[Range]) -> Iterator[dict[str, Any]]:
    """Every combination, the last parameter changing fastest."""
    names = [r.name for r in ranges]
    for values in product(*(r.values for r in ranges)):
        yield dict(zip(names, values, strict=True))
