"""What is wrong with a JSON text, from where the standard parser gave up."""

from __future__ import annotations

import re

from archc.source import brackets, faults
from archc.source.faults import Fault
from archc.source.tokens import Around, around, tokens

_NULL = "write `null`, or leave the key out"
_COMMENT = "JSON has no comments; remove it, put it in `doc`, or write the spec in TOML"
_CONSTANTS = {"NaN", "Infinity", "-Infinity"}


def explain(text: str, complaint: str, offset: int) -> Fault:
    """Say in plain words what `json` complained of at an offset."""
    near = around(text, offset)
    for beginning, rule in _RULES:
        if complaint.startswith(beginning):
            fault = rule(text, offset, near)
            if fault is not None:
                return fault
    return faults.unexpected(near, offset, "remove it")


def constant(text: str, word: str) -> Fault:
    """NaN or an infinity, which JSON does not have."""
    found = next((t for t in tokens(text) if t.text == word), None)
    start, end = (found.start, found.end) if found else (0, 0)
    return Fault(f"`{word}` is no number in JSON", start, end, "write a finite number")


def _foreign(text: str, near: Around) -> Fault | None:
    """Comments, single quotes and brackets that belong elsewhere."""
    at, before = near.at, near.before
    if at is None:
        return brackets.unclosed(text, near.opener, near) if near.opener else None
    comment = re.compile(r"\s*(#|//|/\*)[^\n]*").match(
        text, before.end if before else 0
    )
    if comment:
        return faults.comment(comment.start(1), comment.end(), _COMMENT)
    if at.text.startswith("'"):
        return Fault(
            "JSON strings stand in double quotes",
            at.start,
            at.end,
            f'write "{at.text.strip(chr(39))}"',
            stand_in="0",
            mend=_double(at.text),
        )
    if before is not None and before.text == "," and at.kind == "close":
        message = f"there is a comma behind the last entry, before `{at.text}`"
        mend = "remove this comma"
        return Fault(message, before.start, before.end, mend, stand_in="", mend="")
    if near.opener is not None and at.kind == "close":
        pair = near.opener.text + at.text
        if pair not in ("[]", "{}"):
            return brackets.mismatch(text, near, near.opener, at)
    return None


def _bad_value(text: str, offset: int, near: Around) -> Fault | None:
    at, before = near.at, near.before
    if at is None and before is None:
        mend = 'write at least {"archc": 1, "name": ..., "network": ...}'
        return Fault("this file is empty", 0, 0, mend)
    if before is None and at is not None and at.kind in ("word", "comment"):
        return _looks_like_toml(at.start, at.end)
    if len(near.opened) == 1 and at is not None and near.opened[0].start == 0:
        rest = text[: text.find("\n")] if "\n" in text else text
        if re.fullmatch(r"\[\[?[A-Za-z_][\w.]*\]\]?\s*", rest):
            return _looks_like_toml(0, len(rest.rstrip()))
    without_value = at is None or at.text in (",", "}", "]")
    if before is not None and before.text == ":" and without_value:
        return faults.missing_value(near, "`:`")
    if at is not None and at.text == ",":
        message = "a value is missing before this comma"
        return Fault(message, at.start, at.end, "write the value or remove the comma")
    return _foreign(text, near) or faults.word(text, offset, _NULL)


def _looks_like_toml(start: int, end: int) -> Fault:
    message = "this is no JSON; it looks like TOML"
    return Fault(message, start, end, "give the file a name that ends in .toml")


def _double(string: str) -> str | None:
    """A string of single quotes in double ones."""
    inner = string[1:-1]
    whole = len(string) > 1 and string[-1] == "'"
    return f'"{inner}"' if whole and not {*inner} & {'"', "\\", "'"} else None


def _bad_key(text: str, offset: int, near: Around) -> Fault | None:
    at = near.at
    fault = _foreign(text, near)
    if fault is not None or at is None:
        return fault
    if at.text == ",":
        message = "a key is missing before this comma"
        return Fault(message, at.start, at.end, "remove one of the commas")
    if at.kind == "word":
        message = f"the key `{at.text}` must stand in double quotes"
        quoted = f'"{at.text}"'
        return Fault(message, at.start, at.end, f"write {quoted}", mend=quoted)
    if at.kind == "open":
        return brackets.unclosed(text, near.opener, near) if near.opener else None
    return None


def _no_colon(text: str, offset: int, near: Around) -> Fault | None:
    at, key = near.at, near.before
    if key is None:
        return None
    if at is not None and at.text == "=":
        message = "JSON puts `:` between a key and its value, not `=`"
        mend = f"write {key.text}: ..."
        return Fault(message, at.start, at.end, mend, stand_in=":", mend=":")
    if at is None or at.text in (",", "}", "]"):
        message = f"the key {key.text} has no value"
        return Fault(message, key.start, key.end, f"write {key.text}: ...")
    message = f"`:` is missing after {key.text}"
    return Fault(message, key.end, key.end, f"write {key.text}: ...", mend=":")


def _no_comma(text: str, offset: int, near: Around) -> Fault | None:
    fault = _foreign(text, near) or faults.junk(text, offset, near, _NULL)
    if fault is not None or near.at is None:
        return fault
    inside = near.opener.text if near.opener else "{"
    what = "entries of an object" if inside == "{" else "elements of a list"
    return faults.missing_comma(near, what)


def _trailing_comma(text: str, offset: int, near: Around) -> Fault | None:
    message = "there is a comma behind the last entry"
    return Fault(message, offset, offset + 1, "remove this comma", stand_in="", mend="")


def _bad_string(text: str, offset: int, near: Around) -> Fault | None:
    # An unclosed string is reported at its quote, a control character where it stands.
    line_end = text.find("\n", offset)
    return faults.string(text, len(text) if line_end < 0 else line_end, "\\u")


def _control(text: str, offset: int, near: Around) -> Fault | None:
    return faults.string(text, offset, "\\u")


def _bad_escape(text: str, offset: int, near: Around) -> Fault | None:
    return faults.escape(text, offset, "write \\\\ for a backslash")


def _behind_end(text: str, offset: int, near: Around) -> Fault | None:
    at = near.at
    if at is None:
        return None
    if at.kind == "close":
        return brackets.stray(at)
    if text.lstrip().startswith("["):
        return _looks_like_toml(offset, at.end)
    message = "something follows the end of the object"
    mend = "a spec is one object; remove what stands behind it"
    return _foreign(text, near) or Fault(message, at.start, at.end, mend)


_RULES = (
    ("Expecting value", _bad_value),
    ("Expecting property name", _bad_key),
    ("Illegal trailing comma", _trailing_comma),
    ("Expecting ':'", _no_colon),
    ("Expecting ','", _no_comma),
    ("Unterminated string", _bad_string),
    ("Invalid control character", _control),
    ("Invalid \\", _bad_escape),
    ("Extra data", _behind_end),
)
