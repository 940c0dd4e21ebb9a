"""Small changes to the source of a generated module, each as a slip would make it."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random

Change = Callable[[], None]
"""Changes the tree that it was made for."""


def mutants(source: str, random: Random, most: int) -> Iterator[tuple[str, str]]:
    """So many mutants of a source, drawn: what was done and where, and the text."""
    count = len(list(_changes(ast.parse(source))))
    for number in random.sample(range(count), min(most, count)):
        tree = ast.parse(source)
        what, change = next(islice(_changes(tree), number, None))
        change()
        yield what, ast.unparse(ast.fix_missing_locations(tree))


def _changes(tree: ast.Module) -> Iterator[tuple[str, Change]]:
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef):
            for method in cls.body:
                if isinstance(method, ast.FunctionDef):
                    place = f"{cls.name}.{method.name}"
                    for what, change in _method(method):
                        yield f"{place}: {what}", change
                elif isinstance(method, ast.AnnAssign) and method.value:
                    for node in ast.walk(method.value):
                        yield from _numbers(node)


def _method(method: ast.FunctionDef) -> Iterator[tuple[str, Change]]:
    names = sorted(
        {n.id for n in ast.walk(method) if isinstance(n, ast.Name)}
        & ({a.arg for a in method.args.args} | _assigned(method))
    )
    children = sorted(
        {
            n.attr
            for n in ast.walk(method)
            if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
            and n.value.id == "self" and n.attr != "training"
        }
    )  # fmt: skip
    for node in ast.walk(method):
        if isinstance(node, ast.FunctionDef | ast.For | ast.If):
            yield from _statements(node, "body")
        if isinstance(node, ast.If):
            yield from _statements(node, "orelse")
        yield from _numbers(node)
        yield from _operators(node)
        yield from _calls(node)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield from _others(node, "id", names, "reads")
        if isinstance(node, ast.Attribute) and node.attr in children:
            yield from _others(node, "attr", children, "takes")


def _assigned(method: ast.FunctionDef) -> set[str]:
    return {
        n.id
        for n in ast.walk(method)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def _others(
    node: ast.AST, field: str, names: list[str], what: str
) -> Iterator[tuple[str, Change]]:
    own = getattr(node, field)
    if own == "self" or own not in names:
        return
    for other in names:
        if other not in (own, "self"):
            yield (
                f"{what} {other} instead of {own} in line {node.lineno}",  # pyright: ignore
                _setting(node, field, other),
            )


def _setting(node: ast.AST, field: str, value: object) -> Change:
    return lambda: setattr(node, field, value)


def _statements(node: ast.AST, field: str) -> Iterator[tuple[str, Change]]:
    body: list[ast.stmt] = getattr(node, field)
    for i, statement in enumerate(body):
        text = ast.unparse(statement).partition("\n")[0]
        if len(body) > 1:
            yield f"drops {text}", _setting(node, field, body[:i] + body[i + 1 :])
        else:
            yield f"drops {text}", _setting(node, field, [ast.Pass()])
        if isinstance(statement, ast.Assign | ast.Expr | ast.AugAssign):
            doubled = [*body[: i + 1], copy.deepcopy(statement), *body[i + 1 :]]
            yield f"doubles {text}", _setting(node, field, doubled)
        if i + 1 < len(body):
            swapped = [*body[:i], body[i + 1], statement, *body[i + 2 :]]
            yield f"swaps {text} with the next", _setting(node, field, swapped)


def _numbers(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield f"{not value} for {value}", _setting(node, "value", not value)
    elif isinstance(value, int):
        for other in (value + 1, value - 1):
            yield f"{other} for {value}", _setting(node, "value", other)
    elif isinstance(value, float):
        yield f"{value * 2} for {value}", _setting(node, "value", value * 2)
    elif isinstance(value, str):
        yield f"{value}_ for {value}", _setting(node, "value", value + "_")


_OPERATORS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add, ast.FloorDiv),
    ast.FloorDiv: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}


def _operators(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.BinOp() | ast.BoolOp() | ast.AugAssign():
            for other in _OPERATORS.get(type(node.op), ()):
                yield (
                    f"{other.__name__} in {ast.unparse(node)}",
                    _setting(node, "op", other()),
                )
        case ast.Compare(ops=[op]):
            for other in _OPERATORS.get(type(op), ()):
                yield (
                    f"{other.__name__} in {ast.unparse(node)}",
                    _setting(node, "ops", [other()]),
                )
        case _:
            pass
    match node:
        case ast.BinOp():

            def sides() -> None:
                node.left, node.right = node.right, node.left

            yield f"swaps the sides of {ast.unparse(node)}", sides
        case ast.IfExp():

            def branches() -> None:
                node.body, node.orelse = node.orelse, node.body

            yield f"swaps the values of {ast.unparse(node)}", branches
        case ast.If(orelse=[_, *_]):

            def bodies() -> None:
                node.body, node.orelse = node.orelse, node.body

            yield f"swaps what follows if {ast.unparse(node.test)}", bodies
        case _:
            pass


def _calls(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1:
        text = ast.unparse(node)
        for i in range(len(node.elts)):
            left = node.elts[:i] + node.elts[i + 1 :]
            yield f"drops number {i} of {text}", _setting(node, "elts", left)
            if i:
                order = [*node.elts]
                order[i - 1 : i + 1] = order[i], order[i - 1]
                yield f"swaps number {i} of {text}", _setting(node, "elts", order)
    if not isinstance(node, ast.Call):
        return
    text = ast.unparse(node)
    for i in range(len(node.args)):
        left = node.args[:i] + node.args[i + 1 :]
        yield f"drops argument {i} of {text}", _setting(node, "args", left)
        if i:
            order = [*node.args]
            order[i - 1 : i + 1] = order[i], order[i - 1]
            yield f"swaps argument {i} of {text}", _setting(node, "args", order)
    for i, keyword in enumerate(node.keywords):
        left_keywords = node.keywords[:i] + node.keywords[i + 1 :]
        yield (
            f"drops {keyword.arg} of {text}",
            _setting(node, "keywords", left_keywords),
        )
    if "relu" in text.lower() and "inplace" not in text and "RELU" not in text:
        name = ast.unparse(node.func)
        if name in ("F.relu", "nn.ReLU"):
            keywords = [*node.keywords, ast.keyword("inplace", ast.Constant(True))]
            yield f"in place: {text}", _setting(node, "keywords", keywords)
