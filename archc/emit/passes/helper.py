"""The method that makes stages, from the calls of their first blocks and of the others.

What differs between the stages is its arguments.
"""

from __future__ import annotations

from dataclasses import dataclass

from archc.emit.symbols import Symbols, wish
from archc.emit.tree import SELF, Assign, Body, Method, Parameter, Return
from archc.emit.usage import locals_in
from archc.ops import code
from archc.ops.code import (
    Apply,
    Argument,
    Attribute,
    ClassName,
    Comprehension,
    Global,
    Local,
    Sequence,
    Starred,
)
from archc.spec.expressions import Binary, Const, Expr

_INT = Global("int")
_SEQUENTIAL = Global("nn.Sequential")


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one class in a row."""

    count: Expr
    first: Apply
    others: Apply


@dataclass(frozen=True, slots=True)
class Helper:
    method: Method
    calls: tuple[Apply, ...]
    """What makes each stage."""


Row = tuple[Expr, ...]
"""What an argument is in each stage."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """An argument of the method, and what the stages give for it."""

    parameter: Parameter
    row: Row
    slot: str
    """The argument of the block that it is for."""
    by_name: bool


def helper(
    block: ClassName,
    declared: Method,
    stages: list[Stage],
    name: str,
    symbols: Symbols,
) -> Helper | None:
    """The method for these stages; None where it would say no more than a loop does."""
    return _Making(block, declared, symbols).helper(stages, name)


class _Making:
    def __init__(self, block: ClassName, declared: Method, symbols: Symbols) -> None:
        self._block = block
        self._slots = {p.local.id: p for p in declared.parameters}
        self._symbols = symbols
        self._asked: list[_Asked] = []

    def helper(self, stages: list[Stage], name: str) -> Helper | None:
        first = self._rows([s.first for s in stages])
        others = self._rows([s.others for s in stages])
        if first is None or others is None or first == others:
            return None
        named = {a.name for s in stages for a in s.first.arguments if a.name}
        for slot, row in first.items():
            if not _is_said(row):
                own = slot in named and self._is_own(slot, row, others)
                word = f"first_{wish(slot)}" if own else slot
                self._ask(slot, row, word, by_name=slot in named)
        for slot, row in others.items():
            if slot in named and self._term(slot, row) is None:
                self._ask(slot, row, slot, by_name=True)
        one = self._block_call(first, named)
        more = self._block_call(others, named)
        depth = self._depth(tuple(s.count for s in stages))
        if one is None or more is None or depth is None:
            return None
        asked = sorted(self._asked, key=_rank)
        if "_" in {wish(a.parameter.local.id) for a in asked}:
            return None
        parameters = tuple(a.parameter for a in asked)
        method = Method(name, parameters, _SEQUENTIAL, self._body(one, more, depth))
        calls = (_call(name, asked, number) for number in range(len(stages)))
        return Helper(method, tuple(calls))

    # ---- what the stages give

    def _rows(self, calls: list[Apply]) -> dict[str, Row] | None:
        """What stands for each argument of the block, in its order."""
        given = [self._given(call) for call in calls]
        rows: dict[str, Row] = {}
        for slot, parameter in self._slots.items():
            if not any(slot in values for values in given):
                continue
            row = tuple(values.get(slot, parameter.default) for values in given)
            rows[slot] = tuple(value for value in row if value is not None)
            if len(rows[slot]) < len(row):
                return None
        return rows

    def _given(self, call: Apply) -> dict[str, Expr]:
        order = list(self._slots)
        return {
            argument.name or order[number]: argument.value
            for number, argument in enumerate(call.arguments)
        }

    # ---- the method

    def _is_own(self, slot: str, row: Row, others: dict[str, Row]) -> bool:
        """Whether the first block is given something of its own, and the others not
        the same in all stages."""
        other = others.get(slot, row)
        return other != row and not _is_said(other)

    def _ask(self, slot: str, row: Row, word: str, *, by_name: bool) -> None:
        """An argument that is one of the block's."""
        declared = self._slots[slot]
        local = Local(self._symbols.fresh(wish(word)).id)
        # one that no stage leaves out has none
        default = declared.default if by_name and declared.default in row else None
        made = Parameter(local, declared.annotation, default)
        self._asked.append(_Asked(made, row, slot, by_name))

    def _depth(self, counts: Row) -> Expr | None:
        if _is_said(counts):
            return None if counts[0] == Const(1) else counts[0]
        taken = {wish(asked.parameter.local.id) for asked in self._asked}
        word = next(w for w in ("depth", "blocks", "count", "") if w not in taken)
        local = Local(self._symbols.fresh(word).id)
        self._asked.append(_Asked(Parameter(local, _INT), counts, "", False))
        return local

    def _block_call(self, rows: dict[str, Row], named: set[str]) -> Apply | None:
        arguments: list[Argument] = []
        for number, (slot, row) in enumerate(rows.items()):
            value = self._term(slot, row)
            if value is None and number == 0 and slot not in named:
                value = self._channels(slot, row)
            if value is None:
                return None
            if slot not in named:
                arguments.append(Argument(value))
            elif value != self._slots[slot].default:
                arguments.append(Argument(value, slot))
        return Apply(self._block, tuple(arguments))

    def _term(self, slot: str, row: Row) -> Expr | None:
        """What the method says for an argument of the block: what it is in all stages,
        or what it is given for it."""
        if _is_said(row):
            return row[0]
        for asked in self._asked:
            if asked.slot == slot and asked.row == row:
                return asked.parameter.local
        return None

    def _channels(self, slot: str, row: Row) -> Expr:
        """What blocks behind the first read: what that gives, which may be told by
        another argument."""
        others = [asked for asked in self._asked if not asked.by_name]
        for asked in others:
            if asked.row == row:
                return asked.parameter.local
        for asked in others:
            factor = _factor(row, asked.row)
            if factor is not None:
                return Binary("*", asked.parameter.local, Const(factor))
        local = Local(self._symbols.fresh("out_channels").id)
        made = Parameter(local, self._slots[slot].annotation)
        place = 1 if others and others[0].slot == slot else 0
        self._asked.insert(place, _Asked(made, row, "", False))
        return local

    def _body(self, one: Apply, more: Apply, depth: Expr) -> Body:
        layers = Local(self._symbols.fresh("layers").id)
        following = code.call(Global("range"), Const(1), depth)
        rest = Comprehension(more, (Local("_"),), following)
        return (
            Assign((layers,), Sequence((one,))),
            Assign((layers,), rest, "+"),
            Return(code.call(_SEQUENTIAL, Starred(layers))),
        )


def _rank(asked: _Asked) -> int:
    """The order of a signature: by position, by name, with a default."""
    return 2 if asked.parameter.default is not None else int(asked.by_name)


def _call(name: str, asked: list[_Asked], number: int) -> Apply:
    """What makes the stage of this number."""
    arguments: list[Argument] = []
    for parameter, row, by_name in ((a.parameter, a.row, a.by_name) for a in asked):
        value = row[number]
        if not by_name:
            arguments.append(Argument(value))
        elif value != parameter.default:
            arguments.append(Argument(value, parameter.local.id))
    return Apply(Attribute(SELF, name), tuple(arguments))


def _is_said(row: Row) -> bool:
    """Whether the method can say it itself, as it is the same in all stages."""
    return len(set(row)) == 1 and not [*locals_in(row[0])]


def _factor(row: Row, other: Row) -> int | None:
    """How many times one the other is, where they are numbers."""
    factors: set[int] = set()
    for value, unit in zip(row, other, strict=True):
        match value, unit:
            case Const(value=int() as product), Const(value=int() as one) if one > 0:
                factors.add(product // one if product % one == 0 else 0)
            case _:
                return None
    factor = factors.pop()
    return factor if not factors and factor > 1 else None
