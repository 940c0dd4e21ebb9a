"""A tolerant lexer for TOML and JSON: what stands around a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_TOKEN = re.compile(
    r'''
    (?P<string> """(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5})?
              | \'\'\'(?:[^']|'(?!''))*+(?:'{3,5})?
              | "(?:[^"\\\n]|\\[^\n])*+"?
              | '[^'\n]*+'? )
  | (?P<comment> \#[^\n]* )
  | (?P<newline> \n )
  | (?P<space> [ \t\r]+ )
  | (?P<open> [\[{] )
  | (?P<close> [\]}] )
  | (?P<mark> [,=:] )
  | (?P<word> [^\s\[\]{},=:"'\#]+ )
  | (?P<other> . )
    ''',
    re.VERBOSE | re.DOTALL,
)
_BLANK = ("space", "newline", "comment")
CLOSER = {"[": "]", "{": "}"}


class Token(NamedTuple):
    """A piece of a text; `kind` is string, comment, open, close, mark, word, ..."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def unclosed(self) -> bool:
        """Whether this is a string without its closing quote."""
        if self.kind != "string":
            return False
        quote = self.text[0]
        if self.text.startswith(quote * 3):
            return len(self.text) < 6 or not self.text.endswith(quote * 3)
        if len(self.text) < 2 or not self.text.endswith(quote):
            return True
        backslashes = len(self.text) - 1 - len(self.text[:-1].rstrip("\\"))
        return quote == '"' and backslashes % 2 == 1


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around an offset: the tokens beside it and the open brackets."""

    before: Token | None
    at: Token | None
    opened: tuple[Token, ...]
    new_line: bool

    @property
    def opener(self) -> Token | None:
        """The innermost bracket that is open."""
        return self.opened[-1] if self.opened else None


def tokens(text: str) -> Iterator[Token]:
    """All tokens of a text, blanks included."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "other"
        yield Token(kind, match[0], match.start(), match.end())


def significant(text: str) -> Iterator[Token]:
    """All tokens of a text but blanks and comments."""
    return (token for token in tokens(text) if token.kind not in _BLANK)


def around(text: str, offset: int) -> Around:
    """Look around an offset; a token that reaches beyond it stands at it."""
    opened: list[Token] = []
    before = at = None
    for token in significant(text):
        if token.end > offset:
            at = token
            break
        before = token
        if token.kind == "open":
            opened.append(token)
        elif token.kind == "close" and opened:
            opened.pop()
    gap = text[before.end if before else 0 : at.start if at else len(text)]
    return Around(before, at, tuple(opened), "\n" in gap)


def deepest_bracket(text: str, limit: int) -> Token | None:
    """The first bracket that opens a level deeper than `limit`."""
    depth = 0
    for token in tokens(text):
        if token.kind == "open":
            depth += 1
            if depth > limit:
                return token
        elif token.kind == "close":
            depth = max(depth - 1, 0)
    return None


def overlong_key(text: str, limit: int) -> Token | None:
    """A dotted key of more than `limit` parts: parsing those takes quadratic time."""
    if not any(line.count(".") > limit for line in text.split("\n")):
        return None
    dots, first = 0, None
    for token in tokens(text):
        if token.kind == "word":
            first = first or token
            dots += token.text.count(".")
            if dots > limit:
                return first
        elif token.kind == "string":
            first = first or token
        elif token.kind != "space":
            dots, first = 0, None
    return None


def unclosed_string(text: str) -> Token | None:
    """The first string whose closing quote is missing."""
    return next((t for t in tokens(text) if t.unclosed), None)
