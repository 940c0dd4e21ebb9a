"""Protobuf's text format, as Caffe's files have it: `key: value` and `key { ... }`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

_TOKEN = re.compile(
    r"""(?P<skip>[\s,;]+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<word>[-+]?[\w.]+(?:[-+]\d+)?)
    |(?P<sign>[{}<>\[\]:])""",
    re.VERBOSE,
)
_CLOSES = {"{": "}", "<": ">"}
_DEEPEST = 64


class Malformed(Exception):
    """What is no text of that format, or says something that cannot be so."""

    def __init__(self, reason: str, line: int, mend: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.mend = mend or "Caffe does not read it either: mend the file there"


class Scalar(NamedTuple):
    """A number, a word or a string."""

    text: str
    line: int


@dataclass(slots=True)
class Message:
    """What stands in one pair of braces."""

    line: int
    fields: list[tuple[str, Scalar | Message]] = field(
        default_factory=list["tuple[str, Scalar | Message]"]
    )
    asked: set[str] = field(default_factory=set[str])
    """The keys that somebody looked for."""

    def messages(self, key: str) -> list[Message]:
        """All that is in braces under a key."""
        self.asked.add(key)
        found = [value for name, value in self.fields if name == key]
        for value in found:
            if isinstance(value, Scalar):
                raise Malformed(f"`{key}` is {value.text!r}, and no {{ ... }}",
                                value.line)  # fmt: skip
        return [value for value in found if isinstance(value, Message)]

    def message(self, key: str) -> Message:
        """What is in braces under a key; empty if it is not there."""
        found = self.messages(key)
        merged = Message(found[0].line if found else self.line)
        for each in found:
            merged.fields += each.fields
        return merged

    def scalars(self, key: str) -> list[Scalar]:
        """All values under a key."""
        self.asked.add(key)
        found = [value for name, value in self.fields if name == key]
        for value in found:
            if isinstance(value, Message):
                raise Malformed(f"`{key}` is no single value", value.line)
        return [value for value in found if isinstance(value, Scalar)]

    def texts(self, key: str) -> list[str]:
        """The same as text."""
        return [value.text for value in self.scalars(key)]

    def text(self, key: str, default: str = "") -> str:
        """The last value under a key."""
        return self.texts(key)[-1] if self.has(key) else default

    def has(self, key: str) -> bool:
        """Whether there is one."""
        self.asked.add(key)
        return any(name == key for name, _ in self.fields)

    def integers(self, key: str) -> list[int]:
        """All whole numbers under a key."""
        found: list[int] = []
        for value in self.scalars(key):
            number = _whole(value.text)
            if number is None:
                raise Malformed(f"`{key}` is {value.text!r}, and no whole number",
                                value.line)  # fmt: skip
            found.append(number)
        return found

    def integer(self, key: str, default: int = 0) -> int:
        """The whole number under a key."""
        return self.integers(key)[-1] if self.has(key) else default

    def number(self, key: str, default: float) -> float:
        """The number under a key."""
        found = self.numbers(key)
        return found[-1] if found else default

    def _number(self, key: str, value: Scalar) -> float:
        try:
            return float(value.text.removesuffix("f"))
        except ValueError:
            raise Malformed(f"`{key}` is {value.text!r}, and no number",
                            value.line) from None  # fmt: skip

    def numbers(self, key: str) -> list[float]:
        """All numbers under a key."""
        return [self._number(key, value) for value in self.scalars(key)]

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        found = self.scalars(key)
        if not found:
            return default
        known = {"true": True, "false": False, "1": True, "0": False,
                 "t": True, "f": False, "True": True, "False": False}  # fmt: skip
        if found[-1].text not in known:
            raise Malformed(f"`{key}` is {found[-1].text!r}, neither true nor false",
                            found[-1].line)  # fmt: skip
        return known[found[-1].text]

    def unasked(self) -> list[tuple[str, int]]:
        """The keys that nobody looked for, with their lines."""
        return [(name, v.line) for name, v in self.fields if name not in self.asked]


def _whole(text: str) -> int | None:
    """A whole number, as C has them: in tens, or after `0x` and `0` in others."""
    forms = (
        (r"[-+]?(0|[1-9]\d{0,17})", 10), (r"-?0[xX][\da-fA-F]{1,15}", 16),
        (r"-?0[0-7]{1,18}", 8),
    )  # fmt: skip
    for form, base in forms:
        if re.fullmatch(form, text):
            return int(text, base)
    return None


_Token: TypeAlias = tuple[str, str, int]


def read(text: str) -> Message:
    """The text as data.

    Raises:
        Malformed: if it is none, with the line.
    """
    tokens = _tokens(text.removeprefix("\ufeff"))
    found, at = _fields(tokens, 0, "", 1, 0)
    assert at == len(tokens)
    return found


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Malformed(f"{text[at]!r} has no meaning here", line)
        kind = str(match.lastgroup)
        if kind != "skip":
            found.append((kind, match[0], line))
        line += match[0].count("\n")
        at = match.end()
    return found


def _fields(
    tokens: list[_Token], at: int, close: str, line: int, depth: int
) -> tuple[Message, int]:
    """The fields up to the sign that closes them, and where they end."""
    if depth > _DEEPEST:
        raise Malformed("the braces stand too deep in each other", line)
    found = Message(line)
    while at < len(tokens):
        kind, key, here = tokens[at]
        if close and key == close and kind == "sign":
            return found, at + 1
        if kind != "word":
            raise Malformed(f"{key} stands where a key should", here)
        at += 1
        colon = _sign(tokens, at) == ":"
        at += colon
        sign = _sign(tokens, at)
        if sign in _CLOSES:
            value, at = _fields(tokens, at + 1, _CLOSES[sign], here, depth + 1)
            found.fields.append((key, value))
        elif not colon:
            raise Malformed(f"`{key}` has neither a value nor braces", here)
        elif sign == "[":
            at += 1
            while _sign(tokens, at) != "]":
                scalar, at = _scalar(tokens, at, key, here)
                found.fields.append((key, scalar))
            at += 1
        else:
            scalar, at = _scalar(tokens, at, key, here)
            found.fields.append((key, scalar))
    if close:
        raise Malformed(
            "a brace is opened here, and never closed", line,
            "close it; or is the file cut off?",
        )  # fmt: skip
    return found, at


def _sign(tokens: list[_Token], at: int) -> str:
    kind, text, _ = tokens[at] if at < len(tokens) else ("", "", 0)
    return text if kind == "sign" else ""


def _scalar(tokens: list[_Token], at: int, key: str, line: int) -> tuple[Scalar, int]:
    kind, text, here = tokens[at] if at < len(tokens) else ("", "", line)
    if kind not in ("word", "string"):
        raise Malformed(f"`{key}` has no value", line)
    if kind == "word":
        return Scalar(text, here), at + 1
    parts: list[str] = []
    while at < len(tokens) and tokens[at][0] == "string":
        parts.append(re.sub(r"\\(.)", r"\1", tokens[at][1][1:-1]))
        at += 1
    return Scalar("".join(parts), here), at
