"""What stands where in a text that may be broken: tables, lists, keys and values.

TOML and JSON have one outline. Nothing is refused: a bracket that is not closed ends
where its list or the next statement goes on, a value that is missing is there as one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from archc.source.positions import KeyPath
from archc.source.tokens import Token, tokens

Kind = Literal["table", "list", "string", "word", "missing"]
_BLANK = ("space", "newline", "comment")
_STATEMENT = re.compile(
    r"""\[\[?[ \t]*[\w"'][^\n,{}=]*\]\]?[ \t\r]*(?:\#|$)|[\w.-]+[ \t]*=(?!=)""",
    re.MULTILINE,
)
MAX_NESTING = 100


@dataclass(slots=True, eq=False)
class Item:
    """A value and where it stands, in characters; a table may have a header."""

    kind: Kind
    start: int
    end: int
    name: str | int = ""
    """Its key, or its number in a list."""
    key: tuple[int, int] | None = None
    """Where its key stands, quotes included."""
    raw: str = ""
    parent: Item | None = None
    children: list[Item] = field(default_factory=list["Item"])
    header: bool = False

    def path(self) -> KeyPath:
        """Its keys and numbers from the outermost table on."""
        parts: list[str | int] = []
        item = self
        while item.parent is not None:
            parts.append(item.name)
            item = item.parent
        return tuple(reversed(parts))

    def get(self, name: str | int) -> Item | None:
        """What stands at a key, or in a list at a number."""
        return next((c for c in self.children if c.name == name), None)

    def at(self, *path: str | int) -> Item | None:
        """What stands at a path below it."""
        item: Item | None = self
        for name in path:
            item = None if item is None else item.get(name)
        return item

    @property
    def text(self) -> str:
        """The value of a string; what is written of anything else."""
        return unquoted(self.raw) if self.kind == "string" else self.raw

    @property
    def inner(self) -> tuple[int, int]:
        """Where the text of a string stands, without its quotes."""
        if self.kind != "string":
            return self.start, self.end
        quote = self.raw[0]
        width = 3 if self.raw.startswith(quote * 3) else 1
        closed = len(self.raw) >= 2 * width and self.raw.endswith(quote * width)
        return self.start + width, self.end - (width if closed else 0)

    @property
    def plain(self) -> bool:
        """Whether a string says its value as it stands, character by character."""
        return self.kind == "string" and "\n" not in self.raw and (
            "\\" not in self.raw or self.raw[0] == "'"
        )  # fmt: skip

    def walk(self) -> Iterator[Item]:
        """Itself and all that is inside, in the order of the text."""
        stack: list[Item] = [self]
        while stack:
            item = stack.pop()
            yield item
            stack.extend(reversed(item.children))

    def innermost(self, offset: int) -> Item:
        """The innermost item that reaches around an offset, its key included."""
        found = self
        for item in self.walk():
            first = item.key[0] if item.key and not item.header else item.start
            if first <= offset <= item.end:
                found = item  # of two that touch, the one that begins there
        return found


def unquoted(raw: str) -> str:
    """The value of a string token, closed or not."""
    quote = raw[:1]
    if quote not in ("'", '"'):
        return raw
    width = 3 if raw.startswith(quote * 3) else 1
    inner = raw[width:]
    inner = inner.removesuffix(quote * width)
    if quote == '"' and "\\" in inner:
        try:
            return str(json.loads(f'"{inner}"'))
        except ValueError:
            return inner
    return inner


def outline(text: str, form: str) -> Item:
    """The outline of a text in `toml` or `json`."""
    return _Reader(text, form == "json").read()


class _Stop(Exception):
    """A statement begins inside of brackets, which were not closed."""


class _Reader:
    def __init__(self, text: str, is_json: bool) -> None:
        self._text = text
        self._json = is_json
        self._tokens = [t for t in tokens(text) if t.kind not in _BLANK]
        self._at = 0
        self._known: dict[tuple[int, str], Item] = {}

    def read(self) -> Item:
        root = Item("table", 0, len(self._text))
        if self._json:
            first = self._peek()
            if first is not None and first.text == "{":
                self._at += 1
                self._entries(root, 0)
            return root
        table = root
        while (token := self._peek()) is not None:
            try:
                if token.text == "[":
                    table = self._header(root)
                else:
                    self._pair(table, 0)
            except _Stop:
                continue
        end = upper = len(self._text)
        headed = (item for item in root.walk() if item.header)
        for item in sorted(headed, key=lambda item: -item.start):
            if item.start < upper:  # the next header, and not an item of the same one
                end, upper = upper, item.start
            item.end = end
        return root

    def _child(self, table: Item, name: str) -> Item | None:
        """What stands at a key of a table, in a time that does not grow with it."""
        return self._known.get((id(table), name))

    def _add(self, table: Item, item: Item) -> None:
        table.children.append(item)
        self._known.setdefault((id(table), str(item.name)), item)

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _begins(self, token: Token) -> bool:
        """Whether a token begins a statement, at the margin."""
        if self._json or (token.start and self._text[token.start - 1] != "\n"):
            return False
        return _STATEMENT.match(self._text, token.start) is not None

    def _line_of(self, token: Token) -> int:
        return self._text.rfind("\n", 0, token.start)

    # ---- statements of TOML

    def _header(self, root: Item) -> Item:
        opened = self._tokens[self._at]
        line = self._line_of(opened)
        end = self._text.find("\n", opened.start)
        end = len(self._text) if end < 0 else end
        double = self._text.startswith("[[", opened.start)
        parts: list[tuple[str, int, int]] = []
        while (token := self._peek()) is not None and self._line_of(token) == line:
            self._at += 1
            parts += _key_parts(token)
            if token.text == "]" and not (
                double and self._text.startswith("]", token.end)
            ):
                break
        table = root
        for number, (name, start, stop) in enumerate(parts):
            last = number + 1 == len(parts)
            found = self._child(table, name)
            if found is None or (last and not double and found.header):
                kind: Kind = "list" if last and double else "table"
                found = Item(kind, opened.start, end, name, (start, stop), "", table)
                self._add(table, found)
            if last and not double:
                found.header, found.start = True, opened.start
                found.key = (start, stop)
            elif last or (found.kind == "list" and found.children):
                if last:
                    item = Item(
                        "table", opened.start, end, len(found.children), None, "", found
                    )
                    item.header = True
                    found.children.append(item)
                found.end = end
                found = found.children[-1]
            table = found
        return table

    def _pair(self, table: Item, depth: int) -> None:
        """`key = value`, or what there is of it."""
        first = self._tokens[self._at]
        line = self._line_of(first)
        parts: list[tuple[str, int, int]] = []
        while (token := self._peek()) is not None:
            same = self._line_of(token) == line or self._json
            if token.text in ("=", ":") or not same or token.kind in ("open", "close"):
                break
            if token.text == ",":
                break
            parts += _key_parts(token, dots=not self._json)
            self._at += 1
            if self._json:
                break
        token = self._peek()
        if not parts:
            self._at += 1  # nothing that a key could begin with
            return
        for name, start, stop in parts[:-1]:
            found = self._child(table, name)
            if found is None:
                found = Item("table", start, stop, name, (start, stop), "", table)
                self._add(table, found)
            table = found
        name, start, stop = parts[-1]
        item = Item("missing", stop, stop, name, (start, stop), "", table)
        if token is not None and token.text in ("=", ":"):
            self._at += 1
            item.start = item.end = token.end
            after = self._peek()
            if after is not None and (self._json or self._line_of(after) == line):
                self._add(table, item)
                self._value(item, depth)
                return
        self._add(table, item)

    # ---- values

    def _value(self, item: Item, depth: int) -> None:
        token = self._peek()
        if token is None or token.kind == "close" or token.text == ",":
            return
        if self._begins(token) and depth:
            raise _Stop
        item.start, item.end, item.raw = token.start, token.end, token.text
        self._at += 1
        if token.kind == "open" and depth < MAX_NESTING:
            item.raw = ""
            if token.text == "[":
                item.kind = "list"
                self._elements(item, depth + 1)
            else:
                item.kind = "table"
                self._entries(item, depth + 1)
        elif token.kind == "string":
            item.kind = "string"
        else:
            item.kind = "word"

    def _elements(self, item: Item, depth: int) -> None:
        while (token := self._peek()) is not None:
            if token.text == "]":
                self._at += 1
                item.end = token.end
                return
            if token.text == "}":
                return
            if self._begins(token) and token.text != "[":
                item.end = token.start
                raise _Stop
            if self._begins(token) and not self._text.startswith("[[", token.start):
                # `[name]` at the margin is a header, and no list in a list
                item.end = token.start
                raise _Stop
            if token.kind in ("mark", "other"):
                self._at += 1
                continue
            child = Item("missing", token.start, token.start, len(item.children))
            child.parent = item
            item.children.append(child)
            try:
                self._value(child, depth)
            finally:
                item.end = max(item.end, child.end)

    def _entries(self, item: Item, depth: int) -> None:
        while (token := self._peek()) is not None:
            if token.text == "}":
                self._at += 1
                item.end = token.end
                return
            if token.kind in ("close", "open"):
                item.end = max(item.end, self._left_open(token))
                return
            if depth and self._begins(token):
                item.end = max(item.end, self._left_open(token))
                raise _Stop
            if token.kind in ("mark", "other"):
                self._at += 1
                item.end = token.end
                continue
            before = self._at
            try:
                self._pair(item, depth)
            finally:
                if item.children:
                    item.end = max(item.end, item.children[-1].end)
            if self._at == before:
                self._at += 1
        item.end = len(self._text)

    def _left_open(self, token: Token) -> int:
        """Where a table ends that is not closed before a token: with its line."""
        before = self._tokens[self._at - 1].end if self._at else 0
        end = self._text.find("\n", before)
        return token.start if end < 0 else min(end, token.start)


def _key_parts(token: Token, dots: bool = True) -> list[tuple[str, int, int]]:
    """The names that a token gives in a key, with where they stand."""
    if token.kind == "string":
        return [(unquoted(token.text), token.start, token.end)]
    if token.kind != "word":
        return []
    if not dots:
        return [(token.text, token.start, token.end)]
    parts: list[tuple[str, int, int]] = []
    start = token.start
    for name in token.text.split("."):
        if name:
            parts.append((name, start, start + len(name)))
        start += len(name) + 1
    return parts
