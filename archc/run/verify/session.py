"""A module held to its network, check by check."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

from archc.run.building import starts_left_out
from archc.run.subject import BrokenModule, Subject
from archc.run.verify.arguments import compare_arguments, compare_defaults
from archc.run.verify.layers import compare_layers
from archc.run.verify.numbers import Numbers
from archc.run.verify.reference import Reference
from archc.run.verify.report import Verification
from archc.run.verify.starts import compare_starts
from archc.run.verify.tensors import compare_tensors

SELDOM = 200_000
"""So many objects may be made before a search for circles among them."""


def verify(subject: Subject) -> Verification:
    """Compares the module of a subject with its network."""
    with _few_collections(), starts_left_out():
        return _verified(subject)


def _verified(subject: Subject) -> Verification:
    found = Verification(subject)
    try:
        built, starts = subject.without_values()
        compare_defaults(found)
        reference = Reference(subject.network, Numbers(), training=True)
    except BrokenModule as error:
        found.refuse("module", "", str(error))
        return found
    compare_tensors(built, reference, found)
    if found.passed:
        compare_layers(built, reference, found)
    if found.passed:
        compare_starts(built, starts, reference, found)
    if found.passed:
        compare_arguments(found)
    return found


@contextmanager
def _few_collections() -> Generator[None]:
    """Lets modules come and go without a search for circles in all that torch has."""
    known = gc.get_threshold()
    gc.set_threshold(SELDOM, *known[1:])
    try:
        yield
    finally:
        gc.set_threshold(*known)
