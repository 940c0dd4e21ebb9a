"""What is wrong with a TOML text, from where the standard parser gave up."""

from __future__ import annotations

import re

from archc.source import brackets, faults
from archc.source.faults import Fault
from archc.source.tokens import Around, Token, around

_NULL = "TOML has no null: leave the key out"
_ONE_LINE = (
    "write the table on one line; a line may only be broken inside the [ ] of a list"
)
_COMMENT = "a comment begins with #"
_KEY = r"""(?:[\w-]+|"[^"\n]*"|'[^'\n]*')"""
_PAIR = re.compile(rf"{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*[ \t]*=(?!=)")
_HEADER = re.compile(
    r"""[ \t]*(\[\[?)[ \t]*[A-Za-z_"'][^\[\],{}=\n]*\]\]?[ \t\r]*(?:#|$)"""
)


def explain(text: str, complaint: str, offset: int) -> Fault:
    """Say in plain words what `tomllib` complained of at an offset."""
    near = around(text, offset)
    for beginning, rule in _RULES:
        if complaint.startswith(beginning):
            fault = rule(text, offset, near)
            if fault is not None:
                return fault
    mend = "a line holds one `key = value`, with nothing behind the value"
    return faults.unexpected(near, offset, mend)


def _line(text: str, offset: int) -> tuple[int, str]:
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", start)
    return start, text[start : len(text) if end < 0 else end]


def _begins_statement(text: str, offset: int) -> bool:
    """Whether a line that holds an offset begins `key = ` or is a table header."""
    start, line = _line(text, offset)
    return bool(_HEADER.match(line)) or (
        bool(_PAIR.match(line.lstrip())) and not line[: offset - start].strip()
    )


def _unclosed_before_statement(text: str, offset: int) -> Fault | None:
    """A statement inside brackets: a bracket further up was not closed."""
    if not _begins_statement(text, offset):
        return None
    start, line = _line(text, offset)
    first = start + len(line) - len(line.lstrip())
    near = around(text, first)
    if near.opener is None:
        return None
    _, opening_line = _line(text, near.opener.start)
    depth = len(opening_line) - len(opening_line.lstrip())
    if first - start > depth and near.opener.text == "[" and near.at is not None:
        message = f"`{{` is missing before `{near.at.text}`"
        return Fault(message, first, near.at.end, "a table in a list stands in { }")
    return brackets.unclosed(text, near.opener, near)


def _in_list(text: str, offset: int, near: Around) -> Fault | None:
    opener, at = near.opener, near.at
    if opener is None:
        return None
    if at is None:
        return brackets.unclosed(text, opener, near)
    if at.text == "}":
        return brackets.mismatch(text, near, opener, at)
    return (
        _unclosed_before_statement(text, offset)
        or _foreign_comment(near)
        or faults.junk(text, offset, near, _NULL)
        or faults.missing_comma(near, "elements of a list")
    )


def _in_table(text: str, offset: int, near: Around) -> Fault | None:
    opener, at = near.opener, near.at
    if opener is None:
        return None
    if at is None:
        return brackets.unclosed(text, opener, near)
    if near.new_line:
        return _broken_table(text, near, opener, at)
    if at.text == "]":
        return brackets.mismatch(text, near, opener, at)
    if at.start >= offset and _PAIR.match(text, at.start):
        return faults.missing_comma(near, "entries of a table")
    return _foreign_comment(near) or faults.junk(text, offset, near, _NULL)


def _broken_table(text: str, near: Around, opener: Token, at: Token) -> Fault:
    """An inline table whose line ends before it does."""
    starts_line = _begins_statement(text, at.start) and near.opened[0] is opener
    if at.text == "}" or (_PAIR.match(text, at.start) and not starts_line):
        end = near.before.end if near.before else opener.end
        label = (opener.start, opener.end, "this table must end on its own line")
        return Fault(
            "a `{ ... }` table cannot go over several lines",
            end,
            end,
            _ONE_LINE,
            (label,),
        )
    return brackets.unclosed(text, opener, near)


def _foreign_comment(near: Around) -> Fault | None:
    if near.at is not None and near.at.text.startswith(("//", "/*", "--", ";")):
        return faults.comment(near.at.start, near.at.end, _COMMENT, _hash(near.at))
    return None


def _hash(comment: Token) -> str | None:
    """The comment's beginning in TOML; None where it may end on a later line."""
    if comment.text.startswith("/*"):
        return None
    return f"#{comment.text.lstrip('/-;')}"


def _no_equals(text: str, offset: int, near: Around) -> Fault | None:
    key, at = near.before, near.at
    if at is not None and at.start < offset:
        return _odd_key(text, at.start)
    if key is None:
        return None
    if at is None or near.new_line or at.text in (",", "}", "]"):
        message = f"`{key.text}` has no value"
        return Fault(message, key.start, key.end, f"write `{key.text} = ...`")
    if at.text == ":":
        return Fault(
            "TOML puts `=` between a key and its value, not `:`",
            at.start,
            at.end,
            f"write `{key.text} = ...`",
            stand_in="=",
            mend="=" if text[at.start - 1] in " \t" else " =",
        )
    if at.start == key.end and at.kind in ("word", "other"):
        return _odd_key(text, key.start)
    message = f"`=` is missing after `{key.text}`"
    help = f"write `{key.text} = ...`"
    return Fault(message, key.end, key.end, help, mend=" =")


def _odd_key(text: str, start: int) -> Fault:
    found = re.compile(r"[^\s=,\[\]{}:]+").match(text, start)
    key = found[0] if found else text[start]
    return Fault(
        f"the key `{key}` must stand in quotes",
        start,
        start + len(key),
        "a key without quotes has only A-Z, a-z, 0-9, _ and -",
        mend=f'"{key}"' if key.isidentifier() else None,
    )


def _bad_key(text: str, offset: int, near: Around) -> Fault | None:
    before, at, opener = near.before, near.at, near.opener
    if at is None:
        return brackets.unclosed(text, opener, near) if opener else None
    if opener is None or before is None:
        return _odd_key(text, at.start) if at.kind == "word" else None
    if opener.text == "{":
        if before.text == "," and at.text == "}" and not near.new_line:
            message = "a `{ ... }` table has no comma behind its last entry"
            mend = "remove this comma"
            return Fault(message, before.start, before.end, mend, stand_in="", mend="")
        if near.new_line:
            return _broken_table(text, near, opener, at)
        if at.text == "]":
            return brackets.mismatch(text, near, opener, at)
        if at.kind == "open":
            return brackets.unclosed(text, opener, near)
    elif at.text == "]":
        return Fault("a table header needs a name", at.start, at.end, "write `[name]`")
    return _odd_key(text, at.start) if at.kind in ("word", "other") else None


def _bad_value(text: str, offset: int, near: Around) -> Fault | None:
    before, at = near.before, near.at
    fault = _unclosed_before_statement(text, offset) if near.opened else None
    if fault is not None:
        return fault
    if at is not None and before is not None and before.text == "=":
        if at.text == "=" and at.start == before.end:
            message = "a key takes one `=`"
            return Fault(message, before.start, at.end, "write `=`", mend="=")
        if near.new_line or at.text in (",", "]", "}"):
            return faults.missing_value(near, "`=`")
    if at is None:
        if before is not None and before.text == "=":
            return faults.missing_value(near, "`=`")
        return brackets.unclosed(text, near.opener, near) if near.opener else None
    if at.text == ",":
        message = "a value is missing before this comma"
        return Fault(message, at.start, at.end, "write the value or remove the comma")
    if at.text == "}" and near.opener is not None:
        return brackets.mismatch(text, near, near.opener, at)
    return _foreign_comment(near) or faults.word(text, offset, _NULL)


def _behind_statement(text: str, offset: int, near: Around) -> Fault | None:
    at = near.at
    if at is None:
        return None
    if at.kind == "close":
        return brackets.stray(at)
    if at.text == ",":
        message = "no comma stands between the lines of a table"
        return Fault(message, at.start, at.end, "remove this comma", mend="")
    if at.start >= offset and _PAIR.match(text, at.start):
        return Fault(
            "two keys stand on one line",
            at.start,
            at.end,
            "begin a new line here",
            mend=f"\n{at.text}",
        )
    return _foreign_comment(near) or faults.junk(text, offset, near, _NULL)


def _bad_statement(text: str, offset: int, near: Around) -> Fault | None:
    at = near.at
    if at is None:
        return None
    if at.text == "{" and near.before is None:
        return Fault(
            "this is JSON in a .toml file",
            at.start,
            at.end,
            "give the file a name that ends in .json",
        )
    if at.kind == "close":
        return brackets.stray(at)
    if at.text == "=":
        message = "the key before `=` is missing"
        return Fault(message, at.start, at.end, "write `key = value`")
    if at.kind == "word":
        return _foreign_comment(near) or _odd_key(text, at.start)
    return None


def _bad_header(text: str, offset: int, near: Around) -> Fault | None:
    bracket = near.opener
    if bracket is None:
        return None
    double = len(near.opened) > 1
    closer = "]]" if double else "]"
    start = near.opened[-2].start if double else bracket.start
    end = near.before.end if near.before else offset
    return Fault(
        f"this table header is not closed by `{closer}`",
        start,
        end,
        f"write `{text[start:end]}{closer}`",
        mend=f"{text[start:end]}{closer}",
    )


def _bad_string(text: str, offset: int, near: Around) -> Fault | None:
    in_string = near.at is not None and near.at.start < offset
    return faults.string(text, offset, "\\u" if in_string else "")


def _bad_escape(text: str, offset: int, near: Around) -> Fault | None:
    mend = "write \\\\ for a backslash, or put the string in single quotes"
    return faults.escape(text, offset - 1, mend)


def _bad_date(text: str, offset: int, near: Around) -> Fault | None:
    at = near.at
    end = at.end if at else offset + 1
    return Fault("there is no such date", offset, end, "put it in quotes")


_RULES = (
    ("Unclosed array", _in_list),
    ("Unclosed inline table", _in_table),
    ("Expected '='", _no_equals),
    ("Expected ']", _bad_header),
    ("Invalid initial character", _bad_key),
    ("Invalid value", _bad_value),
    ("Expected newline", _behind_statement),
    ("Invalid statement", _bad_statement),
    ("Unescaped", _bad_escape),
    ("Invalid hex value", _bad_escape),
    ("Escaped character", _bad_escape),
    ("Invalid date", _bad_date),
    ("Unterminated string", _bad_string),
    ("Illegal character", _bad_string),
    ("Found invalid character", _bad_string),
    ('Expected "', _bad_string),
)
