"""Expressions evaluated as Python does, but for what tensors and calls mean."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from archc.emit.validate.calls import described
from archc.emit.validate.disagreement import NotFollowed
from archc.emit.validate.values import (
    TRAINING,
    Environment,
    Function,
    Made,
    Module,
    Parameter,
    Partial,
    Parts,
    Places,
    Symbol,
    Tensor,
    Value,
)
from archc.ops.code import (
    Apply,
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
from archc.spec.expressions import (
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
    Slice,
    Unary,
    as_expr,
)

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}
_QUICK = frozenset({"+", "-", "*"})
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
    "is": operator.is_,
    "is not": operator.is_not,
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "abs": abs,
    "round": round,
    "int": int,
    "ceil": math.ceil,
    "floor": math.floor,
    "log2": math.log2,
    "sqrt": math.sqrt,
}
_LARGEST_POWER = 1000
_PLAIN = (bool, int, float, str, tuple, list)


class Evaluator(ABC):
    """Evaluates expressions; what is particular to tensors and classes is below."""

    @abstractmethod
    def apply(self, expr: Apply, env: Environment) -> Value:
        """A call."""

    @abstractmethod
    def attribute(self, value: Value, name: str) -> Value:
        """`value.name`, not called."""

    @abstractmethod
    def operate(self, op: str, left: Value, right: Value) -> Value:
        """`left op right`, where one of them is a tensor."""

    @abstractmethod
    def taken(self, value: Value, axis: int, part: slice) -> Value:
        """A slice of one axis of a tensor."""

    @abstractmethod
    def is_training(self) -> bool:
        """Whether the run that is being followed is one of training."""

    # ---- values

    def evaluate(self, expr: Expr, env: Environment) -> Value:
        """The value of `expr`.

        Raises:
            Fault: if it has none, or none that is known.
        """
        handler = self.HANDLERS.get(type(expr))
        if handler is None:
            raise NotFollowed(f"an expression of the kind {type(expr).__name__}")
        return handler(self, expr, env)

    def part(self, parts: Parts, number: int) -> Value:
        """One of the values that a call gives."""
        raise NotFollowed(f"a part of {described(parts)}")

    def truth(self, value: Value) -> bool:
        if value is TRAINING:
            return self.is_training()
        if value is None or isinstance(value, (*_PLAIN, dict)):
            return bool(value)
        if isinstance(value, Symbol | Partial | Function | Places):
            return True
        raise NotFollowed(f"the truth of {described(value)}")

    def items(self, value: Value) -> Iterator[Value]:
        """What a loop runs over."""
        match value:
            case tuple() | list():
                return iter(value)
            case Module(kind="sequential" | "list" | "parameters"):
                return iter(tuple(value.members()))
            case Iterator():
                return value
            case Parts(count=count):
                return (self.part(value, number) for number in range(count))
            case _:
                raise NotFollowed(f"a loop over {described(value)}")

    def _constant(self, expr: Const, env: Environment) -> Value:
        return expr.value

    def _text(self, expr: Text, env: Environment) -> Value:
        return expr.value

    def _nothing(self, expr: Nothing, env: Environment) -> Value:
        return None

    def _local(self, expr: Local, env: Environment) -> Value:
        try:
            return env[expr.id]
        except KeyError:
            raise NotFollowed(
                f"`{expr.id}` is read before anything is assigned to it"
            ) from None

    def _global(self, expr: Global, env: Environment) -> Value:
        return Symbol((expr.name,))

    def _class_name(self, expr: ClassName, env: Environment) -> Value:
        return Symbol((expr.key,))

    def _attribute(self, expr: Attribute, env: Environment) -> Value:
        return self.attribute(self.evaluate(expr.value, env), expr.name)

    def _unary(self, expr: Unary, env: Environment) -> Value:
        value = self.evaluate(expr.operand, env)
        if expr.op == "not":
            return not self.truth(value)
        if not isinstance(value, int | float):
            raise NotFollowed(f"`{expr.op}` of {described(value)}")
        return -value if expr.op == "-" else +value

    def _binary(self, expr: Binary, env: Environment) -> Value:
        # a sum of a thousand terms nests as deep, always on the left
        spine: list[Binary] = [expr]
        while isinstance(expr.left, Binary):
            expr = expr.left
            spine.append(expr)
        value = self.evaluate(expr.left, env)
        for part in reversed(spine):
            value = self.arithmetic(part.op, value, self.evaluate(part.right, env))
        return value

    def arithmetic(self, op: str, left: Value, right: Value) -> Value:
        """`left op right`."""
        if type(left) is int and type(right) is int and op in _QUICK:
            return _ARITHMETIC[op](left, right)
        if isinstance(left, Tensor | Made | Parameter) or isinstance(
            right, Tensor | Made | Parameter
        ):
            return self.operate(op, left, right)
        if op == "|" and isinstance(left, Symbol) and isinstance(right, Symbol):
            return Symbol(left.names + right.names)
        function = _ARITHMETIC.get(op)
        plain = isinstance(left, _PLAIN) and isinstance(right, _PLAIN)
        if function is None or not plain:
            raise NotFollowed(f"{described(left)} {op} {described(right)}")
        if op == "**" and isinstance(right, int | float) and right > _LARGEST_POWER:
            raise NotFollowed(f"{described(left)} ** {described(right)}")
        return function(left, right)

    def _compare(self, expr: Compare, env: Environment) -> Value:
        left = self.evaluate(expr.operands[0], env)
        for op, operand in zip(expr.ops, expr.operands[1:], strict=True):
            right = self.evaluate(operand, env)
            if op not in _COMPARE:
                raise NotFollowed(f"the comparison `{op}`")
            for side in (left, right):
                # a module or parameter is only ever asked whether it is there
                there = op in ("is", "is not") and (left is None or right is None)
                if not there and not isinstance(side, _PLAIN):
                    raise NotFollowed(f"{described(left)} {op} {described(right)}")
            if not _COMPARE[op](left, right):
                return False
            left = right
        return True

    def _bool_op(self, expr: BoolOp, env: Environment) -> Value:
        value: Value = None
        for operand in expr.operands:
            value = self.evaluate(operand, env)
            if self.truth(value) == (expr.op == "or"):
                return value
        return value

    def _if(self, expr: IfExp, env: Environment) -> Value:
        test = self.truth(self.evaluate(expr.test, env))
        return self.evaluate(expr.body if test else expr.orelse, env)

    def _index(self, expr: Index, env: Environment) -> Value:
        value = self.evaluate(expr.value, env)
        index = self.evaluate(expr.index, env)
        match value, index:
            case dict(), str():
                if index not in value:
                    raise NotFollowed(f"the dict has no {index!r}")
                return value[index]
            case Module(kind="dict"), str() if index in value.children:
                return value.children[index]
            case Module(kind="sequential" | "list" | "parameters"), int():
                return value.members()[index]
            case tuple() | list(), int():
                return value[index]
            case Parts(), int():
                return self.part(value, index)
            case _:
                raise NotFollowed(f"{described(value)}[{described(index)}]")

    def _field(self, expr: Field, env: Environment) -> Value:
        return self.attribute(self.evaluate(expr.value, env), expr.name)

    def bounds(self, expr: Slice, env: Environment) -> slice:
        """The bounds of a slice.

        Raises:
            NotFollowed: where one is no whole number.
        """
        parts = (expr.lower, expr.upper, expr.step)
        values = [None if p is None else self.evaluate(p, env) for p in parts]
        for value in values:
            if value is not None and not isinstance(value, int):
                raise NotFollowed(f"a slice up to {described(value)}")
        return slice(*values)

    def _slice(self, expr: Slice, env: Environment) -> Value:
        value = self.evaluate(expr.value, env)
        part = self.bounds(expr, env)
        if isinstance(value, Tensor):
            return self.taken(value, 0, part)
        if not isinstance(value, tuple | list):
            raise NotFollowed(f"a slice of {described(value)}")
        return value[part]

    def _axes(self, expr: Axes, env: Environment) -> Value:
        value = self.evaluate(expr.value, env)
        return self.taken(value, expr.before, self.bounds(expr.taken, env))

    def _call(self, expr: Call, env: Environment) -> Value:
        args = [self.evaluate(a, env) for a in expr.args]
        if expr.function == "len" and len(args) == 1:
            (value,) = args
            if isinstance(value, Module) and value.kind not in ("leaf", "module"):
                return len(value.children)
            if isinstance(value, tuple | list | dict):
                return len(value)
        for value in args:
            if not isinstance(value, _PLAIN) or expr.function not in _FUNCTIONS:
                raise NotFollowed(f"{expr.function}({described(value)})")
        return _FUNCTIONS[expr.function](*args)

    def _list_of(self, expr: ListOf, env: Environment) -> Value:
        return tuple(self.evaluate(as_expr(i), env) for i in expr.items)

    def _joined(self, expr: Joined, env: Environment) -> Value:
        parts: list[str] = []
        for part in expr.parts:
            value = part if isinstance(part, str) else self.evaluate(part, env)
            if not isinstance(value, str | int | float):
                raise NotFollowed(f"{described(value)} as text")
            parts.append(str(value))
        return "".join(parts)

    def _sequence(self, expr: Sequence, env: Environment) -> Value:
        values: list[Value] = []
        for item in expr.items:
            if isinstance(item, Starred):
                values += self.items(self.evaluate(item.value, env))
            else:
                values.append(self.evaluate(item, env))
        return values if expr.brackets == "[]" else tuple(values)

    def _comprehension(self, expr: Comprehension, env: Environment) -> Value:
        inside = dict(env)
        values: list[Value] = []
        for value in self.items(self.evaluate(expr.over, env)):
            several = len(expr.targets) > 1
            items = tuple(self.items(value)) if several else (value,)
            for target, item in zip(expr.targets, items, strict=True):
                inside[target.id] = item
            values.append(self.evaluate(expr.item, inside))
        return values

    def _lambda(self, expr: Lambda, env: Environment) -> Value:
        names = tuple(p.id for p in expr.parameters)
        values = [self.evaluate(value, env) for value in expr.defaults]
        with_defaults = names[len(names) - len(values) :]
        defaults = dict(zip(with_defaults, values, strict=True))
        return Function(names, defaults, expr.value, env)

    def _starred(self, expr: Starred, env: Environment) -> Value:
        raise NotFollowed("a star but in a list or among the arguments of a call")

    def _mapping(self, expr: Mapping, env: Environment) -> Value:
        return {k: self.evaluate(v, env) for k, v in expr.items}

    def _apply(self, expr: Apply, env: Environment) -> Value:
        return self.apply(expr, env)

    HANDLERS: ClassVar[dict[type[Expr], Callable[[Any, Any, Environment], Value]]] = {
        Const: _constant,
        Text: _text,
        Nothing: _nothing,
        Local: _local,
        Global: _global,
        ClassName: _class_name,
        Attribute: _attribute,
        Unary: _unary,
        Binary: _binary,
        Compare: _compare,
        BoolOp: _bool_op,
        IfExp: _if,
        Index: _index,
        Slice: _slice,
        Field: _field,
        Axes: _axes,
        Call: _call,
        ListOf: _list_of,
        Joined: _joined,
        Sequence: _sequence,
        Comprehension: _comprehension,
        Lambda: _lambda,
        Starred: _starred,
        Mapping: _mapping,
        Apply: _apply,
    }
