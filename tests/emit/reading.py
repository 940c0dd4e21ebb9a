"""Python source of generated modules read back into the tree, for tests alone.

The other way of printing, by Python's own parser; what a generated module never has is
an error.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from archc.emit import tree
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
from archc.ops.registry import OPS
from archc.ops.source import MATH
from archc.spec.expressions import (
    FUNCTIONS,
    Binary,
    BoolOp,
    Call,
    Compare,
    Const,
    Expr,
    IfExp,
    Index,
    Slice,
    Unary,
)

_HELPERS = {op.helper.strip() for op in OPS.values() if op.helper}
_BINARY = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//",
    ast.Mod: "%", ast.Pow: "**", ast.BitOr: "|",
}  # fmt: skip
_COMPARE = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">",
    ast.GtE: ">=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip
_UNARY = {ast.USub: "-", ast.UAdd: "+", ast.Not: "not"}


def read(source: str) -> tree.Module:
    """The tree of a generated module's source."""
    found = ast.parse(source)
    imports: list[str] = []
    helpers: list[str] = []
    classes: list[ast.ClassDef] = []
    exports: list[str] = []
    for node in found.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports += [a.asname or a.name for a in node.names]
        elif isinstance(node, ast.Assign):
            exports = ast.literal_eval(node.value)
        elif isinstance(node, ast.ClassDef):
            text = ast.get_source_segment(source, node) or ""
            if text.strip() in _HELPERS:
                helpers.append(text)
            else:
                classes.append(node)
    names = frozenset(c.name for c in classes)
    return tree.Module(
        doc=((ast.get_docstring(found) or ""),),
        imports=tuple(imports),
        helpers=tuple(helpers),
        classes=tuple(_Reader(names, frozenset(imports)).cls(c) for c in classes),
        network=ClassName(exports[0]),
    )


class _Reader:
    def __init__(self, classes: frozenset[str], imports: frozenset[str]) -> None:
        self.classes = classes
        self.imports = imports
        self.locals: set[str] = set()

    def cls(self, node: ast.ClassDef) -> tree.Class:
        fields: list[tree.Statement] = []
        methods: list[tree.Method] = []
        doc = None
        for part in node.body:
            if isinstance(part, ast.FunctionDef):
                methods.append(self.method(part))
            elif isinstance(part, ast.AnnAssign):
                assert isinstance(part.target, ast.Name)
                value = None if part.value is None else self.expr(part.value)
                annotation = self.expr(part.annotation)
                target = Local(part.target.id)
                fields.append(tree.Assign((target,), value, annotation=annotation))
            elif isinstance(part, ast.Expr):
                doc = ast.get_docstring(node)
        (base,) = node.bases
        return tree.Class(
            ClassName(node.name),
            node.name,
            self.expr(base),
            doc,
            tuple(fields),
            tuple(methods),
        )

    def method(self, node: ast.FunctionDef) -> tree.Method:
        arguments = node.args.args
        self.locals = {a.arg for a in arguments}
        self.locals |= {
            n.id
            for n in ast.walk(node)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
        }
        defaults = [None] * (len(arguments) - len(node.args.defaults))
        parameters = tuple(
            tree.Parameter(
                Local(a.arg),
                self.expr(a.annotation) if a.annotation else Nothing(),
                None if d is None else self.expr(d),
            )
            for a, d in zip(arguments, [*defaults, *node.args.defaults], strict=True)
        )
        assert node.returns is not None
        made = tree.Method(
            node.name, parameters[1:], self.expr(node.returns), self.body(node.body)
        )
        self.locals = set()
        return made

    # ---- statements

    def body(self, nodes: Iterable[ast.stmt]) -> tree.Body:
        return tuple(self.statement(n) for n in nodes)

    def statement(self, node: ast.stmt) -> tree.Statement:
        match node:
            case ast.Assign(targets=[ast.Tuple() as target]):
                targets = tuple(self.expr(t) for t in target.elts)
                return tree.Assign(targets, self.expr(node.value))
            case ast.Assign(targets=[target]):
                return tree.Assign((self.expr(target),), self.expr(node.value))
            case ast.AugAssign():
                operator = _BINARY[type(node.op)]
                value = self.expr(node.value)
                return tree.Assign((self.expr(node.target),), value, operator=operator)
            case ast.AnnAssign():
                value = None if node.value is None else self.expr(node.value)
                annotation = self.expr(node.annotation)
                target = (self.expr(node.target),)
                return tree.Assign(target, value, annotation=annotation)
            case ast.Expr():
                return tree.Evaluate(self.expr(node.value))
            case ast.For(orelse=[]):
                targets = _targets(node.target)
                return tree.For(targets, self.expr(node.iter), self.body(node.body))
            case ast.If():
                test = self.expr(node.test)
                return tree.If(test, self.body(node.body), self.body(node.orelse))
            case ast.Return():
                assert node.value is not None
                return tree.Return(self.expr(node.value))
            case ast.Pass():
                return tree.Pass()
            case _:
                raise TypeError(ast.dump(node))

    # ---- expressions

    def expr(self, node: ast.expr) -> Expr:
        match node:
            case ast.Constant(value=None):
                return Nothing()
            case ast.Constant(value=str() as text):
                return Text(text)
            case ast.Constant(value=bool() | int() | float() as value):
                return Const(value)
            case ast.Constant(value=value) if value is ...:
                return Anything()
            case ast.Name():
                return self.name(node.id)
            case ast.Attribute():
                return self.attribute(node)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=value)):
                assert isinstance(value, int | float)
                return Const(-value)
            case ast.UnaryOp():
                return Unary(_UNARY[type(node.op)], self.expr(node.operand))
            case ast.BinOp():
                left, right = self.expr(node.left), self.expr(node.right)
                return Binary(_BINARY[type(node.op)], left, right)
            case ast.Compare():
                ops = tuple(_COMPARE[type(o)] for o in node.ops)
                return Compare(ops, self.all([node.left, *node.comparators]))
            case ast.BoolOp():
                op = "and" if isinstance(node.op, ast.And) else "or"
                return BoolOp(op, self.all(node.values))
            case ast.IfExp():
                test, body = self.expr(node.test), self.expr(node.body)
                return IfExp(test, body, self.expr(node.orelse))
            case ast.Subscript():
                return self.subscript(node)
            case ast.Call():
                return self.call(node)
            case ast.Tuple():
                return Sequence(self.all(node.elts), "()")
            case ast.List():
                return Sequence(self.all(node.elts), "[]")
            case ast.ListComp(generators=[ast.comprehension(ifs=[]) as loop]):
                targets = _targets(loop.target)
                return Comprehension(self.expr(node.elt), targets, self.expr(loop.iter))
            case ast.Lambda():
                names = tuple(a.arg for a in node.args.args)
                defaults = self.all(node.args.defaults)
                around = self.locals
                self.locals = {*around, *names}
                value = self.expr(node.body)
                self.locals = around
                return Lambda(tuple(map(Local, names)), defaults, value)
            case ast.Starred():
                return Starred(self.expr(node.value))
            case ast.Dict():
                return Mapping(
                    tuple(
                        (ast.literal_eval(k), self.expr(v))
                        for k, v in zip(node.keys, node.values, strict=True)
                        if k is not None
                    )
                )
            case ast.JoinedStr():
                return Joined(tuple(self.part(v) for v in node.values))
            case _:
                raise TypeError(ast.dump(node))

    def all(self, nodes: Iterable[ast.expr]) -> tuple[Expr, ...]:
        return tuple(self.expr(n) for n in nodes)

    def part(self, node: ast.expr) -> str | Expr:
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, str)
            return node.value
        assert isinstance(node, ast.FormattedValue)
        return self.expr(node.value)

    def name(self, name: str) -> Expr:
        if name in self.locals:
            return Local(name)
        return ClassName(name) if name in self.classes else Global(name)

    def attribute(self, node: ast.Attribute) -> Expr:
        dotted = ast.unparse(node)
        head, *rest = dotted.split(".")
        known = head in self.imports and head not in self.locals
        if known and all(map(str.isidentifier, rest)):  # not of what a call gives
            return Global(dotted)
        return Attribute(self.expr(node.value), node.attr)

    def subscript(self, node: ast.Subscript) -> Expr:
        value = self.expr(node.value)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        last = parts[-1]
        if not isinstance(last, ast.Slice):
            return Index(value, self.expr(node.slice))
        for axis, part in enumerate(parts):
            assert isinstance(part, ast.Slice)
            bounds = (part.lower, part.upper, part.step)
            if part is last or any(bounds):
                of = (None if b is None else self.expr(b) for b in bounds)
                taken = Slice(value, *of)
                value = taken if axis == 0 else Axes(value, axis, taken)
        return value

    def call(self, node: ast.Call) -> Expr:
        function = ast.unparse(node.func).removeprefix("math.")
        if function in FUNCTIONS | MATH and not node.keywords:
            return Call(function, self.all(node.args))
        arguments = [Argument(self.expr(a)) for a in node.args]
        for keyword in node.keywords:
            assert keyword.arg is not None
            arguments.append(Argument(self.expr(keyword.value), keyword.arg))
        return Apply(self.expr(node.func), tuple(arguments))


def _targets(target: ast.expr) -> tuple[Local, ...]:
    names = target.elts if isinstance(target, ast.Tuple) else [target]
    if isinstance(names[-1], ast.Tuple):
        names = [*names[:-1], *names[-1].elts]
    return tuple(Local(ast.unparse(n)) for n in names)
