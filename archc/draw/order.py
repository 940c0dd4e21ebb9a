"""An order in which everything stands behind what it reads."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush


def in_order(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Numbers below `count`, the second of each pair behind the first; else they rise.

    What pairs lead to in a circle is left out.
    """
    sources: list[set[int]] = [set() for _ in range(count)]
    readers: list[set[int]] = [set() for _ in range(count)]
    for source, reader in pairs:
        sources[reader].add(source)
        readers[source].add(reader)
    ready = [i for i in range(count) if not sources[i]]
    found: list[int] = []
    while ready:
        i = heappop(ready)
        found.append(i)
        for reader in readers[i]:
            sources[reader].remove(i)
            if not sources[reader]:
                heappush(ready, reader)
    return found
