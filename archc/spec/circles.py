"""Circles among things that are defined by each other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import takewhile


def in_order(reads: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """Names, each behind those that it reads; a circle is given as a whole.

    In a circle each reads the next, and the last one the first. Names that are read and
    are no keys do not count. It takes as long as there are names and reads.
    """
    done: set[str] = set()
    for first in reads:
        path: dict[str, Iterator[str]] = {}
        if first not in done:
            path[first] = iter(reads[first])
        while path:
            name = next(reversed(path))
            read = next((r for r in path[name] if r in reads and r not in done), None)
            if read is None:
                finished = [name]
            elif read in path:
                members = reversed(path)
                behind = [*takewhile(lambda member, read=read: member != read, members)]
                finished = [read, *reversed(behind)]
            else:
                path[read] = iter(reads[read])
                continue
            for member in finished:
                del path[member]
            done.update(finished)
            yield finished


def circles(reads: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    """The circles, each closed: its last name is its first."""
    for names in in_order(reads):
        if len(names) > 1 or names[0] in reads[names[0]]:
            yield [*names, names[0]]
