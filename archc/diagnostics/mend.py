"""Mends as data: edits that are worked out when they are asked for."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from archc.diagnostics.place import Place, Span

_TOKEN = re.compile(r""""(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|.""", re.DOTALL)


class Change(NamedTuple):
    """What stands between two points of a file is to be `text`."""

    file: str
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that is worked out when it is asked for.

    `how` is what `text` stands for: the place as it is ("text"); a value, written as in
    TOML ("value"); the name `was`, in its quotes if it has some ("name"), or the last
    part of a path that is `was` ("file"); `key = value`, behind an entry of the same
    table ("entry"); or nothing, where an entry's key stands, which goes ("gone").
    The place is the diagnostic's own where none is given.
    """

    text: str
    how: Literal["text", "value", "name", "file", "entry", "gone"] = "text"
    was: str | None = None
    place: Place | None = None

    def change(self, own: Place) -> Change | None:
        """The change; None where something else stands there than is to be replaced,
        such as a template of which the name is one instance."""
        place = self.place or own
        if not place.text:
            return None
        text, span = place.text, place.span()
        start = offset(text, span.line, span.column)
        end = offset(text, span.end_line, span.end_column)
        written: str | None = self.text
        if self.how == "entry":
            start = end = _behind(text, end)
            written = _entry(text, end, self.text)
        elif self.how == "gone":
            (start, end), written = _whole_entry(text, start, end), ""
        elif self.how == "value":
            written = _value(self.text, text)
        elif self.how in ("name", "file"):
            written = self._named(text[start:end])
        if written is None:
            return None
        return Change(place.file, Span(*point(text, start), *point(text, end)), written)

    def _named(self, written: str) -> str | None:
        quote = written[:1] if written[:1] in ("'", '"') else ""
        inner = written.removeprefix(quote).removesuffix(quote)
        if any(c in "\"'\\\n" or not c.isprintable() for c in self.text):
            return None
        head, slash, tail = inner.rpartition("/") if self.how == "file" else ("",) * 3
        known = unicodedata.normalize("NFKC", tail if slash else inner)
        if self.was not in (None, known, inner):
            return None
        return f"{quote}{head}{slash}{self.text}{quote}"


def _value(written: str, text: str) -> str | None:
    """A value in the language of `text`; None of one that was cut to be shown."""
    try:
        value = _values(f"x = {written}")["x"]
    except ValueError:
        return None
    return json.dumps(value) if _is_json(text) else written


def _values(text: str) -> dict[str, Any]:
    import tomllib  # here: most diagnostics are never mended

    return tomllib.loads(text)


def applied(text: str, changes: Iterable[Change]) -> str:
    """A text with changes made that do not overlap."""
    ends = [
        (offset(text, *c.span[:2]), offset(text, *c.span[2:]), number, c.text)
        for number, c in enumerate(changes)
    ]
    for start, end, _, new in sorted(ends, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def offset(text: str, line: int, column: int) -> int:
    """The offset of a line and column, both from 1."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return start + column - 1


def point(text: str, at: int) -> tuple[int, int]:
    """The line and column of an offset."""
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _behind(text: str, end: int) -> int:
    """Where a further entry goes, behind the value that ends there."""
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    rest = text[end:line_end]
    if _is_json(text) or rest.lstrip()[:1] in (",", "}"):
        return end
    return end + len(rest.rstrip("\r"))


def _entry(text: str, end: int, entry: str) -> str:
    """A further entry of a table as it is written behind a value."""
    if _is_json(text):
        ((key, value),) = _values(entry).items()
        return f", {json.dumps(key)}: {json.dumps(value)}"
    if text[end:].lstrip(" \t")[:1] in (",", "}"):
        return f", {entry}"
    newline = "\r\n" if text[end : end + 2] == "\r\n" else "\n"
    return f"{newline}{entry}"


def _whole_entry(text: str, start: int, end: int) -> tuple[int, int]:
    """From a key's place to that of its entry, with the comma or line that goes too."""
    depth = 0
    for token in _TOKEN.finditer(text, end):
        if token[0] in "}],\n#" and not depth:
            break
        depth += (token[0] in "[{") - (token[0] in "]}")
        end = token.end()
    end = start + len(text[start:end].rstrip())
    blank = " \t\r\n" if _is_json(text) else " \t"
    before = text[:start].rstrip(blank)
    behind = text[end:].lstrip(blank)
    if before.endswith(","):
        return len(before) - 1, end
    if behind.startswith(","):
        return start, len(text) - len(behind[1:].lstrip(blank))
    if before[-1:] in ("", "\n") and behind[:1] in ("", "\n", "\r"):
        return len(before), len(text) - len(behind.removeprefix("\r")[1:])
    return start, end


def _is_json(text: str) -> bool:
    """No TOML file begins with a brace."""
    return text.lstrip()[:1] == "{"


class Mend(str):
    """A help text that tells the one sure mend, with the edits that make it."""

    edits: tuple[Edit, ...]

    def __new__(cls, help: str, *edits: Edit) -> Mend:
        made = super().__new__(cls, help)
        made.edits = edits
        return made
