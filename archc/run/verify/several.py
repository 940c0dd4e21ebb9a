"""Modules verified at once, where processes can be forked."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import torch

from archc.forked import FORKS, each, processors
from archc.run.verify.session import SELDOM

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_processes(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    ended: Callable[[_Item], _Result],
) -> list[_Result]:
    """`function` of each item, in their order, by a process for each processor; of one
    that ends the process that works on it, `ended`.

    A fork starts with torch imported. Where there is none, all is done here. So it is
    in a program that reads what is said, as a notebook does: it would not reach it, and
    torch refuses autograd in a fork of a process that has used it.
    """
    if not FORKS or not items or sys.stderr is not sys.__stderr__:
        return list(map(function, items))
    return _forked(function, items, ended, min(processors(), len(items)))


def _forked(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    ended: Callable[[_Item], _Result],
    processes: int,
) -> list[_Result]:
    try:
        return list(each(function, items, processes, _alone))
    except BrokenProcessPool:
        if len(items) > 1:  # one of them; each by itself tells which
            return [found for i in items for found in _forked(function, [i], ended, 1)]
        return [ended(items[0])]


def _alone() -> None:
    """The threads of the process that was forked are not there to be waited for, and
    what it had stays. Of networks hardly anything goes in circles."""
    torch.set_num_threads(1)
    gc.freeze()
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])
