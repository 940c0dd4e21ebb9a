"""Did-you-mean."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A help text that offers the nearest known name, else lists what there is."""
    from difflib import get_close_matches  # only runs when something is to be reported

    options = sorted(set(known))
    if not options:
        return None
    lowered = {option.lower(): option for option in options}
    near = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{lowered[near[0]]}`?"
    shown = ", ".join(options[:20]) + (", ..." if len(options) > 20 else "")
    return f"known are: {shown}"
