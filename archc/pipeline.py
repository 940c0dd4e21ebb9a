"""The stages in their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from archc.diagnostics.model import Sink
from archc.measure.cost import Facts, measure
from archc.network.check import check_expect, check_unread, check_unused
from archc.network.elaborate import elaborate
from archc.network.graph import Network
from archc.source.document import Document
from archc.spec.load import Loader
from archc.spec.model import Spec
from archc.spec.parse import parse_spec
from archc.spec.variant import with_params


@dataclass(frozen=True, eq=False)
class Analysis:
    """A network that is free of errors, with its facts."""

    network: Network

    @cached_property
    def facts(self) -> Facts:
        """Its numbers, which not everyone asks for."""
        return measure(self.network)


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What is known of a spec that may have errors: each is None from where they keep
    it from being made. Values in `network` may then lack a shape."""

    spec: Spec | None = None
    network: Network | None = None
    analysis: Analysis | None = None
    """Of a network that was elaborated without an error; checks may have found some."""

    @property
    def facts(self) -> Facts | None:
        """The numbers of the network."""
        return None if self.analysis is None else self.analysis.facts


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
    return None if sink.failed else found.analysis


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
    analysis = Analysis(network)
    check_unread(network, sink)
    if parsed.expect and not overlays:
        check_expect(network, analysis.facts, sink)
    return Findings(parsed, network, analysis)


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
    return Analysis(network)
