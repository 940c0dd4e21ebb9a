"""Several modules verified at once, where processes can be forked."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import torch

from archc.run.subject import Subject
from archc.run.verify.report import Disagreement, Verification
from archc.run.verify.session import verify

_Found = tuple[int, int, int, list[Disagreement]]

_subjects: list[Subject] = []
"""What the processes that are forked share with this one: networks need no copy."""


def verify_each(subjects: Sequence[Subject]) -> list[Verification]:
    """Each subject verified, in their order, by a process for each processor.

    A fork starts with torch imported. Where there is none, one after the other is
    verified here.
    """
    processes = min(_processors(), len(subjects))
    if processes < 2:
        return [verify(subject) for subject in subjects]
    _subjects[:] = subjects
    try:
        found = _in_processes(range(len(subjects)), processes)
    finally:
        _subjects.clear()
    return [Verification(s, *f) for s, f in zip(subjects, found, strict=True)]


def _in_processes(numbers: Sequence[int], processes: int) -> list[_Found]:
    try:
        with ProcessPoolExecutor(processes, get_context("fork"), _alone) as pool:
            return list(pool.map(_verified, numbers))
    except BrokenProcessPool:
        if len(numbers) > 1:  # one of them; each by itself tells which
            return [found for n in numbers for found in _in_processes([n], 1)]
        ended = Disagreement("module", "", "its code ends the process that runs it")
        return [(0, 0, 0, [ended])]


def _processors() -> int:
    """Those that this process may use; one where none can be forked safely."""
    if sys.platform != "linux":
        return 1
    return len(os.sched_getaffinity(0))


def _alone() -> None:
    """The threads of the process that was forked are not there to be waited for."""
    torch.set_num_threads(1)


def _verified(number: int) -> _Found:
    found = verify(_subjects[number])
    return found.tensors, found.layers, found.macs, found.disagreements
