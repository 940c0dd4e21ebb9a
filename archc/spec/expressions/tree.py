"""The nodes of an expression; arithmetic on them builds larger, simplified ones.

A simplification keeps the value and its type whatever the symbols stand for. Most hold
for whole numbers alone: with floats `x * 3 * 5` rounds twice and `x // 1` rounds at
all, and `True * 1` is 1. They are made where `is_whole` is sure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import gcd
from typing import TypeAlias

from archc.spec.expressions.errors import Undecidable
from archc.spec.expressions.rows import Row

Number: TypeAlias = bool | int | float
Value: TypeAlias = "Number | str | tuple[Value, ...] | Row | Expr"
"""A number, a boolean, a word, a row, a (nested) list of them, or an expression."""
Span: TypeAlias = tuple[int, int]
"""A slice of an expression's text."""
MAX_TERMS = 16
"""In how long a sum terms are looked for that cancel."""


class Expr:
    """A node of an expression."""

    __slots__ = ()

    def __add__(self, other: Expr | Number) -> Expr | int:
        return _operated("+", self, other)

    def __radd__(self, other: Number) -> Expr | int:
        return _operated("+", other, self)

    def __sub__(self, other: Expr | Number) -> Expr | int:
        return _operated("-", self, other)

    def __rsub__(self, other: Number) -> Expr | int:
        return _operated("-", other, self)

    def __mul__(self, other: Expr | Number) -> Expr | int:
        return _operated("*", self, other)

    def __rmul__(self, other: Number) -> Expr | int:
        return _operated("*", other, self)

    def __floordiv__(self, other: Expr | Number) -> Expr | int:
        return _operated("//", self, other)

    def __rfloordiv__(self, other: Number) -> Expr | int:
        return _operated("//", other, self)

    def __mod__(self, other: Expr | Number) -> Expr | int:
        return _operated("%", self, other)

    def __rmod__(self, other: Number) -> Expr | int:
        return _operated("%", other, self)

    def __bool__(self) -> bool:
        raise Undecidable(repr(self))

    def __lt__(self, other: object) -> bool:
        raise Undecidable(f"{self} < {other}")

    def __le__(self, other: object) -> bool:
        raise Undecidable(f"{self} <= {other}")

    def __gt__(self, other: object) -> bool:
        raise Undecidable(f"{self} > {other}")

    def __ge__(self, other: object) -> bool:
        raise Undecidable(f"{self} >= {other}")


@dataclass(frozen=True, slots=True, eq=False)
class Const(Expr):
    value: Number | str

    # 1, 1.0 and True are equal in Python, and not the same in an expression
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Const) and repr(self.value) == repr(other.value)

    def __hash__(self) -> int:
        return hash(repr(self.value))


@dataclass(frozen=True, slots=True)
class Name(Expr):
    """A name; as a value, the symbol that stands for what it means in generated code.

    `whole` says that it means a whole number (no boolean), or a list of such, and
    `natural` that this is never below 0.
    """

    id: str
    at: Span | None = field(default=None, compare=False)
    whole: bool = field(default=False, compare=False)
    natural: bool = field(default=False, compare=False)
    fields: frozenset[str] = field(default=frozenset(), compare=False)
    """Of a row, or a list of such: those of its fields that mean whole numbers."""


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    op: str  # "-", "+" or "not"
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr
    at: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    ops: tuple[str, ...]
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class BoolOp(Expr):
    op: str  # "and" or "or"
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class IfExp(Expr):
    test: Expr
    body: Expr
    orelse: Expr


@dataclass(frozen=True, slots=True)
class Index(Expr):
    value: Expr
    index: Expr
    at: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Slice(Expr):
    value: Expr
    lower: Expr | None
    upper: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True)
class Call(Expr):
    function: str
    args: tuple[Expr, ...]
    at: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class ListOf(Expr):
    """A list with expressions in it; text has no list literal, but a TOML list does."""

    items: tuple[Value, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ListOf) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Expr, ...]:
        return tuple(map(as_expr, self.items))


@dataclass(frozen=True, slots=True, eq=False)
class RowOf(Expr):
    """A row with expressions in it."""

    fields: tuple[str, ...]
    items: tuple[Value, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowOf) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[tuple[str, ...], tuple[Expr, ...]]:
        return self.fields, tuple(map(as_expr, self.items))


@dataclass(frozen=True, slots=True)
class Field(Expr):
    """A field of a row: `stages[s].depth`."""

    value: Expr
    name: str
    at: Span | None = field(default=None, compare=False)


class Unparsed(Expr):
    """Stands where a faulty expression was reported."""

    __slots__ = ()


def row_of(fields: tuple[str, ...], items: tuple[Value, ...]) -> Row | RowOf:
    """A row, with expressions in it or without."""
    symbolic = any(isinstance(item, Expr) for item in items)
    return (RowOf if symbolic else Row)(fields, items)


def as_expr(value: Value) -> Expr:
    """A value as an expression."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, Row):
        return RowOf(value.fields, value.items)
    return ListOf(value) if isinstance(value, tuple) else Const(value)


def is_whole(value: Value) -> bool:
    """Whether it is a whole number, or a list of such, whatever its symbols mean."""
    match value:
        case bool() | float():
            return False
        case int():
            return True
        case tuple():
            return all(map(is_whole, value))
        case Const():
            return is_whole(value.value)
        case Name():
            return value.whole
        case ListOf():
            return all(map(is_whole, value.items))
        case Unary(op="-" | "+", operand=operand):
            return is_whole(operand)
        case Binary(op="+" | "-" | "*" | "//" | "%"):
            return is_whole(value.left) and is_whole(value.right)
        case Binary(op="**"):
            return is_whole(value.left) and _is_natural(value.right)
        case IfExp():
            return is_whole(value.body) and is_whole(value.orelse)
        case BoolOp():
            return all(map(is_whole, value.operands))
        case Index() | Slice():
            return is_whole(value.value)
        case Field():
            return value.name in fields_of(value.value)
        case Call(function="len" | "int" | "ceil" | "floor"):
            return True
        case Call(function="log2"):
            return False
        case Call(function="round"):
            return len(value.args) == 1 or is_whole(value.args[0])
        case Call():
            return all(map(is_whole, value.args))
        case _:
            return False


def fields_of(value: Value) -> frozenset[str]:
    """The fields of a row, or of all rows of a list, that mean whole numbers."""
    match value:
        case Name():
            return value.fields
        case Index() | Slice():
            return fields_of(value.value)
        case Row() | RowOf():
            pairs = zip(value.fields, value.items, strict=True)
            return frozenset(name for name, item in pairs if is_whole(item))
        case ListOf():
            return fields_of(value.items)
        case tuple() if value:
            first, *others = map(fields_of, value)
            return first.intersection(*others)
        case _:
            return frozenset()


def _is_natural(value: Expr) -> bool:
    """Whether it is a whole number that is never below 0."""
    match value:
        case Const(value=int(number)):
            return number >= 0
        case Name():
            return value.natural
        case Binary(op="+" | "*"):
            return _is_natural(value.left) and _is_natural(value.right)
        case _:
            return False


def _operated(op: str, left: object, right: object) -> Expr | int:
    """What Python's operator gives for an expression and something else."""
    if isinstance(left, Expr | int | float) and isinstance(right, Expr | int | float):
        return combined(op, left, right)
    return NotImplemented


def combined(op: str, left: Expr | Number, right: Expr | Number) -> Expr | int:
    """`left op right`, one of which is an expression, without what adds nothing."""
    match op, left, right:
        case "*", int(), Expr() if not isinstance(right, Call) and (
            not isinstance(right, Binary) or right.op != "**"
        ):
            # a product reads with its number last, `planes * 4`
            return combined("*", right, left)
        case "+" | "*", int(), Expr() if is_whole(left) and is_whole(right):
            if left == (0 if op == "+" else 1):
                return right
        case "+" | "-" | "*" | "//", Expr(), int() if is_whole(left):
            made = _with_number(op, left, right)
            if made is not None:
                return made
        case "-", Expr(), Expr() if left == right and is_whole(left):
            return 0
        case "+", Expr(), Binary(op="-") if left == right.right:
            # a part and what the whole has beside it
            if is_whole(right):
                return right.left
        case "+", Expr(), Expr() if left == right:
            return combined("*", left, 2)
        case "//", Binary(op="*"), Expr() if left.right == right:
            if is_whole(left):
                return left.left
        case "+" | "-", Expr(), Expr():
            made = _cancelled(op, left, right)
            if made is not None:
                return made
        case _:
            pass
    return Binary(op, as_expr(left), as_expr(right))


def _cancelled(op: str, left: Expr, right: Expr) -> Expr | int | None:
    """A sum of whole numbers in which each term stands once, and none that cancels;
    None where that is as it was."""
    terms = [*_terms(left), *_terms(right, "+-".index(op))]
    counts: dict[Expr, int] = {}
    for sign, term in terms:
        one, times = _multiple(term)
        counts[one] = counts.get(one, 0) + (-times if sign else times)
    if len(counts) == len(terms) or not (is_whole(left) and is_whole(right)):
        return None
    total: Expr | int = 0
    # what is taken away last, and numbers behind the rest
    order = sorted(counts.items(), key=lambda c: (c[1] < 0, isinstance(c[0], Const)))
    for one, times in order:
        value: Expr | int = abs(times)
        if not isinstance(one, Const):
            value = combined("*", one, value) if value > 1 else one
        if times == 0:
            continue
        if isinstance(value, Expr) and total == 0:
            total = value if times > 0 else Unary("-", value)
        elif isinstance(total, Expr) or isinstance(value, Expr):
            total = combined("+" if times > 0 else "-", total, value)
        else:
            total += value if times > 0 else -value
    return total


def _multiple(term: Expr) -> tuple[Expr, int]:
    """What is taken how many times; a number is a multiple of one."""
    match term:
        case Const(value=int(number)):
            return Const(1), number
        case Binary(op="*", left=Const(value=int(one)), right=Const(value=int(other))):
            return Const(1), one * other
        case Binary(op="*", left=left, right=Const(value=int(factor))):
            return left, factor
        case _:
            return term, 1


def _terms(value: Expr, sign: int = 0) -> list[tuple[int, Expr]]:
    """The terms of a sum, with 1 for those that are taken away; of a long one the last,
    and what is before them as one."""
    found: list[tuple[int, Expr]] = []
    todo = [(sign, value)]
    while todo:
        sign, value = todo.pop()
        is_sum = isinstance(value, Binary) and value.op in ("+", "-")
        if isinstance(value, Binary) and is_sum and len(found) < MAX_TERMS:
            turned = sign if value.op == "+" else 1 - sign
            todo += [(sign, value.left), (turned, value.right)]
        elif isinstance(value, Unary) and value.op == "-":
            todo.append((1 - sign, value.operand))
        else:
            found.append((sign, value))
    return found[::-1]


def _quotient(value: Expr, number: int) -> Expr | int | None:
    """A whole number divided by one that it is always a multiple of; else None."""
    match value:
        case Const(value=int(factor)) if factor % number == 0:
            return factor // number
        case Binary(op="*", left=left, right=right):
            for part, other in ((right, left), (left, right)):
                shared = _quotient(part, number)
                if shared is not None:
                    return combined("*", other, shared)
        case Binary(op="+" | "-", left=left, right=right):
            first, second = _quotient(left, number), _quotient(right, number)
            if first is None or second is None:
                return None
            if isinstance(first, Expr) or isinstance(second, Expr):
                return combined(value.op, first, second)
        case _:
            pass
    return None


def _reduced(left: Expr, number: int) -> Expr | int | None:
    """`x * 6 // 4` as `x * 3 // 2`, and `x // 2 // 2` as `x // 4`."""
    match left:
        case Binary(op="*", left=inner, right=Const(value=int(factor))):
            shared = gcd(factor, number)
            if shared > 1:
                reduced = combined("*", inner, factor // shared)
                return combined("//", reduced, number // shared)
        case Binary(op="//", left=inner, right=Const(value=int(divisor))):
            if divisor > 0:
                return combined("//", inner, divisor * number)
        case _:
            pass
    return None


def _with_number(op: str, left: Expr, number: int) -> Expr | int | None:
    """`left op number` simplified, where `left` is whole; None where that is all."""
    neutral = 0 if op in ("+", "-") else 1
    if number == neutral and not isinstance(number, bool):
        return left
    match op, left:
        case "*", Binary(op="*", left=inner, right=Const(value=int(factor))):
            return combined("*", inner, factor * number)  # x * 2 * 2
        case "+" | "-", Binary(op="+" | "-", left=inner, right=Const(value=int(term))):
            # x + 1 + 1 is x + 2
            total = (term if left.op == "+" else -term) + (
                number if op == "+" else -number
            )
            return combined("+" if total >= 0 else "-", inner, abs(total))
        case "//", _ if number > 0:
            whole = _quotient(left, number)
            return _reduced(left, number) if whole is None else whole
        case _:
            pass
    return None
