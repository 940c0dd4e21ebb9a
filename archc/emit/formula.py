"""Breaks expressions that do not fit on a line where Ruff's formatter breaks them."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

_OPERATORS: dict[type[ast.AST], tuple[str, int]] = {
    ast.Pow: ("**", 1),
    ast.Mult: ("*", 2),
    ast.Div: ("/", 2),
    ast.FloorDiv: ("//", 2),
    ast.Mod: ("%", 2),
    ast.Add: ("+", 3),
    ast.Sub: ("-", 3),
}
_COMPARISON, _BOOLEAN, _CONDITIONAL = 4, 5, 6


class Formula:
    """The source of one expression and where it can be broken."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text, mode="eval").body

    def rows(self, indent: int, prefix: str, suffix: str, width: int) -> list[str]:
        """A statement: broken in its last bracket, or put in brackets of its own."""
        pad = " " * indent
        if self._may_stay_bare():
            rows = self._in_last_bracket(indent, prefix, suffix, width)
            if rows is not None:
                return rows
        inner = self.parts(indent + 4, "", "", width)
        return [f"{pad}{prefix}(", *inner, f"{pad}){suffix}"]

    def parts(self, indent: int, prefix: str, suffix: str, width: int) -> list[str]:
        """One row where it fits inside brackets, else a row for each operand."""
        line = f"{' ' * indent}{prefix}{self.text}{suffix}"
        if len(line) <= width:
            return [line]
        if self.tree.col_offset and self.text[0] == "(":
            # all of it stands in brackets
            inner = Formula(self.text[1:-1]).parts(indent + 4, "", "", width)
            pad = " " * indent
            return [f"{pad}{prefix}(", *inner, f"{pad}){suffix}"]
        operands = list(self._operands(self.tree, _loosest(self.tree)))
        if len(operands) < 2:
            in_bracket = self._in_last_bracket(indent, prefix, suffix, width)
            return [line] if in_bracket is None else in_bracket
        rows: list[str] = []
        for number, (operator, node) in enumerate(operands):
            start = prefix if number == 0 else f"{operator} "
            end = suffix if number == len(operands) - 1 else ""
            rows += Formula(self._source(node)).parts(indent, start, end, width)
        return rows

    def _source(self, node: ast.expr) -> str:
        """The text of a part, with the brackets around it."""
        text = self.text[node.col_offset : node.end_col_offset]
        return f"({text})" if self._is_bracketed(node) else text

    def _is_bracketed(self, node: ast.expr) -> bool:
        end = node.end_col_offset or 0
        if node is self.tree or node.col_offset == 0 or end >= len(self.text):
            return False
        return self.text[node.col_offset - 1] == "(" and self.text[end] == ")"

    def _operands(self, node: ast.expr, level: int) -> Iterator[tuple[str, ast.expr]]:
        """The operands at the loosest level, each with the operator before it."""
        if level == 0 or _loosest(node) != level or self._is_bracketed(node):
            yield "", node
            return
        match node:
            case ast.IfExp():
                yield "", node.body
                yield "if", node.test
                inner = list(self._operands(node.orelse, level))
                yield "else", inner[0][1]
                yield from inner[1:]
            case ast.BoolOp():
                word = "and" if isinstance(node.op, ast.And) else "or"
                for number, value in enumerate(node.values):
                    # an `and` inside an `or` is broken with it
                    inner = list(self._operands(value, level))
                    yield (word if number else ""), inner[0][1]
                    yield from inner[1:]
            case ast.Compare():
                yield "", node.left
                texts = self._between(node)
                yield from zip(texts, node.comparators, strict=True)
            case ast.BinOp():
                yield from self._operands(node.left, level)
                yield _OPERATORS[type(node.op)][0], node.right
            case _:
                yield "", node

    def _between(self, node: ast.Compare) -> list[str]:
        """The operators of a comparison as they are written."""
        operands = [node.left, *node.comparators]
        gaps = [
            self.text[a.end_col_offset : b.col_offset]
            for a, b in itertools.pairwise(operands)
        ]
        return [gap.strip(" ()") for gap in gaps]

    def _may_stay_bare(self) -> bool:
        """Ruff leaves brackets out: one operator, and a bracket at an end."""
        counts: dict[int, int] = {}
        self._count(self.tree, counts)
        loosest = max(counts, default=0)
        ends = [self._end(self.tree, 0), self._end(self.tree, -1)]
        return counts.get(loosest, 0) <= 1 and any(
            self._is_bracketed(end) or isinstance(end, ast.Call | ast.Subscript)
            for end in ends
        )

    def _end(self, node: ast.expr, which: int) -> ast.expr:
        """The first or the last operand of all."""
        operands = list(self._operands(node, _loosest(node)))
        if len(operands) < 2 or self._is_bracketed(node):
            return node
        return self._end(operands[which][1], which)

    def _count(self, node: ast.expr, counts: dict[int, int]) -> None:
        if self._is_bracketed(node):
            return
        level = _loosest(node)
        if level:
            operands = list(self._operands(node, level))
            counts[level] = counts.get(level, 0) + len(operands) - 1
            for _, operand in operands:
                self._count(operand, counts)

    def _in_last_bracket(
        self, indent: int, prefix: str, suffix: str, width: int
    ) -> list[str] | None:
        """Broken in the last bracket that the first row has room for."""
        pad = " " * indent
        for start, end in _brackets(self.text):
            head, inner = self.text[: start + 1], self.text[start + 1 : end]
            tail = f"{pad}{self.text[end:]}{suffix}"
            if len(pad + prefix + head) > width or not inner:
                continue
            if len(tail) > width:
                return None
            if len(inner) + indent + 4 <= width:
                return [f"{pad}{prefix}{head}", f"{pad}    {inner}", tail]
            rows: list[str] = []
            arguments = self._arguments(end)
            if arguments is None:
                rows = Formula(inner).parts(indent + 4, "", "", width)
            for name, text in arguments or ():
                rows += Formula(text).parts(indent + 4, name, ",", width)
            return [f"{pad}{prefix}{head}", *rows, tail]
        return None

    def _arguments(self, end: int) -> list[tuple[str, str]] | None:
        """The arguments of the call whose bracket closes there, if it is a call's."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and node.end_col_offset == end + 1:
                args = [("", a) for a in node.args]
                args += [(f"{k.arg}=", k.value) for k in node.keywords]
                return [
                    (n, ast.get_source_segment(self.text, a) or "") for n, a in args
                ]
        return None


def _loosest(node: ast.expr) -> int:
    match node:
        case ast.IfExp():
            return _CONDITIONAL
        case ast.BoolOp():
            return _BOOLEAN
        case ast.Compare():
            return _COMPARISON
        case ast.BinOp():
            return _OPERATORS[type(node.op)][1]
        case _:
            return 0


def _brackets(text: str) -> Iterator[tuple[int, int]]:
    """Where the outermost brackets open and close, the last first."""
    depth, end = 0, 0
    for position in range(len(text) - 1, -1, -1):
        if text[position] in ")]":
            end = position if depth == 0 else end
            depth += 1
        elif text[position] in "([":
            depth -= 1
            if depth == 0:
                yield position, end
