"""Expressions of generated code, beyond the arithmetic that specs have too.

Together with the nodes of `archc.spec.expressions` they are the expressions of the tree
that generated code is printed from. They stand here because an op says in them how
`forward` computes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from archc.spec.expressions import Expr, Slice


@dataclass(frozen=True, slots=True)
class Local(Expr):
    """A variable of a function: an argument, a local, a counter.

    Until names are given, `id` is a wish and a number, `width#7`; then it is the name.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Global(Expr):
    """What the module imports or Python has built in: `nn.Conv2d`, `range`."""

    name: str


@dataclass(frozen=True, slots=True)
class ClassName(Expr):
    """A class of the generated module, by its key until names are given."""

    key: str


@dataclass(frozen=True, slots=True)
class Attribute(Expr):
    """`value.name`."""

    value: Expr
    name: str


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `comment` follows it on its line."""

    value: Expr
    name: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Apply(Expr):
    """A call of anything but the functions that expressions of specs have."""

    function: Expr
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Text(Expr):
    """A string."""

    value: str


@dataclass(frozen=True, slots=True)
class Joined(Expr):
    """An f-string: text and expressions in turn."""

    parts: tuple[str | Expr, ...]


@dataclass(frozen=True, slots=True)
class Sequence(Expr):
    """A list, or a tuple where `brackets` are not square; without any, a bare tuple."""

    items: tuple[Expr, ...]
    brackets: str = "[]"
    comments: tuple[str | None, ...] = ()
    """What follows each item on its line, if anything is said."""


@dataclass(frozen=True, slots=True)
class Comprehension(Expr):
    """`[item for targets in over]`."""

    item: Expr
    targets: tuple[Local, ...]
    over: Expr


@dataclass(frozen=True, slots=True)
class Lambda(Expr):
    """`lambda a, b=c: value`."""

    parameters: tuple[Local, ...]
    defaults: tuple[Expr, ...]
    """Of the last parameters."""
    value: Expr


@dataclass(frozen=True, slots=True)
class Starred(Expr):
    """`*value`, in a list or among the arguments of a call."""

    value: Expr


@dataclass(frozen=True, slots=True)
class Mapping(Expr):
    """A dict with text for keys."""

    items: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Axes(Expr):
    """`value[:, a:b]`: a slice of one axis, the axes before it whole."""

    value: Expr
    before: int
    taken: Slice
    """Its own `value` is not looked at."""


@dataclass(frozen=True, slots=True)
class Nothing(Expr):
    """`None`."""


@dataclass(frozen=True, slots=True)
class Anything(Expr):
    """`...`, the arguments of a callable of which nothing is said."""


def call(function: Expr, *values: Expr, **named: Expr) -> Apply:
    """A call with these arguments."""
    items = [Argument(v) for v in values] + [Argument(v, n) for n, v in named.items()]
    return Apply(function, tuple(items))
