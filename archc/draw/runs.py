"""Short names of what stands in a row."""

from __future__ import annotations

import re
from itertools import takewhile


def run_name(first: str, last: str) -> str:
    """Two paths as one name: `conv1`, `denselayer1…6`, `inception4b…4d`."""
    a, b = short_name(first), short_name(last)
    if a == b:
        return a
    same = takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False))
    stem = "".join(x for x, _ in same).rstrip("0123456789")
    rest = b.removeprefix(stem)
    return f"{a}…{rest}" if stem and rest else f"{a}…{b}"


def short_name(path: str) -> str:
    """The last part of a path; a number alone says nothing, so one more with it."""
    rest, _, name = path.rpartition(".")
    if name.isdecimal() and rest:
        return f"{rest.rpartition('.')[2]}.{name}"
    return name


def full_name(name: str, path: str) -> str:
    """A name, or numbers with what they are numbers of: `4.1…2` for `1…2`."""
    if not re.fullmatch(r"\d+(…\d+)?", name):
        return name
    around = path.rpartition(".")[0].rpartition(".")[2]
    return f"{around}.{name}" if around else name


def total(*counts: str) -> str:
    """The sum of numbers, of which each may be two that it lies between."""
    pairs = [[int(n) for n in count.split("…")] for count in counts]
    return span(str(sum(x[0] for x in pairs)), str(sum(x[-1] for x in pairs)))


def span(*counts: str) -> str:
    """Numbers, or what they lie between, as one: `5`, `5…8`."""
    numbers = [int(number) for count in counts for number in count.split("…")]
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low}…{high}"
