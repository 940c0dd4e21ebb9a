"""Symbols for what has no name yet."""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import normalize

from archc.ops.sizes import Dim
from archc.spec.expressions import (
    Binary,
    Expr,
    Index,
    Name,
    filled,
    is_sequence,
    names_in,
    to_source,
)


class Symbols:
    """Hands out symbols, each once."""

    def __init__(self) -> None:
        self._count = 0
        self.whole: set[str] = set()
        """Those that stand for whole numbers, or for lists of such."""

    def fresh(
        self,
        wish: str,
        *,
        whole: bool = True,
        natural: bool = False,
        fields: frozenset[str] = frozenset(),
    ) -> Name:
        """A symbol that would like to be called `wish`, mostly for a whole number; for
        a row, or a list of such, `fields` are those that mean whole numbers."""
        self._count += 1
        # cut out of other names, it may be one that Python folds to another
        wish = normalize("NFKC", wish)
        wish = wish if wish.isidentifier() else "value"
        symbol = f"{wish}#{self._count}"
        if whole:
            self.whole.add(symbol)
        return Name(symbol, whole=whole, natural=natural, fields=fields)


def wish(symbol: str) -> str:
    """What a symbol would like to be called."""
    return symbol.partition("#")[0]


def symbols_in(value: object) -> Iterator[str]:
    """The symbols that an expression reads, in lists too."""
    if is_sequence(value):
        for item in value:
            yield from symbols_in(item)
    elif isinstance(value, Expr):
        yield from names_in(value)


def is_long(value: Dim) -> bool:
    """Whether channels are better read under a name of their own."""
    if not isinstance(value, Expr) or isinstance(value, Name):
        return False
    length = len(shown(value))
    if isinstance(value, Index):
        return length > 24
    simple = isinstance(value, Binary) and all(
        not isinstance(side, Binary) or isinstance(side.right, Name)
        for side in (value.left, value.right)
    )
    return not simple or length > 28


def shown(value: Expr) -> str:
    """About how it is written."""
    return to_source(filled(value, {n: Name(wish(n)) for n in names_in(value)}))
