"""Did-you-mean."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 100
"""What is longer is no misspelled name, and comparing takes quadratic time."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    from difflib import get_close_matches  # only runs when something is to be reported

    if len(name) > _LONGEST:
        return None
    short = (option for option in set(known) if len(option) <= _LONGEST)
    lowered = {option.lower(): option for option in sorted(short)}
    near = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A help text that offers the nearest known name, else lists what there is."""
    options = sorted(set(known))
    if not options:
        return None
    near = nearest(name, options)
    if near is not None:
        return f"did you mean `{near}`?"
    shown = ", ".join(options[:20]) + (", ..." if len(options) > 20 else "")
    return f"known are: {shown}"
