"""Which children of a class are no attributes, and which of them make a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archc.emit.names import is_name
from archc.emit.tree import Assign, Body, Evaluate, For, If, Statement
from archc.emit.usage import blocks, every, expressions, parts
from archc.ops.code import Apply, Argument, Attribute, Global, Joined, Local, Text
from archc.spec.expressions import Binary, Const, Expr

Path = tuple[str, ...]
"""The names of the containers around a child, outermost first."""


@dataclass(frozen=True, slots=True)
class Key:
    """What lowering calls a child that is no attribute."""

    path: Path
    last: tuple[str | Expr, ...]


def key_of(expr: object) -> Key | None:
    """The key that an expression stands for."""
    match expr:
        case Attribute(value=Local(id="self"), name=name) if not is_name(name):
            return _key((name,))
        case Apply(
            function=Global(name="getattr"),
            arguments=(Argument(value=Local(id="self")), Argument(value=name)),
        ):
            return _dotted(name)
        case _:
            return None


def fill_of(statement: Statement) -> tuple[Key, Expr, str | None] | None:
    """The key, the child and the remark of a statement that makes a child."""
    match statement:
        case Assign(targets=(target,), value=Expr() as made, operator=""):
            key = key_of(target)
            return None if key is None else (key, made, statement.comment)
        case Evaluate(
            value=Apply(
                function=Attribute(value=Local(id="self"), name="add_module"),
                arguments=(Argument(value=name), Argument(value=made)),
            )
        ):
            key = _dotted(name)
            return None if key is None else (key, made, statement.comment)
        case _:
            return None


def keys_in(statement: Statement) -> Iterator[Key]:
    """The keys in a statement, those in statements inside it too."""
    for inner in every((statement,)):
        fill = fill_of(inner)
        if fill is not None:
            yield fill[0]
        for expr in expressions(inner):
            for part in parts(expr):
                key = key_of(part)
                if key is not None:
                    yield key


def _dotted(name: Expr) -> Key | None:
    found = name.parts if isinstance(name, Joined) else ()
    found = (name.value,) if isinstance(name, Text) else found
    first = found[0] if found else ""
    return _key(found) if isinstance(first, str) and "." in first else None


def _key(found: tuple[str | Expr, ...]) -> Key:
    first, *rest = found
    assert isinstance(first, str)
    *path, name = first.split(".")
    return Key(tuple(path), (name, *rest) if name or not rest else tuple(rest))


@dataclass(slots=True)
class Counted:
    """The containers of a class."""

    starts: dict[int, list[Path]] = field(default_factory=dict[int, list[Path]])
    """Those that are to be there before each statement of the constructor."""
    lists: set[Path] = field(default_factory=set[Path])
    """Those whose keys are 0, 1, 2, ... in the order in which they are made."""


def counted(body: Body) -> Counted:
    """The containers that a constructor fills."""
    order = _Order()
    found = Counted()
    for number, statement in enumerate(body):
        for key in keys_in(statement):
            for end in range(1, len(key.path) + 1):
                path = key.path[:end]
                if path in order.known:
                    continue
                order.known.add(path)
                found.starts.setdefault(number, []).append(path)
                if end > 1:
                    order.fill(Key(path[:-1], path[-1:]), ())
        order.statements((statement,), ())
    found.lists = order.known - order.others
    return found


class _Order:
    """The order in which children are made, as far as every run has the same."""

    def __init__(self) -> None:
        self.known: set[Path] = set()
        self.others: set[Path] = set()
        """Those that are no lists."""
        self._following: dict[Path, int | None] = {}
        """The number that the next child has; None behind a loop."""

    def statements(self, body: Body, loops: tuple[For, ...]) -> None:
        for statement in body:
            fill = fill_of(statement)
            if fill is not None:
                self.fill(fill[0], loops)
            elif isinstance(statement, For):
                self.statements(statement.body, (*loops, statement))
            elif isinstance(statement, If):
                self._branches(statement, loops)

    def _branches(self, statement: If, loops: tuple[For, ...]) -> None:
        before = dict(self._following)
        ends: list[dict[Path, int | None]] = []
        for body in blocks(statement):
            self._following = dict(before)
            self.statements(body, loops)
            ends.append(self._following)
        for path in {path for end in ends for path in end}:
            if len({end.get(path, 0) for end in ends}) > 1:
                self.others.add(path)

    def fill(self, key: Key, loops: tuple[For, ...]) -> None:
        """Notes a child, which loops make several of."""
        place = self._following.get(key.path, 0)
        wanted: tuple[str | Expr, ...] = (str(place),)
        if loops:
            counter = loops[0].targets[0]
            wanted = (Binary("+", counter, Const(place)) if place else counter,)
        if place is None or len(loops) > 1 or key.last != wanted:
            self.others.add(key.path)
        self._following[key.path] = None if loops or place is None else place + 1
