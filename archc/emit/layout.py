"""Lays out Python statements in 88 columns as Ruff's formatter does, so that generated
files need no formatter. Only the forms that generated code uses are known here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from archc.emit.formula import Formula
from archc.spec.expressions import Expr, to_source

WIDTH = 88
STEP = 4


@dataclass(frozen=True, slots=True)
class Atom:
    """Source that is never broken."""

    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """One argument of a call or element of a list; `comment` follows it on its line."""

    doc: Doc
    name: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Bracketed:
    """A call, `head` being the function.

    With an empty head, or one that ends in an assignment, it is a list or a tuple.
    """

    head: str
    items: tuple[Item, ...]
    brackets: str = "()"


Doc = Atom | Bracketed


def call(head: str, *docs: Doc, **named: Doc) -> Bracketed:
    items = [Item(d) for d in docs] + [Item(d, n) for n, d in named.items()]
    return Bracketed(head, tuple(items))


def flat(doc: Doc) -> str:
    """The source on one line."""
    if isinstance(doc, Atom):
        return doc.text
    inner = ", ".join(_flat_item(item) for item in doc.items)
    return f"{doc.head}{doc.brackets[0]}{inner}{doc.brackets[1]}"


def _flat_item(item: Item) -> str:
    return f"{item.name}={flat(item.doc)}" if item.name else flat(item.doc)


def _commented(doc: Doc) -> bool:
    return isinstance(doc, Bracketed) and any(
        item.comment or _commented(item.doc) for item in doc.items
    )


def statement(
    indent: int, prefix: str, doc: Doc, suffix: str = "", *, enclosed: bool = False
) -> list[str]:
    """The lines of `prefix doc suffix`, broken inside brackets where it is too long.

    What is `enclosed` in brackets already needs no more of them.
    """
    line = f"{' ' * indent}{prefix}{flat(doc)}{suffix}"
    if len(line) <= WIDTH and not _commented(doc):
        return [line]
    if isinstance(doc, Atom):
        return _broken(indent, prefix, doc.text, suffix, enclosed=enclosed)
    if not doc.items:
        return [line]
    inside = indent + STEP
    first = f"{' ' * indent}{prefix}{doc.head}{doc.brackets[0]}"
    last = f"{' ' * indent}{doc.brackets[1]}{suffix}"
    together = " " * inside + ", ".join(_flat_item(item) for item in doc.items)
    sequence = not doc.head or doc.head.endswith(" = ")
    if len(together) <= WIDTH and not _commented(doc) and not sequence:
        return [first, together, last]
    lines = [first]
    alone = len(doc.items) == 1 and not doc.items[0].comment
    for item in doc.items:
        name = f"{item.name}=" if item.name else ""
        # one argument that is itself broken takes no comma behind it
        broken = isinstance(item.doc, Bracketed) and not sequence
        comma = "" if alone and not item.name and broken else ","
        rows = statement(inside, name, item.doc, comma, enclosed=True)
        if item.comment and len(rows[-1]) + len(item.comment) + 4 <= WIDTH:
            rows[-1] += f"  # {item.comment}"
        lines.extend(rows)
    return [*lines, last]


def _broken(
    indent: int, prefix: str, text: str, suffix: str, *, enclosed: bool
) -> list[str]:
    assignment = None if enclosed else re.match(r"[\w.]+ (//|\*\*|[-+*/%])?= ", text)
    if assignment is not None:
        prefix, text = prefix + assignment[0], text[assignment.end() :]
    try:
        formula = Formula(text)
    except SyntaxError:
        # no expression, so Ruff leaves it as it is
        return [f"{' ' * indent}{prefix}{text}{suffix}"]
    if enclosed:
        return formula.parts(indent, prefix, suffix, WIDTH)
    return formula.rows(indent, prefix, suffix, WIDTH)


class Code:
    """Lines of a function's body while they are written; indents are relative to it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._indent = 0

    @property
    def is_nested(self) -> bool:
        return self._indent > 0

    def add(self, text: str, comment: str | None = None) -> None:
        self.put("", Atom(text), comment=comment)

    def put(
        self, prefix: str, doc: Doc, suffix: str = "", comment: str | None = None
    ) -> None:
        """Adds a statement; a comment that does not fit on its line is left out."""
        # the body stands two levels deep in its class
        rows = statement(2 * STEP + self._indent, prefix, doc, suffix)
        if comment and len(rows[-1]) + len(comment) + 4 <= WIDTH:
            rows[-1] += f"  # {comment}"
        self.lines.extend(row[2 * STEP :] for row in rows)

    def remark(self, text: str) -> None:
        """A comment on lines of its own."""
        import textwrap

        room = WIDTH - 2 * STEP - self._indent - len("# ")
        pad = " " * self._indent
        self.lines += [f"{pad}# {row}" for row in textwrap.wrap(text, room)]

    def head(self, keyword: str, test: Expr) -> None:
        self.put(f"{keyword} ", Atom(to_source(test)), ":")

    def beside(self) -> Code:
        """Lines of their own at the same level."""
        inner = Code()
        inner._indent = self._indent
        return inner

    def deeper(self) -> Code:
        """Lines of their own that stand one level deeper."""
        inner = Code()
        inner._indent = self._indent + STEP
        return inner


def signature(name: str, arguments: Sequence[str | Doc], returns: str) -> list[str]:
    """The lines of a method's `def`, one level deep in its class."""
    docs = [Atom(a) if isinstance(a, str) else a for a in arguments]
    doc = Bracketed(f"def {name}", tuple(map(Item, docs)))
    rows = statement(STEP, "", doc, f" -> {returns}:")
    return [row[STEP:] for row in rows]
