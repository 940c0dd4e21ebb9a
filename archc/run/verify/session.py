"""A module held to its network, check by check."""

from __future__ import annotations

from archc.run.subject import BrokenModule, Subject
from archc.run.verify.arguments import compare_arguments, compare_defaults
from archc.run.verify.layers import compare_layers
from archc.run.verify.numbers import Numbers
from archc.run.verify.reference import Reference
from archc.run.verify.report import Verification
from archc.run.verify.starts import compare_starts
from archc.run.verify.tensors import compare_tensors


def verify(subject: Subject) -> Verification:
    """Compares the module of a subject with its network."""
    found = Verification(subject)
    try:
        built, starts = subject.without_values()
        compare_defaults(found)
    except BrokenModule as error:
        found.refuse("module", "", str(error))
        return found
    reference = Reference(subject.network, Numbers(), training=True)
    compare_tensors(built, reference, found)
    if found.passed:
        compare_layers(built, reference, found)
    if found.passed:
        compare_starts(built, starts, reference, found)
    if found.passed:
        compare_arguments(found)
    return found
