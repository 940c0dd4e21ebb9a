"""The stages in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archc.diagnostics.model import Sink
from archc.measure.cost import Facts, measure
from archc.network.check import check, check_unused
from archc.network.elaborate import elaborate
from archc.network.graph import Network
from archc.source.document import Document
from archc.spec.load import Loader
from archc.spec.model import Spec
from archc.spec.parse import parse_spec
from archc.spec.variant import with_params


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """A network that is free of errors, with its facts."""

    network: Network
    facts: Facts


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What is known of a spec that may have errors: each is None from where they keep
    it from being made. Values in `network` may then lack a shape."""

    spec: Spec | None = None
    network: Network | None = None
    facts: Facts | None = None


def analyse(
    spec: Path | Document,
    loader: Loader,
    sink: Sink,
    overlays: tuple[Document, ...] = (),
) -> Analysis | None:
    """Read, parse, elaborate, measure, check; None once an error was reported.

    None without an error is a file that only holds blocks for others to use. `overlays`
    change the numbers that the spec's claims are about, so with them none is checked.
    """
    found = examine(spec, loader, sink, overlays)
    if sink.failed or found.network is None or found.facts is None:
        return None
    return Analysis(found.network, found.facts)


def examine(
    spec: Path | Document,
    loader: Loader,
    sink: Sink,
    overlays: tuple[Document, ...] = (),
) -> Findings:
    """The same, with all that could be made where an error was reported."""
    merged = loader.load(spec, overlays)
    parsed = None if merged is None else parse_spec(merged, sink)
    if parsed is None:
        return Findings()
    network = elaborate(parsed, sink, claims=not overlays)
    if network is None or sink.failed:
        return Findings(parsed, network)
    check_unused(parsed, sink)
    facts = measure(network)
    check(network, facts, sink, claims=not overlays)
    return Findings(parsed, network, facts)


def analyse_variant(
    spec: Spec, values: Mapping[str, Any], sink: Sink, *, told: str = "with_params"
) -> Analysis | None:
    """The network that `spec` is with other values of its [params]; None once an error
    was reported.

    It takes a few milliseconds: nothing is read or parsed, and no claim is checked.

    Raises:
        TypeError: if a value is nothing that a spec could hold.
    """
    variant = with_params(spec, values, sink, told=told)
    network = None if variant is None else elaborate(variant, sink, claims=False)
    if network is None or sink.failed:
        return None
    return Analysis(network, measure(network))
