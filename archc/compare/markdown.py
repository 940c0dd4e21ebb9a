"""A comparison in Markdown, as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from archc.compare.groups import groups
from archc.compare.model import Comparison
from archc.compare.text import SIGNS, described, headline, totals
from archc.escaping import markdown

_LISTED = 40
"""How many differences are listed; the rest is counted."""
_ALWAYS = ("parameters", "MACs")
"""Numbers that are shown where they are equal, too."""


def as_markdown(found: Comparison) -> str:
    """The share that is alike, the numbers that differ, and the differences."""
    a, b = (markdown(side.label) for side in (found.a, found.b))
    first, *others = map(markdown, headline(found))
    lines = [f"#### {markdown(found.b.title)}: {a} → {b}", ""]
    lines += [" ".join([f"**{first}**", *others]), ""]
    rows = (row for row in totals(found) if row[1] != row[2] or row[0] in _ALWAYS)
    lines += [f"| | {a} | {b} | |", "|---|--:|--:|--:|"]
    lines += ["| " + " | ".join(map(markdown, row)) + " |" for row in rows]
    if found.differences and not found.has_little_in_common:
        lines += ["", *_differences(found)]
    return "\n".join(lines) + "\n"


def _differences(found: Comparison) -> Iterator[str]:
    listed = groups(found)
    yield "| | what differs | where | maps |"
    yield "|:-:|---|---|---|"
    for group in listed[:_LISTED]:
        what, where, becomes = map(markdown, described(group))
        becomes = becomes.removeprefix("maps ")
        yield f"| `{SIGNS[group.kind]}` | {what} | {where} | {becomes} |"
    if len(listed) > _LISTED:
        yield f"| | and {len(listed) - _LISTED} more | | |"
