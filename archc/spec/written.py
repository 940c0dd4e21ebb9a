"""What is written in nodes: values and names with their expressions parsed."""

from __future__ import annotations

import re
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Place, Sink
from archc.ops.attributes import plain
from archc.source.folding import folded
from archc.source.kinds import is_list, is_table
from archc.spec.expressions import (
    Const,
    Expr,
    ExpressionError,
    ListOf,
    Row,
    RowOf,
    Unparsed,
    Value,
    parse,
    row_of,
    shifted,
)
from archc.spec.identifiers import (
    of_block,
    of_counter,
    of_head,
    of_input,
    of_output,
    of_parameter,
)
from archc.spec.model import Arg, Origin, Template

_DIGITS = re.compile(r"\d{1,9}")
_SIZES = re.compile(r"\d{1,9}(?:\s*[xX×,;]\s*\d{1,9}){1,7}")
_TIMES = re.compile(r"(\d{1,9})\s*[xX×]|[xX×]\s*(\d{1,9})")
_RULES = {
    "block": of_block,
    "block's input": of_input,
    "block's output": of_input,
    "computed value": of_parameter,
    "counter": of_counter,
    "head": of_head,
    "input": of_input,
    "output": of_output,
    "field": of_output,
    "parameter": of_parameter,
    "op": of_block,
    "slot": of_parameter,
}


class Written:
    """Reads what is written, and reports what is wrong with it."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def identifier(self, text: str, place: Place, what: str) -> bool:
        """Whether `text` can name what it is to name; else that is reported."""
        problem = _RULES[what](text)
        if problem is None:
            return True
        why, help = problem
        article = "an" if what[0] in "aeiou" else "a"
        message = f"`{text}` cannot name {article} {what}: {why}"
        self.sink.error("bad-name", message, place, help=help)
        return False

    def argument(self, value: Any, origin: Origin) -> Value | None:
        """A value as it will be evaluated; text becomes an expression.

        A table in a list is a row; another one has been reported where it stands.
        """
        if isinstance(value, str):
            try:
                return parse(value)
            except ExpressionError as error:
                if not self._number_as_text(value, origin):
                    self.sink.error(
                        error.code,
                        error.message,
                        origin.at(within=error.at),
                        help=error.help,
                    )
                return Unparsed()
        if isinstance(value, list):
            numbered = enumerate(items(value))
            parts: tuple[Any, ...] = tuple(
                self._row(v, origin.below(i))
                if is_table(v)
                else self.argument(v, origin.below(i))
                for i, v in numbered
            )
            parts = self._alike(parts, origin)
            symbolic = any(isinstance(part, Expr) for part in parts)
            return ListOf(parts) if symbolic else parts
        return Unparsed() if isinstance(value, dict) else value

    def _row(self, table: dict[str, Any], origin: Origin) -> Value:
        """A table in a list; each of its fields is a value."""
        values: list[Any] = []
        for name, value in table.items():
            self.identifier(name, origin.at(name, part="key"), "field")
            made = self.argument(value, origin.below(name))
            values.append(made.value if isinstance(made, Const) else made)
        return row_of(tuple(table), tuple(values))

    def _alike(self, parts: tuple[Any, ...], origin: Origin) -> tuple[Any, ...]:
        """A list, whose rows have the fields of the first in one order."""
        if not any(isinstance(part, Row | RowOf) for part in parts):
            return parts
        first = next(part for part in parts if isinstance(part, Row | RowOf))
        found: list[Any] = []
        for number, part in enumerate(parts):
            problem = _unlike(part, first)
            if problem is None:
                found.append(_in_order(part, first.fields))
                continue
            found.append(Unparsed())
            self.sink.error(
                "unlike-rows",
                f"the rows of a list have the same fields, {problem}",
                origin.at(number),
                Label(origin.at(parts.index(first)), "they are as in this row"),
                help=f"its fields are {', '.join(first.fields)}",
            )
        return tuple(found)

    def _number_as_text(self, text: str, origin: Origin) -> bool:
        """Reports sizes that are written as people say them: `3x3`, `2x`."""
        sizes, key = sizes_in(text), origin.path[-1]
        assign = f"{key} = " if isinstance(key, str) else ""
        if sizes is None:
            times = _TIMES.fullmatch(text.strip())
            if times is None:
                return False
            size = times[1] or times[2]
            help = f"write {assign}{size}"
        else:
            alike = len(set(sizes)) == 1
            help = f"write {assign}{plain(sizes)}"
            all_of = "both" if len(sizes) == 2 else "all"
            help += f", or {assign}{sizes[0]} for {all_of}" if alike else ""
            # one number may stand wherever several may
            size = str(sizes[0]) if alike else plain(sizes)
        message = f"{plain(text)} is no number and no expression"
        mend = Mend(help, Edit(size, "value"))
        self.sink.error("expression-syntax", message, origin.at(), help=mend)
        return True

    def plain_argument(self, value: Any, origin: Origin, *, rows: bool = False) -> Arg:
        """A value of an attribute, which holds no table, or of a block's parameter,
        which may be a list of `rows`."""
        if (_is_deep if rows else _holds_table)(value):
            self.sink.error(
                "wrong-type",
                f"`{origin.path[-1]}` must be a number, a boolean, an expression or"
                f" a list of these, not {plain(value)}",
                origin.at(),
            )
        return self.argument(value, origin)

    def template(self, text: str, origin: Origin) -> Template:
        """A name, with the expressions in its braces parsed."""
        parts: list[str | Expr] = []
        position = 0
        while (start := text.find("{", position)) >= 0:
            end = text.find("}", start)
            if start > position:
                parts.append(folded(text[position:start]))
            try:
                if end < 0:
                    raise ExpressionError(
                        "expression-syntax", "this brace is not closed", (-1, 0),
                        "a name's braces hold an expression: conv{i + 1}",
                    )  # fmt: skip
                parts.append(shifted(parse(text[start + 1 : end]), start + 1))
            except ExpressionError as error:
                at = error.at or (-1, end - start)
                within = (at[0] + start + 1, at[1] + start + 1)
                self.sink.error(
                    error.code, error.message, origin.at(within=within), help=error.help
                )
                parts.append(Unparsed())
            position = end + 1 if end >= 0 else len(text)
        if position < len(text) or not parts:
            parts.append(folded(text[position:]))
        return Template(folded(text), tuple(parts))

    def word(self, text: str, origin: Origin) -> Expr:
        """An attribute that takes a word, with the expression for it in braces."""
        template = self.template(text, origin)
        match template.parts:
            case (Expr() as expr,):
                return expr
            case _:
                self.sink.error(
                    "expression-syntax",
                    f"{plain(text)} is no word and no expression in braces",
                    origin.at(),
                    help='write the whole of it as one expression: "{mode}"',
                )
                return Unparsed()

    def no_name(self, key: str, what: str, value: Any, origin: Origin) -> None:
        self.sink.error(
            "wrong-type",
            f"`{key}` must be the name of {what}, not {plain(value)}",
            origin.at(key),
            help=f'write {key} = "..."',
        )

    def reads_one(self, origin: Origin, what: str, common: dict[str, Any]) -> bool:
        if len(common.get("reads") or ()) < 2:
            return True
        self.sink.error(
            "from-list",
            f"{what} reads one value, but `from` lists several",
            origin.at("from"),
            help='merge them first: { op = "concat", from = [...] }',
        )
        return False


def sizes_in(text: str) -> list[int] | None:
    """The sizes in a text such as `3x3` or `(3, 32, 32)`; None if it is another one."""
    inside = text.strip().strip("()[]")
    if not _SIZES.fullmatch(inside):
        return None
    return [int(size) for size in _DIGITS.findall(inside)]


def said(text: str | None) -> str | None:
    """A text for people; white space alone says nothing."""
    return text if text and text.strip() else None


def items(value: Any) -> list[Any]:
    """The items of a list; none for anything else, which has been reported."""
    return value if is_list(value) else []


def _is_deep(value: Any) -> bool:
    """Whether a value holds a table that is no row of a list, or is in another row."""
    rows = [item for item in items(value) if is_table(item)]
    parts = [part for row in rows for part in row.values()]
    others = [item for item in items(value) if not is_table(item)]
    return (
        is_table(value) or any(map(_holds_table, parts)) or any(map(_is_deep, others))
    )


def _unlike(part: Any, first: Row | RowOf) -> str | None:
    """What a row lacks or has beside those of the first one."""
    if not isinstance(part, Row | RowOf):
        return "and this is none"
    lacks = [f"`{name}`" for name in first.fields if name not in part.fields]
    more = [f"`{name}`" for name in part.fields if name not in first.fields]
    if lacks:
        return f"and this one lacks {', '.join(lacks)}"
    return f"and this one has {', '.join(more)} beside them" if more else None


def _in_order(row: Row | RowOf, fields: tuple[str, ...]) -> Row | RowOf:
    values = dict(zip(row.fields, row.items, strict=True))
    return type(row)(fields, tuple(values[name] for name in fields))


def _holds_table(value: Any) -> bool:
    return isinstance(value, dict) or any(map(_holds_table, items(value)))
