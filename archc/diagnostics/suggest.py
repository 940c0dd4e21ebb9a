"""Did-you-mean."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from archc.diagnostics.mend import Edit, Mend

_LONGEST = 64
"""No name that somebody mistyped is longer, and comparing takes quadratic time."""
_OFFERED = 3
"""How many names that are equally near are told."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be.

    It differs by a slip of the hand: one letter in up to five, two in up to nine, and
    so on. Else it has the same words, or one of them lacks some that the other has
    (`kernel` for `kernel_size`), if only one is like that. None for anything further
    away: a far-fetched guess misleads.
    """
    near = all_nearest(name, known)
    return near[0] if near else None


def all_nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that are nearest, all alike so."""
    options = sorted(set(known))
    wanted = _plain(name)
    if not wanted or len(name) > _LONGEST:
        return []
    best, least = list[str](), (len(wanted) + 2) // 4
    for option in options:
        other = _plain(option)
        if len(option) > _LONGEST or abs(len(other) - len(wanted)) > least:
            continue
        distance = _slips(wanted, other)
        if distance < least:
            best, least = [], distance
        if distance == least:
            best.append(option)
    return best or _same_words(name, options)


def meant(name: str, known: Iterable[str], quotes: str = "`") -> str | None:
    """A help text that offers the nearest known name; with the edit, if one is."""
    return offered(all_nearest(name, known), name, quotes)


def offered(
    names: Sequence[str],
    was: str,
    quotes: str = "`",
    how: Literal["name", "file"] = "name",
) -> str | None:
    """A help text that offers names in place of what `was` written; with the edit, if
    it is one name."""
    if not names:
        return None
    *others, last = [f"{quotes}{name}{quotes}" for name in names[:_OFFERED]]
    if others:
        return f"did you mean {', '.join(others)} or {last}?"
    return Mend(f"did you mean {last}?", Edit(names[0], how, was))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A help text that offers the nearest known name, else lists what there is."""
    options = sorted(set(known))
    if not options:
        return None
    if near := meant(name, options):
        return near
    shown = ", ".join(options[:20]) + (", ..." if len(options) > 20 else "")
    return f"known are: {shown}"


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _words(name: str) -> set[str]:
    return {word for word in name.lower().replace("-", "_").split("_") if word}


def _same_words(name: str, options: Collection[str]) -> list[str]:
    words = _words(name)
    found: list[str] = []
    for option in options:
        others = _words(option)
        begins = len(name) > 2 and _plain(option).startswith(_plain(name))
        if begins or (others and (words <= others or others <= words)):
            found.append(option)
    return found if len(found) == 1 else []


def _slips(a: str, b: str) -> int:
    """How many letters to change, add, leave out or swap with the next make b of a."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, before, row = before, row, [i + 1]
        for j, y in enumerate(b):
            cost = min(before[j] + (x != y), before[j + 1] + 1, row[j] + 1)
            if i and j and x == b[j - 1] and y == a[i - 1]:
                cost = min(cost, last[j - 1] + 1)
            row.append(cost)
    return row[-1]
