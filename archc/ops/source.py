"""Expressions as text on one line, and as the pieces that they can be broken at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch
from typing import Any, cast

from archc.ops.base import Call
from archc.ops.code import (
    Anything,
    Apply,
    Argument,
    Attribute,
    Axes,
    ClassName,
    Comprehension,
    Global,
    Joined,
    Lambda,
    Local,
    Mapping,
    Nothing,
    Sequence,
    Starred,
    Text,
)
from archc.spec import expressions
from archc.spec.expressions import (
    Binary,
    BoolOp,
    Compare,
    Const,
    Expr,
    Field,
    IfExp,
    Index,
    ListOf,
    Name,
    Row,
    Slice,
    Unary,
    as_expr,
    number_source,
)

CONDITIONAL, OR, AND, NOT, COMPARISON, UNION, SUM, PRODUCT, SIGN, POWER, ATOM = range(
    11
)
"""How tightly an expression holds together, as Python has it."""

_BINARY = {
    "|": UNION, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT,
    "%": PRODUCT, "**": POWER,
}  # fmt: skip
MATH = frozenset({"ceil", "floor", "log2", "sqrt"})


@dataclass(frozen=True, slots=True)
class Group:
    """A pair of brackets and what stands in it."""

    brackets: str
    items: tuple[Argument, ...]
    listed: bool = True
    """Whether it may hold several things, with commas between them."""

    @property
    def inner(self) -> str:
        return ", ".join(map(argument, self.items))


Piece = str | Group
Pieces = list[Piece]


def as_code(value: Any) -> Expr:
    """A value as generated code says it: a number, text, a tuple or list, a `Call`."""
    match value:
        case Expr():
            return value
        case Call(function=function, args=args, kwargs=kwargs):
            items = [Argument(as_code(a)) for a in args]
            items += [Argument(as_code(v), k) for k, v in kwargs.items()]
            return Apply(Global(function), tuple(items))
        case Row():
            return row(value.fields, value.items)
        case tuple() | list():
            brackets = "[]" if isinstance(value, list) else "()"
            return Sequence(tuple(map(as_code, cast("list[Any]", value))), brackets)
        case str():
            return Text(value)
        case None:
            return Nothing()
        case _:
            return Const(value)


_LONG_FIELDS = 30


def row_class(fields: tuple[str, ...]) -> ClassName:
    """The class of the rows that have these fields."""
    return ClassName(f"row of {' '.join(fields)}")


def row(fields: tuple[str, ...], items: tuple[Any, ...]) -> Apply:
    """The call that makes a row; without the names of fields where these are so long
    that a table of rows could not be read across."""
    named = sum(map(len, fields)) <= _LONG_FIELDS
    pairs = zip(fields, items, strict=True)
    given = (Argument(as_code(v), k if named else None) for k, v in pairs)
    return Apply(row_class(fields), tuple(given))


def flat(expr: Expr) -> str:
    """An expression on one line, spaced as Black and Ruff space it."""
    return text_of(pieces(expr))


def text_of(parts: Pieces) -> str:
    return "".join(
        p if isinstance(p, str) else f"{p.brackets[0]}{p.inner}{p.brackets[1]}"
        for p in parts
    )


def each(expr: Comprehension) -> str:
    """`for i in `, before what a comprehension runs over."""
    return f"for {', '.join(t.id for t in expr.targets)} in "


def signature(expr: Lambda) -> str:
    """`lambda a, b=c`, before the colon."""
    start = len(expr.parameters) - len(expr.defaults)
    given = zip(expr.parameters[start:], expr.defaults, strict=True)
    names = [p.id for p in expr.parameters[:start]]
    names += [f"{p.id}={flat(value)}" for p, value in given]
    return f"lambda {', '.join(names)}" if names else "lambda"


def argument(item: Argument) -> str:
    return f"{item.name}={flat(item.value)}" if item.name else flat(item.value)


def level(expr: Expr) -> int:
    """How tightly an expression holds together."""
    match expr:
        case IfExp() | Lambda():
            return CONDITIONAL
        case BoolOp(op=op):
            return OR if op == "or" else AND
        case Unary(op=op):
            return NOT if op == "not" else SIGN
        case Compare():
            return COMPARISON
        case Binary(op=op):
            return _BINARY[op]
        case Const(value=value) if number_source(value).startswith("-"):
            return SIGN
        case _:
            return ATOM


def needs(expr: Expr) -> list[tuple[str, Expr, int]]:
    """The operands of an expression, each with the word before it and the level that it
    must have to stand without brackets."""
    match expr:
        case IfExp(test=test, body=body, orelse=orelse):
            return [
                ("", body, OR),
                ("if", test, OR),
                ("else", orelse, CONDITIONAL),
            ]
        case BoolOp(op=op, operands=operands):
            # Ruff wants brackets around an `and` inside an `or`
            return [(op if n else "", o, NOT) for n, o in enumerate(operands)]
        case Compare(ops=ops, operands=operands):
            words = ("", *ops)
            return [
                (w, o, COMPARISON + 1) for w, o in zip(words, operands, strict=True)
            ]
        case Binary(op="**", left=left, right=right):
            return [("", left, POWER + 1), ("**", right, SIGN)]
        case Binary(op=op, left=left, right=right):
            own = _BINARY[op]
            return [("", left, own), (op, right, own + 1)]
        case _:
            return []


def wrapped(expr: Expr, least: int) -> Pieces:
    """An expression, in brackets where it holds together less tightly than `least`."""
    if level(expr) >= least:
        return pieces(expr)
    return [Group("()", (Argument(expr),), listed=False)]


@singledispatch
def pieces(expr: Expr) -> Pieces:
    """An expression as text and brackets in turn."""
    raise TypeError(expr)


@pieces.register
def _(expr: Const) -> Pieces:
    return [number_source(expr.value)]


@pieces.register(Local)
@pieces.register(Name)
def _(expr: Local | Name) -> Pieces:
    return [expr.id]


@pieces.register
def _(expr: Global) -> Pieces:
    return [expr.name]


@pieces.register
def _(expr: ClassName) -> Pieces:
    return [expr.key]


@pieces.register
def _(expr: Nothing) -> Pieces:
    return ["None"]


@pieces.register
def _(expr: Anything) -> Pieces:
    return ["..."]


@pieces.register
def _(expr: Text) -> Pieces:
    sign = _quote(expr.value)
    return [f"{sign}{_escaped(expr.value, sign)}{sign}"]


@pieces.register
def _(expr: Joined) -> Pieces:
    inner = [flat(p) for p in expr.parts if isinstance(p, Expr)]
    # before Python 3.12 an expression in an f-string has none of its quotes
    if any("\\" in p or {"'", '"'} <= set(p) for p in inner):
        text = _template(expr, [""] * len(inner))
        return [f'"{text}".format({", ".join(inner)})']
    plain = "".join(p for p in expr.parts if isinstance(p, str))
    sign = '"' if any({"'", '"'} & set(p) for p in inner) else _quote(plain)
    text = _template(expr, [p.replace('"', "'") for p in inner], sign)
    return [f"f{sign}{text}{sign}"]


def _template(expr: Joined, inner: list[str], sign: str = '"') -> str:
    """The text of an f-string, with what stands in its braces."""
    left = iter(inner)
    return "".join(
        f"{{{next(left)}}}"
        if isinstance(p, Expr)
        else _escaped(p, sign).replace("{", "{{").replace("}", "}}")
        for p in expr.parts
    )


def _quote(text: str) -> str:
    """The quotes around a text, those that it has fewer of, as Ruff takes them."""
    return "'" if text.count('"') > text.count("'") else '"'


def _escaped(text: str, sign: str = '"') -> str:
    return text.replace("\\", "\\\\").replace(sign, f"\\{sign}")


@pieces.register
def _(expr: Attribute) -> Pieces:
    return [*wrapped(expr.value, ATOM), f".{expr.name}"]


@pieces.register
def _(expr: Apply) -> Pieces:
    return [*wrapped(expr.function, ATOM), Group("()", expr.arguments)]


@pieces.register
def _(expr: Sequence) -> Pieces:
    items = tuple(map(Argument, expr.items))
    if not expr.brackets:
        return [", ".join(map(argument, items))]
    if expr.brackets == "()" and len(items) == 1:
        return [f"({argument(items[0])},)"]
    return [Group(expr.brackets, items)]


@pieces.register
def _(expr: Comprehension) -> Pieces:
    return [f"[{flat(expr.item)} {each(expr)}{flat(expr.over)}]"]


@pieces.register
def _(expr: Lambda) -> Pieces:
    return [f"{signature(expr)}: ", *pieces(expr.value)]


@pieces.register
def _(expr: Starred) -> Pieces:
    return ["*", *pieces(expr.value)]


@pieces.register
def _(expr: ListOf) -> Pieces:
    return pieces(Sequence(tuple(map(as_expr, expr.items)), "()"))


@pieces.register
def _(expr: Mapping) -> Pieces:
    items = ", ".join(f"{flat(Text(key))}: {flat(v)}" for key, v in expr.items)
    return [f"{{{items}}}"]


@pieces.register
def _(expr: Unary) -> Pieces:
    gap = " " if expr.op == "not" else ""
    return [f"{expr.op}{gap}", *wrapped(expr.operand, level(expr))]


@pieces.register(IfExp)
@pieces.register(BoolOp)
@pieces.register(Compare)
@pieces.register(Binary)
def _(expr: Expr) -> Pieces:
    gap = " "
    if isinstance(expr, Binary) and expr.op == "**":
        gap = "" if _is_simple(expr.left) and _is_simple(expr.right) else " "
    found: Pieces = []
    for word, operand, least in needs(expr):
        found += [f"{gap}{word}{gap}"] if word else []
        found += wrapped(operand, least)
    return found


def _is_simple(expr: Expr) -> bool:
    """What stands in a power without spaces around it: a name, its attribute, a
    number."""
    while isinstance(expr, Attribute | Field):
        expr = expr.value
    return isinstance(expr, Local | Name | Const)


@pieces.register
def _(expr: Index) -> Pieces:
    inner = Group("[]", (Argument(expr.index),), listed=False)
    return [*wrapped(expr.value, ATOM), inner]


@pieces.register
def _(expr: Field) -> Pieces:
    return [*wrapped(expr.value, ATOM), f".{expr.name}"]


@pieces.register
def _(expr: Slice) -> Pieces:
    return [*wrapped(expr.value, ATOM), f"[{bounds(expr)}]"]


@pieces.register
def _(expr: Axes) -> Pieces:
    whole = ":, " * expr.before
    return [*wrapped(expr.value, ATOM), f"[{whole}{bounds(expr.taken)}]"]


def bounds(expr: Slice) -> str:
    tight = all(
        isinstance(b, Local | Name | Const | None) for b in (expr.lower, expr.upper)
    )
    lower = "" if expr.lower is None else flat(expr.lower)
    upper = "" if expr.upper is None else flat(expr.upper)
    left = f"{lower} " if lower and not tight else lower
    right = f" {upper}" if upper and not tight else upper
    step = "" if expr.step is None else f":{flat(expr.step)}"
    return f"{left}:{right}{step}"


@pieces.register
def _(expr: expressions.Call) -> Pieces:
    name = f"math.{expr.function}" if expr.function in MATH else expr.function
    return [name, Group("()", tuple(map(Argument, expr.args)))]
