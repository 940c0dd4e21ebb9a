"""A spec with other values of its [params].

What a spec is does not depend on the numbers in [params], so it is parsed once, however
many variants of it are looked at. Text may be a word or an expression, which parsing
tells apart by where it is used; a variant with text is parsed anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from archc.diagnostics.model import Sink
from archc.diagnostics.suggest import did_you_mean
from archc.source.document import Document
from archc.source.kinds import is_list
from archc.spec.expressions import MAX_MAGNITUDE, is_sequence
from archc.spec.model import Merged, Origin, Spec
from archc.spec.overrides import parameters
from archc.spec.parse import parse_spec


def with_params(
    spec: Spec, values: Mapping[str, Any], sink: Sink, *, told: str = "with_params"
) -> Spec | None:
    """`spec` with some of its [params] changed; None once an error was reported.

    A value is what a spec could hold there: a number, a boolean, text or a list of
    these. `told` stands for the file in diagnostics. What the spec claims is about its
    own numbers: elaborate the variant without claims.

    Raises:
        TypeError: if a value is nothing that a spec could hold.
    """
    document = parameters(values, told, sink)
    if document is None or not _known(spec, document, sink):
        return None
    merged = _laid_over(spec.origin.merged, document)
    if all(_plain(values[k]) and _plain(spec.params[k]) for k in values):
        given = document.data["params"]
        params = spec.params | {name: _fixed(v) for name, v in given.items()}
        return replace(spec, origin=Origin(merged, ()), params=params)
    variant = parse_spec(merged, sink)
    return None if sink.failed else variant


def _known(spec: Spec, document: Document, sink: Sink) -> bool:
    unknown = document.data["params"].keys() - spec.params.keys()
    for name in sorted(unknown):
        sink.error(
            "unknown-param",
            f"`{spec.name}` has no parameter `{name}`",
            document.place(("params", name), "key"),
            help=did_you_mean(name, spec.params) or "it has no [params] at all",
        )
    return not unknown


def _laid_over(merged: Merged, document: Document) -> Merged:
    given = document.data["params"]
    params = {**merged.data["params"], **given}
    owners = {
        path: owner
        for path, owner in merged.owners.items()
        if path[:1] != ("params",) or path[1:2] == () or path[1] not in given
    }
    owners |= {("params", name): document for name in given}
    return Merged(merged.data | {"params": params}, owners)


def _plain(value: Any) -> bool:
    """Whether it is numbers alone, of a size that a spec could hold."""
    if is_sequence(value):
        return all(map(_plain, value))
    return isinstance(value, int | float) and abs(value) <= MAX_MAGNITUDE


def _fixed(value: Any) -> Any:
    return tuple(map(_fixed, value)) if is_list(value) else value
