"""What is wrong with a text that does not parse, in words for TOML and JSON alike."""

from __future__ import annotations

import re
from dataclasses import dataclass

from archc.source.tokens import CLOSER, Around, unclosed_string


@dataclass(frozen=True, slots=True)
class Fault:
    """A syntax error, between two character offsets; labels are further places."""

    message: str
    start: int
    end: int
    help: str | None = None
    labels: tuple[tuple[int, int, str], ...] = ()
    stand_in: str | None = None
    """What may stand in its place so that the text behind it can be read."""
    mend: str | None = None
    """What stands in its place once it is mended, where that is sure."""
    gap: int = 0
    """How many blanks before its place the mend is for as well."""


# What stands for one value: up to a comma, a closing bracket or a comment; brackets
# of its own (an index, a call) belong to it.
_VALUE = re.compile(r"""(?:[^,\[\](){}\n\#"']|\[[^\]\n]*\]|\([^)\n]*\))+""")
# What was meant as text: a name, words, or names with operators between them.
_MEANT = re.compile(r"[A-Za-z_][\w.]*(?:(?: |-| *(?://|\*\*|[*/%+-]) *)\w+)*")
_OPERATOR = re.compile(r"[*/%<>!+\-]|==|(?:if|or|and|not|in|else)\b")
_NUMBER_FORMS = (
    (re.compile(r"[+-]?0\d+"), "remove the 0 at the beginning"),
    (re.compile(r"[+-]?\d+\.(?!\d)"), "write a digit behind the point, as in `1.0`"),
    (re.compile(r"[+-]?\.\d+"), "write a digit before the point, as in `0.5`"),
)
_PATH = re.compile(r'"[^"\n]*\.(?:toml|json)"')
# The line on which a string ends that was broken over two.
_LAST_LINE = re.compile(
    r"""[ \t\r]*\n(?P<rest>[^\n"'=:,\#\[\]{}]*)(?P<quote>["'])"""
    r"""(?:[ \t]*(?=[\r\n,\]}\#]|\Z)|(?P<more>(?:[^\n"']|"[^\n"]*"|'[^\n']*')+)$)""",
    re.MULTILINE,
)
_TRUE = ("true", "yes", "on")
_FALSE = ("false", "no", "off")
_TYPOGRAPHIC = "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"


def unexpected(around: Around, offset: int, outside: str) -> Fault:
    """What no better words are found for; `outside` is the mend outside brackets."""
    token, opener = around.at, around.opener
    if token is None:
        return Fault("the file ends too early", offset, offset, "finish what it begins")
    mend = f"`,` or `{CLOSER[opener.text]}` comes here" if opener else outside
    seen = token.text.split("\n")[0]
    start = max(token.start, offset)
    return Fault(f"`{seen}` cannot stand here", start, token.end, mend)


def missing_comma(around: Around, between: str) -> Fault:
    """Two things beside each other without a comma."""
    start = around.before.end if around.before else 0
    # behind a bracket or in a list, a bracket that is missing may be what is wrong
    closed = around.before is None or around.before.kind == "close"
    in_list = around.opener is not None and around.opener.text == "["
    stand_in = None if closed or in_list else ","
    return Fault(
        f"a comma is missing here, between two {between}",
        start,
        start,
        "add `,` here",
        stand_in=stand_in,
        mend=",",
    )


def missing_value(around: Around, after: str) -> Fault:
    """A key or a comma without a value behind it."""
    token = around.before
    start, end = (token.start, token.end) if token else (0, 0)
    return Fault(f"a value is missing after {after}", start, end, "write the value")


def comment(start: int, end: int, help: str, mend: str | None = None) -> Fault:
    """A comment in the style of another language."""
    return Fault("this is no comment here", start, end, help, stand_in="", mend=mend)


def string(text: str, offset: int, escape: str) -> Fault:
    """A string that is not closed, or holds a character that it must not hold."""
    open_string = unclosed_string(text)
    if open_string is not None and open_string.end <= offset:
        quote = open_string.text[0]
        if open_string.text.startswith(quote * 3):
            quote, end = quote * 3, open_string.start + 3
        else:
            end = open_string.end
        message = "this string has no closing quote"
        written = text[open_string.start : end].rstrip()
        help = f"end it with {quote}"
        # where nothing follows on its line, there is one place where it can end
        whole = len(quote) == 1 and not re.search(r"[,#\[\]{}]", written)
        mend = f"{written}{quote}"
        broken = _LAST_LINE.match(text, end) if whole else None
        if broken is not None and broken["quote"] == quote:
            end = broken.end("quote")
            help = f"write it on one line: it ends with {quote}"
            whole = not broken["rest"].strip()  # else a blank may be missing
            mend += "\n" if broken["more"] else ""
        return Fault(
            message, open_string.start, end, help, mend=mend if whole else None
        )
    code = ord(text[offset]) if offset < len(text) else 0
    return Fault(
        f"the control character U+{code:04X} cannot stand here",
        offset,
        offset + 1,
        f"remove it, or write it as {escape}{code:04x}" if escape else "remove it",
    )


def escape(text: str, offset: int, mend: str) -> Fault:
    """A backslash that begins no escape sequence."""
    start = text.rfind("\\", 0, offset + 1)
    start = offset if start < 0 else start
    found = re.compile(r"\\(?:[uU][0-9a-fA-F]*|.?)").match(text, start)
    end = found.end() if found else start + 1
    line = text.rfind("\n", 0, start) + 1
    for quoted in _PATH.finditer(text, line, text.find("\n", start) % (len(text) + 1)):
        if quoted.start() < start < quoted.end():
            path = quoted[0].replace("\\\\", "/").replace("\\", "/")
            return Fault(
                "a path is written with `/`, not with a backslash",
                *quoted.span(),
                f"write {path}",
                mend=path,
            )
    return Fault(f"`{text[start:end]}` is no escape sequence", start, end, mend)


def word(text: str, start: int, null: str) -> Fault | None:
    """A value that should stand in quotes, or is spelled in another language's way."""
    found = _VALUE.match(text, start)
    value = found[0].rstrip() if found else ""
    if not value:
        return None
    end = start + len(value)
    if value[0] in _TYPOGRAPHIC:
        mend = 'use straight quotes: "..."'
        message = "these are typographic quotes"
        inner = value.strip(_TYPOGRAPHIC)
        closed = len(value) > 1 and value[-1] in _TYPOGRAPHIC and inner == value[1:-1]
        quoted = f'"{inner}"' if closed and "\\" not in inner else None
        return Fault(message, start, end, mend, stand_in="0", mend=quoted)
    for form, mend in _NUMBER_FORMS:
        if form.fullmatch(value):
            message = f"`{value}` is not a number as written"
            number = _number(value)
            return Fault(message, start, end, mend, stand_in="0", mend=number)
    lower = value.lower()
    if lower in _TRUE + _FALSE:
        mend = f"write `{'true' if lower in _TRUE else 'false'}`"
        message = f"`{value}` is no boolean"
        boolean = "true" if lower in _TRUE else "false"
        return Fault(message, start, end, mend, stand_in="0", mend=boolean)
    if lower in ("none", "null", "nil"):
        return Fault(f"`{value}` is no value here", start, end, null, stand_in="0")
    if value.startswith("("):
        listed = f"[{value[1:-1].rstrip(', ')}]"
        return Fault(
            "a list stands in square brackets",
            start,
            end,
            f"write `{listed}`",
            stand_in="0",
            mend=listed,
        )
    if text[end : end + 1] in ("'", '"'):
        quoted = f"{text[end]}{value}{text[end]}"
        return Fault(
            f"the opening quote of `{value}` is missing",
            start,
            end,
            f"write {quoted}",
            mend=f"{text[end]}{value}",
        )
    return Fault(
        f"`{value}` must stand in quotes",
        start,
        end,
        f'write "{value}": names and expressions stand in quotes',
        stand_in="0",
        mend=f'"{value}"' if _MEANT.fullmatch(value) else None,
    )


def _number(value: str) -> str:
    """A number as both languages write it."""
    sign = value[0] if value[0] in "+-" else ""
    whole, point, part = value.removeprefix(sign).partition(".")
    whole = whole.lstrip("0") or "0"
    return f"{sign.strip('+')}{whole}{point}{part or ('0' if point else '')}"


def junk(text: str, offset: int, around: Around, null: str) -> Fault | None:
    """Text right behind a value that belongs to it: an unquoted expression, mostly."""
    before, at = around.before, around.at
    if at is None or around.new_line:
        return None
    if at.start < offset:
        return word(text, at.start, null)
    if before is None:
        return None
    if before.kind == "string" and at.kind in ("word", "string"):
        if before.end == at.start:
            return Fault(
                "text follows directly behind a closing quote",
                at.start,
                at.end,
                "check the quotes: one is missing or too many",
                ((before.start, before.end, "this is read as one string"),),
            )
        return None
    if before.kind == "word" and _OPERATOR.match(text, at.start):
        return word(text, before.start, null)
    return None
