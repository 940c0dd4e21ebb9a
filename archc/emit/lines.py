"""Statements broken over lines of 88 columns where Ruff's formatter breaks them, so
that generated files need no formatter. Only what generated code uses is known here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    Axes,
    Comprehension,
    Lambda,
    Mapping,
    Sequence,
    Starred,
    Text,
)
from archc.ops.source import (
    ATOM,
    CONDITIONAL,
    Group,
    argument,
    bounds,
    each,
    flat,
    level,
    needs,
    pieces,
    signature,
    text_of,
)
from archc.spec.expressions import Binary, BoolOp, Call, Compare, Expr, Index, Slice

WIDTH = 88
STEP = 4
_HUGGED = Apply | Sequence | Comprehension | Starred
"""What takes no comma behind it where it stands alone in brackets and is broken."""


def columns(text: str) -> int:
    """How wide a text is where a wide letter takes two columns, as Ruff counts them."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text)


def rows(
    indent: int, prefix: str, expr: Expr, suffix: str = "", *, enclosed: bool = False
) -> list[str]:
    """The lines of `prefix expr suffix`.

    What is `enclosed` in brackets already needs no more of them.
    """
    line = f"{' ' * indent}{prefix}{flat(expr)}{suffix}"
    if columns(line) <= WIDTH and not is_commented(expr):
        return [line]
    if isinstance(expr, Apply):
        head, called = flat(expr.function), expr.function
        if level(called) < ATOM:
            head = f"({head})"
        first = f"{' ' * indent}{prefix}{head}("
        made = called.value if isinstance(called, Attribute) else called
        if isinstance(made, Apply) and (columns(first) > WIDTH or is_commented(made)):
            # there is no room for what is called, so that it is broken instead
            given = flat(expr).removeprefix(flat(made))
            return rows(indent, prefix, made, given + suffix)
        return bracketed(indent, prefix + head, expr.arguments, "()", suffix)
    if isinstance(expr, Starred):
        return rows(indent, f"{prefix}*", expr.value, suffix, enclosed=enclosed)
    if isinstance(expr, Lambda):
        head = f"{prefix}{signature(expr)}: "
        found = rows(indent, head, expr.value, suffix, enclosed=enclosed)
        if columns(found[0]) <= WIDTH:
            return found
        inner = rows(indent + STEP, "", expr.value, enclosed=True)
        return [f"{' ' * indent}{head}(", *inner, f"{' ' * indent}){suffix}"]
    if isinstance(expr, Comprehension):
        pad = " " * indent
        inner = _comprehended(expr, indent + STEP)
        return [f"{pad}{prefix}[", *inner, f"{pad}]{suffix}"]
    if isinstance(expr, Sequence):
        remarks = expr.comments or (None,) * len(expr.items)
        items = tuple(
            Argument(item, None, remark)
            for item, remark in zip(expr.items, remarks, strict=True)
        )
        brackets = expr.brackets or "()"
        return bracketed(indent, prefix, items, brackets, suffix, called=False)
    if isinstance(expr, Mapping):
        pad = " " * (indent + STEP)
        items = [f"{pad}{flat(Text(key))}: {flat(v)}," for key, v in expr.items]
        return [f"{' ' * indent}{prefix}{{", *items, f"{' ' * indent}}}{suffix}"]
    if isinstance(expr, Axes):
        pad = " " * (indent + STEP)
        first = f"{' ' * indent}{prefix}{flat(expr.value)}["
        taken = _bounds(expr.taken, indent + STEP)
        return [first, *[f"{pad}:,"] * expr.before, *taken, f"{' ' * indent}]{suffix}"]
    operand = _Operand(expr, False)
    if enclosed:
        return _parts(operand, indent, prefix, suffix)
    return _statement(operand, indent, prefix, suffix)


def bracketed(
    indent: int,
    head: str,
    items: tuple[Argument, ...],
    brackets: str,
    suffix: str,
    *,
    called: bool = True,
) -> list[str]:
    """A call, or a list, with a line for each item, or all of them on one."""
    first = f"{' ' * indent}{head}{brackets[0]}"
    last = f"{' ' * indent}{brackets[1]}{suffix}"
    if not items:
        return [first + last.lstrip()]
    inside = indent + STEP
    together = " " * inside + ", ".join(map(argument, items))
    commented = any(i.comment or is_commented(i.value) for i in items)
    if columns(together) <= WIDTH and not commented and called:
        return [first, together, last]
    found = [first]
    alone = len(items) == 1 and not items[0].comment
    for item in items:
        name = f"{item.name}=" if item.name else ""
        # one argument that is itself broken takes no comma behind it
        is_call = isinstance(item.value, _HUGGED) and (called or brackets == "[]")
        comma = "" if alone and not item.name and is_call else ","
        part = rows(inside, name, item.value, comma, enclosed=True)
        found += with_comment(part, item.comment)
    return [*found, last]


def _comprehended(expr: Comprehension, indent: int) -> list[str]:
    """What stands in the brackets of a comprehension."""
    line = f"{' ' * indent}{flat(expr.item)} {each(expr)}{flat(expr.over)}"
    if columns(line) <= WIDTH:
        return [line]
    item = rows(indent, "", expr.item, enclosed=True)
    return [*item, *rows(indent, each(expr), expr.over, enclosed=True)]


def _bounds(expr: Slice, indent: int) -> list[str]:
    """The bounds of a slice in a row of their own, or the longer one broken."""
    text = bounds(expr)
    ends = [e for e in (expr.lower, expr.upper) if e is not None]
    if indent + columns(text) + 1 <= WIDTH or not ends:
        return [f"{' ' * indent}{text},"]
    if expr.upper is not None and expr.step is None:
        # what comes before the colon stays whole where the upper bound can be broken
        before = text.removesuffix(flat(expr.upper))
        broken = _parts(_Operand(expr.upper, False), indent, before, ",")
        if len(broken) > 1 and all(columns(row) <= WIDTH for row in broken):
            return broken
    longest = max(ends, key=lambda e: len(flat(e)))
    before, after = text.rsplit(flat(longest), 1)
    return _parts(_Operand(longest, False), indent, before, f"{after},")


def with_comment(lines: list[str], comment: str | None) -> list[str]:
    """Lines with a comment behind the last, where it has room there."""
    if comment and columns(lines[-1]) + columns(comment) + 4 <= WIDTH:
        return [*lines[:-1], f"{lines[-1]}  # {comment}"]
    return lines


def is_commented(expr: Expr) -> bool:
    if isinstance(expr, Sequence):
        return any(expr.comments) or any(map(is_commented, expr.items))
    if isinstance(expr, Attribute):
        return is_commented(expr.value)
    return isinstance(expr, Apply) and (
        is_commented(expr.function)
        or any(item.comment or is_commented(item.value) for item in expr.arguments)
    )


# ------------------------------------------------------------------------- formulas


@dataclass(frozen=True, slots=True)
class _Operand:
    """A part of a formula, and whether it stands in brackets."""

    expr: Expr
    wrapped: bool

    @property
    def text(self) -> str:
        text = flat(self.expr)
        return f"({text})" if self.wrapped else text


def _statement(operand: _Operand, indent: int, prefix: str, suffix: str) -> list[str]:
    """Broken in its last bracket, or put in brackets of its own."""
    pad = " " * indent
    if _may_stay_bare(operand):
        broken = _in_last_bracket(operand, indent, prefix, suffix)
        if broken is not None:
            return broken
    inner = _parts(operand, indent + STEP, "", "")
    return [f"{pad}{prefix}(", *inner, f"{pad}){suffix}"]


def _parts(operand: _Operand, indent: int, prefix: str, suffix: str) -> list[str]:
    """One row where it fits inside brackets, else a row for each operand."""
    pad = " " * indent
    line = f"{pad}{prefix}{operand.text}{suffix}"
    if columns(line) <= WIDTH:
        return [line]
    if operand.wrapped:
        inner = _parts(_Operand(operand.expr, False), indent + STEP, "", "")
        return [f"{pad}{prefix}(", *inner, f"{pad}){suffix}"]
    operands = list(_operands(operand, _looseness(operand.expr)))
    if len(operands) < 2:
        broken = _in_last_bracket(operand, indent, prefix, suffix)
        return [line] if broken is None else broken
    found: list[str] = []
    for number, (word, part) in enumerate(operands):
        start = prefix if number == 0 else f"{word} "
        end = suffix if number == len(operands) - 1 else ""
        found += _parts(part, indent, start, end)
    return found


def _looseness(expr: Expr) -> int:
    """The kind of operator that holds it together most loosely; ATOM without one."""
    own = level(expr)
    operators = Binary | BoolOp | Compare
    return own if own == CONDITIONAL or isinstance(expr, operators) else ATOM


def _operands(operand: _Operand, kind: int) -> Iterator[tuple[str, _Operand]]:
    """The operands at one level, each with the operator before it."""
    if kind == ATOM or operand.wrapped or _looseness(operand.expr) != kind:
        yield "", operand
        return
    for word, expr, least in needs(operand.expr):
        inner = list(_operands(_Operand(expr, level(expr) < least), kind))
        # only what stands first or behind `else` can be a row of operands itself
        yield word, inner[0][1]
        yield from inner[1:]


def _may_stay_bare(operand: _Operand) -> bool:
    """Ruff leaves brackets out: one operator, and a bracket at an end."""
    counts: dict[int, int] = {}
    _count(operand, counts)
    if not counts and isinstance(operand.expr, Index) and not operand.wrapped:
        return True
    loosest = min(counts, default=ATOM)
    last = _end(operand, -1)
    # an index does not count, nor does a call in front
    closed = _end(operand, 0).wrapped or last.wrapped
    closed = closed or isinstance(last.expr, Call | Apply)
    return counts.get(loosest, 0) <= 1 and closed


def _end(operand: _Operand, which: int) -> _Operand:
    """The first or the last operand of all."""
    operands = list(_operands(operand, _looseness(operand.expr)))
    if len(operands) < 2 or operand.wrapped:
        return operand
    return _end(operands[which][1], which)


def _count(operand: _Operand, counts: dict[int, int]) -> None:
    kind = _looseness(operand.expr)
    if operand.wrapped or kind == ATOM:
        return
    operands = list(_operands(operand, kind))
    counts[kind] = counts.get(kind, 0) + len(operands) - 1
    for _, part in operands:
        _count(part, counts)


def _in_last_bracket(
    operand: _Operand, indent: int, prefix: str, suffix: str
) -> list[str] | None:
    """Broken in the last bracket that the first row has room for."""
    pad = " " * indent
    parts = pieces(operand.expr)
    for number in range(len(parts) - 1, -1, -1):
        group = parts[number]
        if not isinstance(group, Group):
            continue
        opening, closing = group.brackets
        first = f"{pad}{prefix}{text_of(parts[:number])}{opening}"
        last = f"{pad}{closing}{text_of(parts[number + 1 :])}{suffix}"
        inner = group.inner
        if columns(first) > WIDTH or not inner:
            continue
        if columns(last) > WIDTH:
            return None
        if columns(inner) + indent + STEP <= WIDTH:
            return [first, f"{pad}{' ' * STEP}{inner}", last]
        return [first, *_inside(group, indent + STEP), last]
    return None


def _inside(group: Group, indent: int) -> list[str]:
    found: list[str] = []
    for item in group.items:
        name = f"{item.name}=" if item.name else ""
        comma = "," if group.listed else ""
        found += _parts(_Operand(item.value, False), indent, name, comma)
    return found
