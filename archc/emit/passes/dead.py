"""Drops what a method computes and then does not use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from archc.emit.tree import SELF, Assign, Body, Evaluate, For, If, Remark, Statement
from archc.emit.usage import blocks, expressions, locals_in, reads_of, written
from archc.ops import code
from archc.ops.code import Apply, Global, Local
from archc.spec.expressions import Index

UNREAD = Local("_")
"""For a value that has to have a name, and that nobody reads."""


def without_unused(body: Body, handed: frozenset[str] = frozenset()) -> Body:
    """A constructor without locals that nothing reads.

    `width = planes * 4` goes where no layer needs it, a loop or an `if` that has
    nothing left goes with it. A dict that was `handed` in has readers elsewhere.
    """
    live: set[str] = set(handed)
    while True:
        before = len(live)
        _mark(body, live)
        if len(live) == before:
            return _kept(body, live)


def _mark(body: Body, live: set[str]) -> bool:
    """Adds the locals that what is kept reads; tells whether anything is kept."""
    kept = False
    for statement in reversed(body):
        if not _is_kept(statement, live):
            continue
        kept = True
        for expr in expressions(statement):
            live.update(locals_in(expr))
    return kept


def _is_kept(statement: Statement, live: set[str]) -> bool:
    match statement:
        case Assign(targets=(Local(id=name),)):
            return name in live
        case Assign(targets=(Index(value=Local(id=name)),)):
            return name in live
        case For(body=body):
            return _mark(body, live)
        case If(body=body, orelse=orelse):
            inside = _mark(body, live)
            return _mark(orelse, live) or inside
        case Remark():
            return False
        case _:
            return True


def _kept(body: Body, live: set[str]) -> Body:
    return tuple(_shortened(body, live))


def _shortened(body: Body, live: set[str]) -> Iterator[Statement]:
    for statement in body:
        match statement:
            case For(targets=targets, over=over, body=inner):
                rest = _kept(inner, live)
                if rest:
                    yield For(targets, over, rest)
            case If(test=test, body=inner, orelse=orelse):
                rest, other = _kept(inner, live), _kept(orelse, live)
                if rest or other:
                    yield If(test, rest, other)
            case Assign() if not _is_kept(statement, live):
                continue
            case _:
                yield statement


def without_unread(body: Body) -> Body:
    """A `forward` without names that nothing reads.

    A layer whose value nobody reads is run all the same, as the spec has it: what it
    gives gets no name, or is called `_`. Another name for a value goes, also where the
    name is given to another value before it is read.
    """
    while True:
        read = reads_of(body)
        rest = tuple(_read(body, read, None))
        if rest == body:
            return body
        body = rest


_ITERATOR = code.call(Global("iter"), SELF)


class _Behind(NamedTuple):
    """What is run from a statement of a body on, and then behind that body."""

    body: Body
    start: int
    after: _Behind | None

    def statements(self) -> Iterator[Statement]:
        behind: _Behind | None = self
        while behind is not None:
            yield from islice(behind.body, behind.start, None)
            behind = behind.after


def _read(body: Body, read: set[str], after: _Behind | None) -> Iterator[Statement]:
    for number, statement in enumerate(body):
        names = written(statement)
        behind = _Behind(body, number + 1, after)
        match statement:
            case For(targets=targets, over=over, body=inner):
                rest = tuple(_read(inner, read, _Behind(body, number, after)))
                if rest:
                    yield For(targets, over, rest)
            case If(test=test, body=inner, orelse=orelse):
                rest = tuple(_read(inner, read, behind))
                if rest or orelse:
                    yield If(test, rest, orelse)
            case Assign(targets=(Local(),), value=value) if names[0] not in read:
                if isinstance(value, Apply) and value != _ITERATOR:
                    yield Evaluate(value, statement.comment)
                elif not isinstance(value, Local | Apply | code.Mapping):
                    yield replace(statement, targets=(UNREAD,))
            case Assign(targets=(Local(id=name),), value=Local(), operator="") if (
                not _is_read_first(name, behind.statements())
            ):
                continue
            case Assign(targets=(Local() as target,), value=Local() as value) if (
                number and body[number - 1] == Assign((value,), target)
            ):
                continue  # `x = y` behind `y = x`
            case _:
                yield statement


def _is_read_first(name: str, body: Iterable[Statement]) -> bool | None:
    """Whether a name is read before it is given a value; None if it may be neither."""
    for statement in body:
        own = (e for expr in expressions(statement) for e in locals_in(expr))
        if name in own:
            return True
        ways = [_is_read_first(name, inner) for inner in blocks(statement)]
        if any(ways):
            return True
        if isinstance(statement, If) and ways == [False, False]:
            return False
        if not isinstance(statement, For) and name in written(statement):
            return False
    return None
