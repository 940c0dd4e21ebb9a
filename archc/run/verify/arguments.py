"""The constructor's arguments held to the parameters of the spec.

A module that is built with other arguments has to be the network that the spec gives
with these parameters. Small numbers are tried first, which make small networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from inspect import Parameter
from typing import Any

from archc.diagnostics.model import Sink
from archc.network.elaborate import elaborate
from archc.network.graph import Network
from archc.run.subject import BrokenModule, Subject
from archc.run.verify.layers import compare_training
from archc.run.verify.numbers import Numbers
from archc.run.verify.reference import Reference
from archc.run.verify.report import Verification
from archc.run.verify.tensors import compare_tensors
from archc.spec.expressions import Expr, is_sequence

Values = dict[str, Any]


def compare_defaults(found: Verification) -> None:
    """Holds the defaults of arguments to the values of the spec."""
    subject = found.subject
    given = subject.signature().parameters
    values = _plain(subject.network)
    for name, argument in _arguments(subject, values).items():
        default = given[argument].default
        # a None is no value: what the code makes of it is seen in the module
        if default is None or default is Parameter.empty:
            continue
        if _listed(default) != _listed(values[name]):
            message = f"defaults to {default!r} instead of {values[name]!r}"
            found.refuse("arguments", "", f"the argument {argument} {message}")


def compare_arguments(found: Verification) -> None:
    """Builds the module with other arguments, and holds it to the spec with these."""
    subject = found.subject
    values = _plain(subject.network)
    arguments = _arguments(subject, values)
    if len(arguments) < len(values) and _lacks(subject, values, arguments, found):
        return
    if not arguments or _all_agree(subject, values, arguments):
        return
    for name, argument in arguments.items():
        other = next(_followed(subject.network, name), None)
        if other is None:
            continue
        value, network = other
        disagreement = _difference(subject, network, {argument: value})
        if disagreement and not _difference(_anew(subject), network, {argument: value}):
            message = f"with the argument {argument} = {value!r}, {disagreement}"
            found.refuse("arguments", "", message)
            return


def _all_agree(subject: Subject, values: Values, arguments: dict[str, str]) -> bool:
    """Whether the module follows where all arguments are others."""
    for change in (_small, _half):
        changed = {name: change(values[name]) for name in arguments}
        network = _elaborated(subject.network, changed)
        if network is not None:
            given = {arguments[name]: value for name, value in changed.items()}
            return not _difference(subject, network, given)
    return False


def _difference(subject: Subject, network: Network, arguments: Values) -> str:
    """The first thing that a module with these arguments does otherwise."""
    found = Verification(replace(subject, network=network))
    try:
        built, _ = found.subject.without_values(**arguments)
    except BrokenModule as error:
        return str(error)
    reference = Reference(network, Numbers(), training=True)
    compare_tensors(built, reference, found)
    if found.passed:
        compare_training(built, reference, found)
    return "" if found.passed else str(found.disagreements[0])


def _anew(subject: Subject) -> Subject:
    """The module as it is written without changes.

    Its constructor knows channels, and sizes of maps only as numbers; so there are
    parameters that it cannot follow.
    """
    from archc.emit.module import emit

    return replace(subject, source=emit(subject.network), file=None, state="current")


def _lacks(
    subject: Subject, values: Values, arguments: dict[str, str], found: Verification
) -> bool:
    """Whether an argument is missing that the module has as it is written."""
    for name, argument in _arguments(_anew(subject), values).items():
        if name not in arguments:
            found.refuse("arguments", "", f"the argument {argument} is missing")
            return True
    return False


def _plain(network: Network) -> Values:
    """The parameters that are no expressions of others."""
    params = network.spec.params
    return {k: v for k, v in params.items() if not isinstance(v, Expr)}


def _arguments(subject: Subject, values: Values) -> dict[str, str]:
    """The constructor's argument for each parameter; one may have underscores added.

    Those of which it cannot be told are left out.
    """
    given = [
        name
        for name, argument in subject.signature().parameters.items()
        if argument.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
    ]
    found: dict[str, str] = {}
    for name in values:
        stem = name.rstrip("_")
        same = [other for other in values if other.rstrip("_") == stem]
        fitting = [argument for argument in given if argument.rstrip("_") == stem]
        if len(same) == len(fitting):  # they are in the order of the spec
            found[name] = fitting[same.index(name)]
    return found


# ---- other values


def _followed(network: Network, name: str) -> Iterator[tuple[Any, Network]]:
    """Other values of a parameter with which the spec is free of errors."""
    value = network.spec.params[name]
    for change in (_small, _half, _more, _double):
        other = change(value)
        if other != value and (found := _elaborated(network, {name: other})):
            yield other, found


def _elaborated(network: Network, values: Values) -> Network | None:
    """The network with other parameters; None if it has errors."""
    spec = network.spec
    params = {name: values.get(name, value) for name, value in spec.params.items()}
    sink = Sink()
    found = elaborate(replace(spec, params=params), sink, claims=False)
    return None if sink.failed else found


def _changed(whole: Callable[[int], int]) -> Callable[[Any], Any]:
    """How a value is changed, by what becomes of a whole number in it."""

    def change(value: Any) -> Any:
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return whole(value)
        if isinstance(value, float):
            return value / 2 if value else 0.5
        if is_sequence(value):
            return tuple(map(change, value))
        return value

    return change


_small = _changed(lambda n: 3 if n > 8 else 1 if n != 1 else 2)
_half = _changed(lambda n: n // 2 if n > 1 else n + 1)
_more = _changed(lambda n: n + 1)
_double = _changed(lambda n: 2 * n or 1)


def _listed(value: Any) -> Any:
    """A value in which lists and tuples are the same."""
    if is_sequence(value):
        return tuple(map(_listed, value))
    return value
