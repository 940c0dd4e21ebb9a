"""Work on many things at once, in processes that are forked."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_shared: list[tuple[Callable[[Any], Any], Sequence[Any]]] = []
"""What processes that are forked find in their memory, so that nothing is copied."""


FORKS = sys.platform == "linux"
"""Whether a process can be forked safely here."""


def processors() -> int:
    """Those that this process may use; one where it cannot be forked safely."""
    return len(os.sched_getaffinity(0)) if FORKS else 1


_WORTH_IT = 4
"""So many things are worth starting processes for."""


def shared(
    function: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[_Result]:
    """`function` of each item, in their order, by a process for each processor where
    there are some of both.

    Raises:
        BrokenProcessPool: if one of them ended.
    """
    processes = min(processors(), len(items))
    if processes < 2 or len(items) < _WORTH_IT:
        return map(function, items)
    return each(function, items, processes)


def each(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    processes: int,
    start: Callable[[], None] | None = None,
) -> Iterator[_Result]:
    """`function` of each item, in their order, by so many processes, which call `start`
    first. What it returns, or raises, is copied back.

    Raises:
        BrokenProcessPool: if one of them ended.
    """
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    _shared.append((function, items))
    try:
        with ProcessPoolExecutor(processes, get_context("fork"), start) as pool:
            yield from pool.map(_one, range(len(items)))
    finally:
        _shared.pop()


def _one(number: int) -> Any:
    function, items = _shared[-1]
    return function(items[number])
