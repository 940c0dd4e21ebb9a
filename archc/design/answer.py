"""The answer of a search as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archc.design.found import Design, Found, Held
from archc.design.sweep_table import value_text
from archc.escaping import one_line, visible
from archc.measure.rows import seen_as_text


def as_text(answer: Found) -> str:
    """The best and what comes after it, what limits it, and how it was found."""
    lines = [*_found(answer), "", *_how(answer)]
    return "\n".join(lines) + "\n"


def _found(answer: Found) -> Iterator[str]:
    verb = "most" if answer.maximize else "least"
    name, goal = visible(answer.name), one_line(answer.goal)
    if answer.problem is not None:
        yield f"{name}: {one_line(answer.problem)}."
        return
    if answer.best is None:
        yield f"{name}: no combination satisfies the conditions."
        yield ""
        yield from _forbidden(answer)
        return
    yield f"{name}: {assigned(answer.best.values)}"
    yield ""
    yield f"  {verb} {goal}: {_number(answer.best.goal)}"
    yield f"  {_figures(answer.best)}"
    for held in answer.best.conditions:
        yield f"  {_held(held)}"
    yield ""
    if answer.binding:
        yield "What binds: a better one breaks"
        for one in answer.binding:
            yield f"  {_held(one.broken)}"
            yield f"      with {assigned(one.values)}: {_number(one.goal)}"
    elif answer.best.conditions:
        yield "No single condition binds: nothing better breaks only one of them."
    if answer.runners_up:
        yield ""
        yield "Runners-up"
        for design in answer.runners_up:
            yield f"  {assigned(design.values)}: {_number(design.goal)}"
            yield f"      {_figures(design)}"


def _forbidden(answer: Found) -> Iterator[str]:
    for one in answer.forbidding:
        first, *others = one.conditions
        if others:
            yield "These exclude each other, and fewer of them do not:"
            yield from (f"  {one_line(text)}" for text in one.conditions)
            continue
        yield f"Forbidden by: {one_line(first)}"
        if one.why is not None:
            yield f"  it has no answer: {one_line(one.why)}"
        if one.nearest is not None and one.values is not None:
            yield f"  nearest: {_held(one.nearest)}"
            yield f"      with {assigned(one.values)}"


def _how(answer: Found) -> Iterator[str]:
    looked, all_of_them = f"{answer.looked_at:,}", f"{answer.combinations:,}"
    if answer.method == "exhaustion":
        yield f"All {all_of_them} combinations were looked at."
    elif answer.method == "bisection":
        along = visible(answer.along or "")
        yield f"{looked} of {all_of_them} combinations were looked at, by bisection"
        yield f"along {along}: on all of them what is asked for rises or falls with"
        yield f"{along}, and it is taken to do so between them."
    else:
        yield f"The best found: {looked} of {all_of_them} combinations were looked at,"
        yield f"and there may be better ones ({one_line(answer.why_search or '')})."
        yield "--limit looks at more."


def assigned(values: dict[str, Any]) -> str:
    """`width = 64, depth = 3`"""
    return ", ".join(f"{name} = {value_text(v)}" for name, v in values.items())


def _figures(design: Design) -> str:
    seen = seen_as_text(design.receptive_field)
    return (
        f"{design.params:,} parameters, {design.macs:,} multiply-adds,"
        f" receptive field {seen or 'none'}, depth {design.depth}"
    )


def _held(held: Held) -> str:
    values = " and ".join(map(_number, held.values))
    return f"{one_line(held.text)}   ({values})" if values else one_line(held.text)


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value_text(value)
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}"
    return f"{value:,.6g}"
