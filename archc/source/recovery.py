"""Going on behind a syntax error: what further ones a text has.

What is wrong is covered with something that parses, as small as can be: the value
alone, its line, or its whole statement. A fault that is not on a later line may follow
from the one before it, and ends the search.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from archc.source.faults import Fault

MAX_FAULTS = 20
"""How many syntax errors of one file are told."""
_WORK = 400_000
"""How many characters may be read again in all."""
_STATEMENT = re.compile(
    r"""^(?:\[\[?[ \t]*[A-Za-z_"'][^\n,{}=]*\]\]?[ \t\r]*(?:\#[^\n]*)?$"""
    r"""|[\w-]+(?:[ \t]*\.[ \t]*[\w-]+)*[ \t]*=(?!=))""",
    re.MULTILINE,
)
"""A line that begins a statement of TOML, at the margin."""
_BLANK = re.compile(r"[^\n]")


def further_faults(
    text: str, fault: Fault, find: Callable[[str], Fault | None], *, statements: bool
) -> Iterator[tuple[Fault, str]]:
    """The faults behind a first one, each with the text in which it is the first, those
    before it covered; `find` gives the first of a text.

    `statements` tells that lines at the margin begin anew, as they do in TOML.
    """
    for _ in range(min(MAX_FAULTS - 1, _WORK // (len(text) + 1))):
        covered = _covered(text, fault, statements)
        if covered is None:
            return
        following = find(covered)
        beyond = _line_end(text, fault.end)
        if not statements:  # a bracket too many on the next line is no second mistake
            beyond = _line_end(text, beyond + 1)
        if following is None or following.start < beyond:
            return
        if any(opened <= fault.start for opened, _, _ in following.labels):
            return  # a bracket that stood open before may be what is wrong with both
        yield following, covered
        text, fault = covered, following


def _covered(text: str, fault: Fault, statements: bool) -> str | None:
    """The text, of the same length, with a fault covered; None if nobody knows how."""
    if fault.stand_in is not None:
        end = max(fault.end, fault.start + len(fault.stand_in))
        # a comma that is missing takes the place of the blank behind it
        if text[fault.end : end].isspace() or end == fault.end:
            stand_in = fault.stand_in.ljust(end - fault.start)
            return text[: fault.start] + stand_in + text[end:]
    if not statements or '"""' in text or "'''" in text:
        return None
    start, end = text.rfind("\n", 0, fault.start) + 1, _line_end(text, fault.end)
    inside = text[start : start + 1].isspace() and fault.start < fault.end
    if inside and _closes_itself(text[start:end]):
        return _blanked(text, start, end)
    first = min([fault.start, *(start for start, _, _ in fault.labels)])
    begins = [found.start() for found in _STATEMENT.finditer(text)]
    start = max((at for at in begins if at <= first), default=None)
    end = min((at for at in begins if at >= fault.start and at > first), default=None)
    if start is None or end is None:
        return None
    return _blanked(text, start, end)


def _closes_itself(line: str) -> bool:
    """Whether a line has as many closing brackets as opening ones, and none too early.

    Quotes are not asked: one of them may be what is wrong.
    """
    open_ones: list[str] = []
    for character in line:
        if character in "[{":
            open_ones.append("]" if character == "[" else "}")
        elif character in "]}" and (not open_ones or open_ones.pop() != character):
            return False
    return not open_ones


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + _BLANK.sub(" ", text[start:end]) + text[end:]


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end
