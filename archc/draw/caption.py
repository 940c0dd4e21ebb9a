"""What a node says about its op, and how that differs between repetitions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from archc.ops.attributes import short, sides
from archc.ops.base import Op
from archc.ops.sizes import Shape

_LONG = re.compile(r"\d+\.\d{4,}(?:e-?\d+)?")
"""A number with more digits than a picture needs."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ONE_IS_UNSAID = (" dilated ", " groups ", " /", " ↑")
"""How fields begin that say nothing of a one."""
_MOST_LISTED = 5
"""Values of one attribute that neither rise nor fall."""
Fields = tuple[str, ...]
"""Parts of a caption, some empty; each stands at the same place for every op."""


@dataclass(slots=True)
class Tally:
    """How often something occurs, by its place among the repetitions around it."""

    first: int = 0
    middle: int = 0
    last: int = 0

    def add(self, position: int) -> None:
        if position == FIRST:
            self.first += 1
        elif position == LAST:
            self.last += 1
        else:
            self.middle += 1

    @property
    def total(self) -> int:
        return self.first + self.middle + self.last


FIRST, MIDDLE, LAST = range(3)


def position(index: int, count: int, alone: int) -> int:
    """Where one of `count` repetitions stands; a single one stands at `alone`."""
    if count == 1:
        return alone
    return FIRST if index == 0 else LAST if index == count - 1 else MIDDLE


def occurrence(part: Tally, whole: Tally) -> str:
    """When `part` occurs, in words; empty if always."""
    if part == whole:
        return ""
    if part == Tally(first=whole.first):
        return "first only"
    if part == Tally(last=whole.last):
        return "last only"
    if part == Tally(middle=whole.middle, last=whole.last):
        return "not first"
    if part == Tally(whole.first, whole.middle):
        return "not last"
    return f"{part.total} of {whole.total}"


def when(part: Tally, whole: Tally) -> str:
    """The same of a value, or a part: what the first lacks, the others have."""
    text = occurrence(part, whole)
    return "others" if text == "not first" else text


def fields(op: Op, x: Shape) -> Fields:
    """The caption of `op` on an input of shape `x`."""
    values = {name: getattr(op, name) for name in type(op).model_fields}
    kernel, stride = values.get("kernel_size"), values.get("stride")
    groups, out = values.get("groups", 1), _out(values)
    name = op.short_name
    if kernel is not None and groups == x.channels == out and groups > 1:
        name, groups = f"depthwise {name}", 1
    axes = op.axes_of(x)
    size = values.get("output_size", 1)
    if not _is_one(size, axes):
        kernel = size
    dilation = values.get("dilation", 1)
    detail = _LONG.sub(lambda found: f"{float(found[0]):.3g}", op.detail_on(x))
    return (
        name,
        "" if kernel is None else f" {times(kernel, axes)}",
        "" if out is None else f", {out}",
        _stride(op, stride, axes),
        "" if _is_one(dilation, axes) else f" dilated {times(dilation, axes)}",
        f" groups {groups}" if groups != 1 else "",
        f" {detail}" if detail else "",
    )


def _out(values: dict[str, Any]) -> int | None:
    return values.get("out_channels") or values.get("out_features")


def _stride(op: Op, stride: Any, axes: int) -> str:
    if stride is None:  # a pooling's stride, left out, is its kernel
        stride = getattr(op, "kernel_size", 1)
    if _is_one(stride, axes):
        return ""
    steps = sides(stride, axes)
    # one number stands for all axes
    steps = steps[:1] if len({*steps}) == 1 else steps
    return f" {op.stride_sign}{','.join(map(str, steps))}"


def _is_one(size: Any, axes: int) -> bool:
    return {*sides(size, axes)} == {1}


def times(size: Any, axes: int) -> str:
    """A size with all its axes: 3×3."""
    return "×".join(map(short, sides(size, axes)))


def combined(
    variants: Mapping[Fields, Tally], whole: Tally, turns: Sequence[Fields]
) -> str:
    """One caption for an op whose attributes may differ between repetitions; `turns`
    are the variants in the order in which they come."""
    text = ""
    orders = zip(*turns, strict=True)
    for column, order in zip(zip(*variants, strict=True), orders, strict=True):
        found: dict[str, Tally] = {}
        for value, tally in zip(column, variants.values(), strict=True):
            seen = found.get(value, Tally())
            found[value] = Tally(
                seen.first + tally.first,
                seen.middle + tally.middle,
                seen.last + tally.last,
            )
        text += _field(found, whole, [value for value, _ in groupby(order)])
    return text


def _field(found: dict[str, Tally], whole: Tally, order: list[str]) -> str:
    values = list(found)
    if len(values) == 1:
        return values[0]
    if len(values) == 2 and "" in found:
        value = values[0] or values[1]
        return f"{value} ({occurrence(found[value], whole)})"
    stated = [v for v in values if v]
    seldom = ""
    if "" in found and stated[0].startswith(_ONE_IS_UNSAID):
        one = _NUMBER.sub("1", stated[0])
        stated = [value or one for value in values]
        order = [value or one for value in order]
    elif "" in found:
        others = sum(tally.total for value, tally in found.items() if value)
        seldom = f" ({others} of {whole.total})"
    told = _turn([value for value in order if value])
    if len(told) == 2 and whole.total > 2 and not seldom:
        # of many, the first may be the only one of its kind
        return f"{told[0]}, then {_number_in(told[1])}"
    if not _rises(told):
        if len(told) <= _MOST_LISTED:
            listed = (told[0], *(_number_in(value) for value in told[1:]))
            return "|".join(listed) + seldom
        stated.sort(key=_numbers)
    return f"{stated[0]}…{_number_in(stated[-1])}{seldom}"


def _turn(values: list[str]) -> list[str]:
    """One turn of what comes again and again."""
    for length in range(1, len(values) // 2 + 1):
        times, rest = divmod(len(values), length)
        if not rest and values[:length] * times == values:
            return values[:length]
    return values


def _numbers(value: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(value)]


def _number_in(value: str) -> str:
    """What stands behind the words and signs that a field begins with."""
    found = _NUMBER.search(value)
    return value.lstrip(" ,/×") if found is None else value[found.start() :]


def _rises(values: list[str]) -> bool:
    """Whether each is above, or each below the one before."""
    numbers = [_numbers(value) for value in values]
    pairs = list(pairwise(numbers))
    return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)
