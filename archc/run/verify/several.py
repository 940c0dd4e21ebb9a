"""Several modules verified at once, where processes can be forked."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

import torch

from archc.forked import each, processors
from archc.run.subject import Subject
from archc.run.verify.report import Disagreement, Verification
from archc.run.verify.session import verify

_Found = tuple[int, int, int, list[Disagreement]]


def verify_each(subjects: Sequence[Subject]) -> list[Verification]:
    """Each subject verified, in their order, by a process for each processor.

    A fork starts with torch imported. Where there is none, one after the other is
    verified here.
    """
    processes = min(processors(), len(subjects))
    if processes < 2:
        return [verify(subject) for subject in subjects]
    found = _in_processes(subjects, processes)
    return [Verification(s, *f) for s, f in zip(subjects, found, strict=True)]


def _in_processes(subjects: Sequence[Subject], processes: int) -> list[_Found]:
    try:
        return list(each(_verified, subjects, processes, _alone))
    except BrokenProcessPool:
        if len(subjects) > 1:  # one of them; each by itself tells which
            return [found for s in subjects for found in _in_processes([s], 1)]
        ended = Disagreement("module", "", "its code ends the process that runs it")
        return [(0, 0, 0, [ended])]


def _alone() -> None:
    """The threads of the process that was forked are not there to be waited for."""
    torch.set_num_threads(1)


def _verified(subject: Subject) -> _Found:
    found = verify(subject)
    return found.tensors, found.layers, found.macs, found.disagreements
