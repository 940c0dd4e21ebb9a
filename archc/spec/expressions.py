"""The expression language: parsing, evaluation over numbers or symbols, printing.

An expression is Python's syntax cut down to arithmetic. It is parsed into the small
tree below and never reaches Python's own evaluator. Evaluation reads names from a
mapping; where a name stands for another expression (a symbol) instead of a number, the
result is an expression again, which is how generated code gets `planes * 4` from the
same rule that gives an instance its 256.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from archc.diagnostics.suggest import did_you_mean

MAX_LENGTH = 1000
MAX_DEPTH = 40
MAX_MAGNITUDE = 2**62

# A number, a boolean, a (nested) list of them as a tuple, or an expression over
# symbols.
Value = Any

_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "len": (len, 1, 1),
    "min": (min, 1, 20),
    "max": (max, 1, 20),
    "sum": (sum, 1, 1),
    "abs": (abs, 1, 1),
    "round": (round, 1, 2),
    "int": (int, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
}
FUNCTIONS = frozenset(_FUNCTIONS)


class ExpressionError(Exception):
    """An expression that cannot be parsed or evaluated.

    `at` is the slice of the expression's text that is to blame.
    """

    def __init__(
        self,
        code: str,
        message: str,
        at: tuple[int, int] | None = None,
        help: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.help = help


class UnknownName(ExpressionError):
    """A name that nothing defines; the caller knows which names it could have meant."""

    def __init__(self, name: str, at: tuple[int, int] | None) -> None:
        super().__init__("unknown-name", f"there is no `{name}` here", at)
        self.name = name


class Undecidable(Exception):
    """A rule asked for the truth of a symbol."""


class Silenced(Exception):
    """A value is unknown because of a mistake that has been reported already."""


SILENCED: Any = object()
"""Stands in a mapping of names for a value that is unknown because of a mistake."""


class Expr:
    """A node of an expression; arithmetic on it builds larger, simplified ones."""

    __slots__ = ()

    def __add__(self, other: Value) -> Value:
        return binary("+", self, other)

    def __radd__(self, other: Value) -> Value:
        return binary("+", other, self)

    def __sub__(self, other: Value) -> Value:
        return binary("-", self, other)

    def __rsub__(self, other: Value) -> Value:
        return binary("-", other, self)

    def __mul__(self, other: Value) -> Value:
        return binary("*", self, other)

    def __rmul__(self, other: Value) -> Value:
        return binary("*", other, self)

    def __floordiv__(self, other: Value) -> Value:
        return binary("//", self, other)

    def __rfloordiv__(self, other: Value) -> Value:
        return binary("//", other, self)

    def __mod__(self, other: Value) -> Value:
        return binary("%", self, other)

    def __bool__(self) -> bool:
        raise Undecidable(to_source(self))


@dataclass(frozen=True, slots=True)
class Const(Expr):
    value: int | float | bool


@dataclass(frozen=True, slots=True)
class Name(Expr):
    id: str
    at: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    op: str  # "-", "+" or "not"
    operand: Expr


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    op: str
    left: Expr
    right: Expr
    at: tuple[int, int] | None = field(default=None, compare=False)


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
    at: tuple[int, int] | None = field(default=None, compare=False)


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
    at: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ListOf(Expr):
    """A list with expressions in it; text has no list literal, but a TOML list does."""

    items: tuple[Value, ...]


class Unparsed(Expr):
    """Stands where a faulty expression was reported."""

    __slots__ = ()


# ---------------------------------------------------------------------------- parsing


def parse(text: str) -> Expr:
    """The expression in `text`.

    Raises:
        ExpressionError: `expression-syntax` or `expression-not-allowed`.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            "expression-too-large",
            f"the expression is {len(text)} characters long; {MAX_LENGTH} are allowed",
        )
    source = text.replace("\n", " ").replace("\r", " ")
    shift = len(source) - len(source.lstrip())
    source = source.strip()
    if not source:
        raise ExpressionError("expression-syntax", "the expression is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `1or 2` is Python's business
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        raise _syntax_error(error, source, shift) from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError(
            "expression-syntax", "this is not an expression"
        ) from None
    return _Reader(source, shift).read(tree, 0)


# what other languages write, and what is written here
_FOREIGN = (
    (re.compile(r"&&"), "write `and`"),
    (re.compile(r"\|\|"), "write `or`"),
    (re.compile(r"!(?!=)"), "write `not`"),
    (re.compile(r"(?<![=!<>])=(?!=)"), "to compare, write `==`"),
    (re.compile(r"\?"), "write `a if condition else b`"),
    (re.compile(r"[×·÷]"), "write `*`, `/` or `//`"),
)


def _syntax_error(error: SyntaxError, source: str, shift: int) -> ExpressionError:
    for pattern, help in _FOREIGN:
        if found := pattern.search(source):
            at = (found.start() + shift, found.end() + shift)
            message = f"`{found[0]}` is no operator of an expression"
            return ExpressionError("expression-syntax", message, at, help)
    if not error.offset:  # Python saw the end and wanted more
        end = len(source) + shift
        message = "something is missing at the end of this expression"
        return ExpressionError("expression-syntax", message, (end, end))
    start = min(error.offset - 1, len(source))
    end = min(max(start + 1, (error.end_offset or 0) - 1), len(source))
    message = (error.msg or "invalid syntax").split(". Perhaps")[0]
    return ExpressionError(
        "expression-syntax",
        f"this is not an expression: {message}",
        (start + shift, end + shift),
    )


_AST_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
}
_AST_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_AST_UNARY: dict[type[ast.unaryop], str] = {
    ast.USub: "-",
    ast.UAdd: "+",
    ast.Not: "not",
}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns Python's tree into ours and refuses whatever the language does not have."""

    source: str
    shift: int

    def at(self, node: ast.expr) -> tuple[int, int]:
        encoded = self.source.encode()  # ast counts bytes
        start = len(encoded[: node.col_offset].decode(errors="ignore"))
        end = len(encoded[: node.end_col_offset or 0].decode(errors="ignore"))
        return start + self.shift, end + self.shift

    def refuse(self, node: ast.expr, what: str, help: str | None = None):
        return ExpressionError(
            "expression-not-allowed",
            f"expressions have no {what}",
            self.at(node),
            help
            or "numbers, names, + - * / // % **, comparisons, and/or/not,"
            " a if c else b, indexing, and "
            + " ".join(sorted(FUNCTIONS))
            + " are all there is",
        )

    def read(self, node: ast.expr, depth: int) -> Expr:
        if depth > MAX_DEPTH:
            raise ExpressionError(
                "expression-too-large",
                f"the expression is nested more than {MAX_DEPTH} deep",
                self.at(node),
            )
        down = depth + 1
        match node:
            case ast.Constant(value=bool() | int() | float()):
                return self.constant(node)
            case ast.Name():
                return Name(node.id, self.at(node))
            case ast.UnaryOp() if type(node.op) in _AST_UNARY:
                return Unary(_AST_UNARY[type(node.op)], self.read(node.operand, down))
            case ast.BinOp() if type(node.op) in _AST_BINARY:
                op = _AST_BINARY[type(node.op)]
                left, right = self.read(node.left, down), self.read(node.right, down)
                return Binary(op, left, right, self.at(node))
            case ast.Compare() if all(type(o) in _AST_COMPARE for o in node.ops):
                ops = tuple(_AST_COMPARE[type(o)] for o in node.ops)
                operands = (node.left, *node.comparators)
                return Compare(ops, tuple(self.read(o, down) for o in operands))
            case ast.BoolOp():
                op = "and" if isinstance(node.op, ast.And) else "or"
                return BoolOp(op, tuple(self.read(v, down) for v in node.values))
            case ast.IfExp():
                parts = (node.test, node.body, node.orelse)
                return IfExp(*(self.read(p, down) for p in parts))
            case ast.Subscript():
                return self.subscript(node, down)
            case ast.Call():
                return self.call(node, down)
            case _:
                raise self.refuse(node, _kind(node))

    def constant(self, node: ast.Constant) -> Const:
        value = node.value
        assert isinstance(value, bool | int | float)
        try:
            return Const(_bounded(value))
        except ExpressionError as error:
            error.at = self.at(node)
            raise

    def subscript(self, node: ast.Subscript, depth: int) -> Expr:
        value = self.read(node.value, depth)
        if isinstance(node.slice, ast.Slice):
            bounds = (node.slice.lower, node.slice.upper, node.slice.step)
            return Slice(value, *(b and self.read(b, depth) for b in bounds))
        return Index(value, self.read(node.slice, depth), self.at(node))

    def call(self, node: ast.Call, depth: int) -> Expr:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node.func, "methods or attributes")
        name = node.func.id
        if name not in _FUNCTIONS:
            raise self.refuse(
                node.func, f"function `{name}`", did_you_mean(name, FUNCTIONS)
            )
        if node.keywords:
            raise self.refuse(node, "keyword arguments")
        _, least, most = _FUNCTIONS[name]
        if not least <= len(node.args) <= most:
            raise ExpressionError(
                "expression-value",
                f"`{name}` takes {least if least == most else f'{least} to {most}'}"
                f" argument{'s' if most > 1 else ''}, not {len(node.args)}",
                self.at(node),
            )
        args = tuple(self.read(a, depth) for a in node.args)
        return Call(name, args, self.at(node))


def _kind(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str() | bytes()):
            return "text in quotes"
        case ast.Attribute():
            return "attributes"
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
            return "lists or tables; put the list into [params] and name it"
        case ast.Lambda():
            return "functions of your own"
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
            return "comprehensions"
        case ast.BinOp() | ast.UnaryOp():
            return "bitwise or matrix operators"
        case ast.Compare():
            return "`in` or `is`"
        case _:
            return "such thing as this"


# ------------------------------------------------------------------------- evaluation


def evaluate(expr: Expr, names: Mapping[str, Value]) -> Value:
    """The value of `expr`; an expression where a symbol remains in it.

    Raises:
        ExpressionError: `unknown-name`, `expression-value` or `expression-too-large`.
    """
    match expr:
        case Const():
            return expr.value
        case Name():
            try:
                value = names[expr.id]
            except KeyError:
                raise UnknownName(expr.id, expr.at) from None
            if value is SILENCED:
                raise Silenced
            return value
        case Binary():
            left, right = evaluate(expr.left, names), evaluate(expr.right, names)
            return _located(expr.at, binary, expr.op, left, right)
        case Unary():
            return _unary(expr.op, evaluate(expr.operand, names))
        case Compare():
            return _compare(expr.ops, [evaluate(o, names) for o in expr.operands])
        case BoolOp():
            return _bool_op(expr, names)
        case IfExp():
            test = evaluate(expr.test, names)
            if isinstance(test, Expr):
                branches = evaluate(expr.body, names), evaluate(expr.orelse, names)
                return choose(test, *branches)
            return evaluate(expr.body if test else expr.orelse, names)
        case Index():
            value, index = evaluate(expr.value, names), evaluate(expr.index, names)
            return _located(expr.at, _index, value, index)
        case Slice():
            return _slice(expr, names)
        case Call():
            args = [evaluate(a, names) for a in expr.args]
            return _located(expr.at, _call, expr.function, args)
        case ListOf():
            items = tuple(evaluate(as_expr(i), names) for i in expr.items)
            return ListOf(items) if any(isinstance(i, Expr) for i in items) else items
        case Unparsed():
            raise Silenced
        case _:
            raise TypeError(expr)


def names_in(expr: Expr) -> dict[str, tuple[int, int] | None]:
    """The names an expression reads, each with its first place in the text."""
    found: dict[str, tuple[int, int] | None] = {}
    stack: list[Any] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Name):
            found.setdefault(node.id, node.at)
        elif isinstance(node, tuple):
            stack.extend(reversed(node))  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(node, Expr):
            slots = node.__slots__
            stack.extend(getattr(node, s) for s in reversed(slots) if s != "at")
    return found


def replaced(value: Value, old: Expr, new: Expr) -> Value:
    """An expression with `new` wherever `old` stands in it."""
    if value == old:
        return new
    if isinstance(value, tuple):
        return tuple(replaced(v, old, new) for v in value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if not isinstance(value, Expr):
        return value
    parts = [replaced(getattr(value, slot), old, new) for slot in value.__slots__]
    return type(value)(*parts)


def as_expr(value: Value) -> Expr:
    """A value as an expression."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, tuple):
        return ListOf(value)  # pyright: ignore[reportUnknownArgumentType]
    return Const(value)


def choose(test: Expr, body: Value, orelse: Value) -> Value:
    """`body if test else orelse`, or just the value where both are the same.

    They also are where the test says which value makes them differ: `a if a != b else
    b` is `a`, and `x * n if n != 1 else x` is `x * n`.
    """
    if type(body) is type(orelse) and body == orelse:
        return body
    if _equal_unless(test, "!=", "or", body, orelse):
        return body
    if _equal_unless(test, "==", "and", body, orelse):
        return orelse
    return IfExp(test, as_expr(body), as_expr(orelse))


def _equal_unless(test: Expr, op: str, joint: str, a: Value, b: Value) -> bool:
    """Whether two values are equal where `name op value` does not hold."""
    match test:
        case BoolOp(op=found, operands=parts) if found == joint:
            return any(_equal_unless(part, op, joint, a, b) for part in parts)
        case Compare(ops=(found,), operands=(Name(id=name), other)) if found == op:
            return _with(a, name, other) == _with(b, name, other)
        case _:
            return False


def _with(value: Value, name: str, stands_for: Expr) -> Value:
    """An expression with another in the place of one of its names."""
    if not isinstance(value, Expr):
        return value
    known = stands_for.value if isinstance(stands_for, Const) else stands_for
    try:
        return evaluate(value, {n: Name(n) for n in names_in(value)} | {name: known})
    except ExpressionError:
        return object()  # it has no value there, so it equals nothing


def binary(op: str, left: Value, right: Value) -> Value:
    """`left op right` over numbers or symbols, simplified."""
    if isinstance(left, Expr) or isinstance(right, Expr):
        if not isinstance(left, Expr | int | float):
            return NotImplemented
        if not isinstance(right, Expr | int | float):
            return NotImplemented
        return _symbolic(op, left, right)
    _need_numbers(f"`{op}`", left, right)
    try:
        if op == "**":
            _check_power(left, right)
        return _bounded(_BINARY[op](left, right))
    except ZeroDivisionError:
        raise ExpressionError(
            "expression-value", f"division by zero: {left} {op} {right}"
        ) from None
    except OverflowError:
        raise _too_large() from None


def _symbolic(op: str, left: Value, right: Value) -> Value:
    """Builds `left op right`, dropping what adds nothing to it."""
    match op, left, right:
        case ("+" | "-", _, 0) | ("*" | "//" | "/", _, 1) if not isinstance(
            right, bool
        ):
            return left
        case ("+", 0, _) | ("*", 1, _) if not isinstance(left, bool):
            return right
        case "*", Expr(), int():
            # a product reads with its number last, `planes * 4`, and folds: x * 2 * 2
            match left:
                case Binary(op="*", left=inner, right=Const(value=int(factor))):
                    return binary("*", inner, factor * right)
                case _:
                    pass
        case "*", int(), Expr() if not isinstance(right, Call) and (
            not isinstance(right, Binary) or right.op != "**"
        ):
            return binary("*", right, left)
        case "+" | "-", Binary(op="+" | "-", right=Const(value=int(term))), int():
            # x + 1 + 1 is x + 2
            total = (term if left.op == "+" else -term) + (
                right if op == "+" else -right
            )
            sign = "+" if total >= 0 else "-"
            return binary(sign, left.left, abs(total))
        case "//", Binary(
            op="*", left=inner, right=Const(value=int(factor))
        ), int() if right > 0 and factor % right == 0:
            return binary("*", inner, factor // right)
        case "-", Expr(), Expr() if left == right:
            return 0
        case "+", Expr(), Binary(op="-", left=whole, right=part) if left == part:
            # a part and what the whole has beside it
            return whole
        case "+", Expr(), Expr() if left == right:
            return binary("*", left, 2)
        case _:
            pass
    return Binary(op, as_expr(left), as_expr(right))


def _located(at: tuple[int, int] | None, function: Callable[..., Value], *args: Any):
    try:
        return function(*args)
    except ExpressionError as error:
        error.at = error.at or at
        raise


def _bounded(value: Value) -> Value:
    if isinstance(value, complex):
        raise ExpressionError("expression-value", "the value is not a real number")
    if isinstance(value, float) and not math.isfinite(value):
        raise _too_large()
    if isinstance(value, int | float) and abs(value) > MAX_MAGNITUDE:
        raise _too_large()
    return value


def _too_large() -> ExpressionError:
    return ExpressionError(
        "expression-too-large", "the value is beyond 2**62, which no network needs"
    )


def _check_power(base: Value, exponent: Value) -> None:
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent > 0 and (abs(base).bit_length() - 1) * exponent > 64:
        raise _too_large()


def _describe(value: Value) -> str:
    match value:
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case tuple() | ListOf():
            return "a list"
        case str():
            return "text"
        case _:
            return "no number"


def _need_numbers(what: str, *values: Value) -> None:
    for value in values:
        if not isinstance(value, int | float | Expr):
            raise ExpressionError(
                "expression-value", f"{what} needs numbers, not {_describe(value)}"
            )


def _unary(op: str, value: Value) -> Value:
    if isinstance(value, Expr):
        return Unary(op, value)
    if op == "not":
        return not value
    _need_numbers(f"`{op}`", value)
    return -value if op == "-" else +value


def _compare(ops: tuple[str, ...], values: list[Value]) -> Value:
    if any(isinstance(v, Expr) for v in values):
        return Compare(ops, tuple(as_expr(v) for v in values))
    for op, left, right in zip(ops, values, values[1:], strict=False):
        if op not in ("==", "!="):
            _need_numbers(f"`{op}`", left, right)
        if not _COMPARE[op](left, right):
            return False
    return True


def _bool_op(expr: BoolOp, names: Mapping[str, Value]) -> Value:
    """Python's `and`/`or`, stopping at the first operand that decides."""
    decides = expr.op == "or"
    kept: list[Expr] = []
    value: Value = not decides
    for operand in expr.operands:
        value = evaluate(operand, names)
        if isinstance(value, Expr):
            kept.append(value)
        elif bool(value) == decides:
            return value if not kept else BoolOp(expr.op, (*kept, as_expr(value)))
    if not kept:
        return value
    return kept[0] if len(kept) == 1 else BoolOp(expr.op, tuple(kept))


def _index(value: Value, index: Value) -> Value:
    if isinstance(value, ListOf) and isinstance(index, int):
        value = value.items
    if isinstance(value, Expr) or isinstance(index, Expr):
        return Index(as_expr(value), as_expr(index))
    items = _items(value, "indexed")
    if not isinstance(index, int) or isinstance(index, bool):
        raise ExpressionError("expression-value", f"{index} is no list index")
    if not -len(items) <= index < len(items):
        there = f"{len(items)} items, numbered 0 to {len(items) - 1}"
        raise ExpressionError(
            "expression-value",
            f"index {index} is out of range: the list"
            f" {f'has {there}' if items else 'is empty'}",
        )
    return items[index]


def _items(value: Value, what: str) -> tuple[Value, ...]:
    if isinstance(value, tuple):
        return cast("tuple[Value, ...]", value)
    message = f"{_describe(value)} cannot be {what}, only a list can"
    raise ExpressionError("expression-value", message)


def _slice(expr: Slice, names: Mapping[str, Value]) -> Value:
    value = evaluate(expr.value, names)
    parts = (expr.lower, expr.upper, expr.step)
    bounds = [None if p is None else evaluate(p, names) for p in parts]
    if isinstance(value, Expr) or any(isinstance(b, Expr) for b in bounds):
        kept = [None if b is None else as_expr(b) for b in bounds]
        return Slice(as_expr(value), *kept)
    items = _items(value, "sliced")
    if any(b is not None and not isinstance(b, int) for b in bounds) or bounds[2] == 0:
        raise ExpressionError("expression-value", "slice bounds must be integers")
    return items[slice(*bounds)]


def _call(name: str, args: list[Value]) -> Value:
    if any(isinstance(a, ListOf) for a in args) and name == "len":
        return len(args[0].items)
    if any(isinstance(a, Expr) for a in args):
        return Call(name, tuple(as_expr(a) for a in args))
    if name in ("len", "sum") and not isinstance(args[0], tuple):
        raise ExpressionError(
            "expression-value", f"`{name}` needs a list, not {_describe(args[0])}"
        )
    items: list[Value] = args
    if len(args) == 1 and isinstance(args[0], tuple):
        items = list(cast("tuple[Value, ...]", args[0]))
    if name in ("min", "max") and not items:
        raise ExpressionError("expression-value", f"`{name}` of an empty list")
    if name != "len":
        _need_numbers(f"`{name}`", *items)
    if name == "round" and len(args) > 1 and args[1] not in range(-20, 21):
        raise ExpressionError(
            "expression-value", f"`round` to {args[1]} digits; -20 to 20 are possible"
        )
    try:
        return _bounded(_FUNCTIONS[name][0](*args))
    except (TypeError, ValueError):
        raise ExpressionError(
            "expression-value", f"`{name}` does not take such arguments"
        ) from None
    except OverflowError:
        raise _too_large() from None


# --------------------------------------------------------------------------- printing

_PRECEDENCE = {
    "or": 1,
    "and": 2,
    "not": 3,
    "compare": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "//": 6,
    "%": 6,
    "unary": 7,
    "**": 8,
    "atom": 9,
}


def to_source(value: Value) -> str:
    """A value or expression as Python source, spaced as Black and Ruff space it."""
    return _print(as_expr(value))[0]


def number_source(value: float) -> str:
    """A number as people write it: 1e-6, where `repr` has 1e-06."""
    return re.sub(
        r"e([+-])0+(?=\d)", lambda m: "e-" if m[1] == "-" else "e", repr(value)
    )


def _print(expr: Expr) -> tuple[str, int]:
    match expr:
        case Const():
            text = number_source(expr.value)
            return text, _PRECEDENCE["unary" if text[0] == "-" else "atom"]
        case Name():
            return expr.id, _PRECEDENCE["atom"]
        case Unary():
            level = _PRECEDENCE["not" if expr.op == "not" else "unary"]
            gap = " " if expr.op == "not" else ""
            return f"{expr.op}{gap}{_wrapped(expr.operand, level)}", level
        case Binary():
            return _print_binary(expr)
        case Compare():
            level = _PRECEDENCE["compare"]
            parts = [_wrapped(o, level + 1) for o in expr.operands]
            text = parts[0]
            for op, part in zip(expr.ops, parts[1:], strict=True):
                text += f" {op} {part}"
            return text, level
        case BoolOp():
            level = _PRECEDENCE[expr.op]
            # Ruff wants brackets around an `and` inside an `or`
            parts = [_wrapped(o, _PRECEDENCE["not"]) for o in expr.operands]
            return f" {expr.op} ".join(parts), level
        case IfExp():
            test, body = _wrapped(expr.test, 1), _wrapped(expr.body, 1)
            return f"{body} if {test} else {_wrapped(expr.orelse, 0)}", 0
        case Index():
            return f"{_wrapped(expr.value, 9)}[{to_source(expr.index)}]", 9
        case Slice():
            return _print_slice(expr), 9
        case Call():
            name = f"math.{expr.function}" if expr.function in _MATH else expr.function
            return f"{name}({', '.join(to_source(a) for a in expr.args)})", 9
        case ListOf():
            items = ", ".join(to_source(i) for i in expr.items)
            return f"({items}{',' if len(expr.items) == 1 else ''})", 9
        case _:
            raise TypeError(expr)


_MATH = frozenset({"ceil", "floor"})


def needs_math(expr: Expr) -> bool:
    """Whether the printed expression calls into Python's `math`."""
    return "math." in to_source(expr)


def _wrapped(expr: Expr, level: int) -> str:
    text, own = _print(expr)
    return text if own >= level else f"({text})"


def _print_binary(expr: Binary) -> tuple[str, int]:
    level = _PRECEDENCE[expr.op]
    if expr.op == "**":
        left, right = _wrapped(expr.left, level + 1), _wrapped(expr.right, level - 1)
        simple = isinstance(expr.left, Name | Const) and isinstance(
            expr.right, Name | Const
        )
        return f"{left}{'**' if simple else ' ** '}{right}", level
    left, right = _wrapped(expr.left, level), _wrapped(expr.right, level + 1)
    return f"{left} {expr.op} {right}", level


def _print_slice(expr: Slice) -> str:
    bounds = [b for b in (expr.lower, expr.upper) if b is not None]
    simple = all(isinstance(b, Name | Const) for b in bounds)
    lower = "" if expr.lower is None else to_source(expr.lower)
    upper = "" if expr.upper is None else to_source(expr.upper)
    left = f"{lower} " if lower and not simple else lower
    right = f" {upper}" if upper and not simple else upper
    step = "" if expr.step is None else f":{to_source(expr.step)}"
    return f"{_wrapped(expr.value, 9)}[{left}:{right}{step}]"
