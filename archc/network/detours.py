"""Values that reach what reads them by another way too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def before(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """For the target of any pair its sources."""
    found: dict[int, list[int]] = {}
    for source, target in pairs:
        found.setdefault(target, []).append(source)
    return found


def goes_around(
    source: int, others: Iterable[int], before: Mapping[int, list[int]]
) -> bool:
    """Whether the source also reaches what it reaches by way of those others, which
    that reads too.

    Numbers rise along every way, so what stands before the source is not looked at.
    """
    waiting = [s for s in others if s > source]
    seen = set(waiting)
    while waiting:
        for found in before.get(waiting.pop(), ()):
            if found == source:
                return True
            if found > source and found not in seen:
                seen.add(found)
                waiting.append(found)
    return False
