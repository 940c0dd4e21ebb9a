"""From text to an expression: Python's syntax cut down to arithmetic."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.suggest import did_you_mean
from archc.spec.expressions.errors import ExpressionError
from archc.spec.expressions.operations import FUNCTIONS, SIGNATURES, bounded
from archc.spec.expressions.tree import (
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    Field,
    IfExp,
    Index,
    ListOf,
    Name,
    Slice,
    Unary,
)

MAX_LENGTH = 1000
MAX_DEPTH = 40


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
    if "#" in source:  # no word has it
        at = source.index("#") + shift
        raise ExpressionError(
            "expression-syntax", "expressions have no comments", (at, at + 1)
        )
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
    (re.compile(r"&&"), "write `and`", "and"),
    (re.compile(r"\|\|"), "write `or`", "or"),
    (re.compile(r"!(?!=)"), "write `not`", "not"),
    (re.compile(r"(?<![=!<>])=<|≤"), "write `<=`", "<="),
    (re.compile(r"(?<![=!<>])=>|≥"), "write `>=`", ">="),
    (re.compile(r"<>|≠"), "write `!=`", "!="),
    (re.compile(r"(?<![=!<>])=(?!=)"), "to compare, write `==`", None),
    (re.compile(r"\?"), "write `a if condition else b`", None),
    (re.compile(r"[×·÷]"), "write `*`, `/` or `//`", None),
)


def _syntax_error(error: SyntaxError, source: str, shift: int) -> ExpressionError:
    for pattern, help, mend in _FOREIGN:
        if found := pattern.search(source):
            at = (found.start() + shift, found.end() + shift)
            message = f"`{found[0]}` is no operator of an expression"
            if mend is not None:
                before = source[found.start() - 1 : found.start()].isspace()
                behind = source[found.end() : found.end() + 1].isspace()
                head, tail = "" if before else " ", "" if behind else " "
                spaced = f"{head}{mend}{tail}" if mend.isalpha() else mend
                help = Mend(help, Edit(spaced))
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
    ast.In: "in",
    ast.NotIn: "not in",
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
            or "numbers, names, words in quotes, + - * / // % **, comparisons, in,"
            " and/or/not, a if c else b, indexing, and "
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
            case ast.Constant(value=str()):
                return self.word(node)
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
                within = [op in ("in", "not in") for op in ops]
                listed = zip(within, node.comparators, strict=True)
                operands = [self.read(node.left, down)]
                operands += [
                    self.items(o, down) if inside else self.read(o, down)
                    for inside, o in listed
                ]
                return Compare(ops, tuple(operands))
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
            case ast.Attribute(
                value=ast.Name() | ast.Subscript() | ast.Attribute()
            ) if not node.attr.startswith("_"):
                return Field(self.read(node.value, down), node.attr, self.at(node))
            case _:
                raise self.refuse(node, _kind(node))

    def constant(self, node: ast.Constant) -> Const:
        value = node.value
        assert isinstance(value, bool | int | float)
        try:
            return Const(bounded(value))
        except ExpressionError as error:
            error.at = self.at(node)
            raise

    def word(self, node: ast.Constant) -> Const:
        """A text in quotes."""
        text = str(node.value)
        if not text.isprintable() or set(text) & set("\"'\\"):
            raise self.refuse(
                node, "such text", "a word has no quotes, backslashes or line ends"
            )
        return Const(text)

    def items(self, node: ast.expr, depth: int) -> Expr:
        """What is behind `in`: a list that is written there, or another expression."""
        if not isinstance(node, ast.List | ast.Tuple):
            return self.read(node, depth)
        if any(isinstance(e, ast.Starred) for e in node.elts):
            raise self.refuse(node, "stars")
        items = tuple(self.read(e, depth) for e in node.elts)
        plain = tuple(i.value if isinstance(i, Const) else i for i in items)
        return ListOf(plain)

    def subscript(self, node: ast.Subscript, depth: int) -> Expr:
        value = self.read(node.value, depth)
        if isinstance(node.slice, ast.Slice):
            bounds = (node.slice.lower, node.slice.upper, node.slice.step)
            return Slice(value, *(b and self.read(b, depth) for b in bounds))
        return Index(value, self.read(node.slice, depth), self.at(node))

    def call(self, node: ast.Call, depth: int) -> Expr:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(node.func, "methods")
        name = node.func.id
        if name not in FUNCTIONS:
            raise self.refuse(
                node.func, f"function `{name}`", did_you_mean(name, FUNCTIONS)
            )
        if node.keywords:
            raise self.refuse(node, "keyword arguments")
        least, most = SIGNATURES[name].least, SIGNATURES[name].most
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
        case ast.Constant(value=bytes()) | ast.JoinedStr():
            return "text but words in quotes"
        case ast.Attribute():
            return "attributes but the fields of rows"
        case ast.List() | ast.Tuple() | ast.Set() | ast.Dict():
            return "lists or tables; put the list into [params] and name it"
        case ast.Lambda():
            return "functions of your own"
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
            return "comprehensions"
        case ast.BinOp() | ast.UnaryOp():
            return "bitwise or matrix operators"
        case ast.Compare():
            return "`is`"
        case _:
            return "such thing as this"
