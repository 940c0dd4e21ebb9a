"""Types and defaults of arguments, as annotations in the tree."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from archc.emit.hidden import is_hidden, own_name
from archc.emit.plan import ClassPlan
from archc.emit.tree import Parameter
from archc.network.graph import Network, Region
from archc.ops import code
from archc.ops.code import Anything, Global, Local, Nothing, Text
from archc.ops.source import row_class
from archc.spec.expressions import (
    Binary,
    Const,
    Expr,
    Index,
    Row,
    is_sequence,
    is_tuple,
    rows_in,
)
from archc.spec.model import Arg

_INT, _STR, _TENSOR = Global("int"), Global("str"), Global("Tensor")


def indexed(name: str, *items: Expr) -> Expr:
    """`name[item, item]`."""
    inner = items[0] if len(items) == 1 else code.Sequence(items, "")
    return Index(Global(name), inner)


TENSORS = indexed("dict", _STR, _TENSOR)
NUMBERS = indexed("dict", _STR, _INT)
LOSS_WEIGHTS = indexed("ClassVar", indexed("dict", _STR, Global("float")))


def either(*types: Expr) -> Expr:
    """`a | b`."""
    return reduce(lambda a, b: Binary("|", a, b), types)


def tuple_of(kind: Expr, length: int) -> Expr:
    return indexed("tuple", *[kind] * length)


def factory(*, told: bool | None) -> Expr:
    """The type of what makes modules, with what it is told if that matters."""
    given: Expr = Anything()
    if told is not None:
        given = code.Sequence((_INT,) if told else ())
    return indexed("Callable", given, Global("nn.Module"))


class Types:
    """What the arguments of a module's constructors are."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def parameter(self, plan: ClassPlan, symbol: str) -> Parameter:
        """The declaration of an argument, by its symbol."""
        local = Local(symbol)
        for name, own in plan.env.items():
            if own.id == symbol:
                return self._declared(plan, name, local)
        for measured in plan.measured.values():
            if measured.symbol.id == symbol:
                seen = [measured.values(region) for region in plan.instances]
                return Parameter(local, type_of(v for v in seen if v is not None))
        numbers = symbol.startswith("feature_channels#")
        return Parameter(local, NUMBERS if numbers else _INT)

    def _declared(self, plan: ClassPlan, name: str, local: Local) -> Parameter:
        if plan.kind == "network":
            value = self._network.params[name]
            if rows_in(value):
                # a default that is a call would be made once for all
                kind = either(type_of([value]), Nothing())
                return Parameter(local, kind, Nothing())
            return Parameter(local, type_of([value]), default_of(value))
        kind = self._kind(plan, name)
        if plan.block is None or name not in plan.block.defaults:
            return Parameter(local, kind)
        default = plan.block.defaults[name]
        if isinstance(default, Expr) or rows_in(default):
            return Parameter(local, either(kind, Nothing()), Nothing())
        return Parameter(local, kind, default_of(default))

    def _kind(self, plan: ClassPlan, name: str) -> Expr:
        if plan.kind == "network":
            known = {**self._network.params, **self._network.lets}
            return type_of([known[name]])
        if plan.block is not None:
            seen = [_argument(r, name) for r in plan.instances if name in r.arguments]
            default = plan.block.defaults.get(name)
            plain = default is not None and not isinstance(default, Expr)
            return type_of([*seen, *([default] if plain else [])])
        assert plan.owner is not None
        # a counter is none of the owner's arguments
        if is_hidden(plan.env, name):
            return _INT
        if name not in plan.owner.env:
            name = own_name(name)
        owned = name in plan.owner.env or name in plan.owner.lets
        return self._kind(plan.owner, name) if owned else _INT


def _argument(region: Region, name: str) -> Arg:
    return region.arguments[name]


def default_of(value: Any) -> Expr:
    """A value as the default of an argument."""
    match value:
        case _ if is_sequence(value):
            return code.Sequence(tuple(map(default_of, value)), "()")
        case str():
            return Text(value)
        case _:
            return Const(value)


def type_of(values: Iterable[object]) -> Expr:
    """The annotation for what takes these values."""
    kinds = _kinds(values)
    if not kinds:
        return _INT
    plain = ("int", "float", "bool")
    ordered = sorted(kinds, key=lambda name: (name not in plain, name))
    return either(*(kinds[name] for name in ordered))


def _kinds(values: Iterable[object]) -> dict[str, Expr]:
    kinds = dict(map(_kind_of, values))
    if "float" in kinds:
        kinds.pop("int", None)
    return kinds


def _kind_of(value: object) -> tuple[str, Expr]:
    """A value's type, and a text to tell it from others."""
    match value:
        case bool():
            return "bool", Global("bool")
        case float():
            return "float", Global("float")
        case str():
            return "str", _STR
        case Row():
            made = row_class(value.fields)
            return made.key, made
        case (int(), int()):
            return "tuple[int, int]", indexed("tuple", _INT, _INT)
        case _ if is_tuple(value):
            made = _list_type(value)
            return str(made), made
        case _:
            return "int", _INT


def _list_type(items: tuple[object, ...]) -> Expr:
    """Of a list; items of several types are told one by one, in rows column by column.

    (3, False, 1) is a `tuple[int, bool, int]`, and ((3, 0), (5, 0.25)) a
    `Sequence[tuple[int, float]]`.
    """
    if any(map(is_tuple, items)):
        rows = [row for row in items if is_tuple(row)]
        if len(rows) == len(items) and len({len(row) for row in rows}) == 1:
            columns = [type_of(column) for column in zip(*rows, strict=True)]
            if any(column != columns[0] for column in columns):
                return indexed("Sequence", indexed("tuple", *columns))
    elif len(_kinds(items)) > 1:
        return indexed("tuple", *(type_of([item]) for item in items))
    return indexed("Sequence", type_of(items))
