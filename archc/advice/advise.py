"""All rules over one network."""

from __future__ import annotations

from archc.advice import order, windows
from archc.advice.view import Finding, Rule, view
from archc.diagnostics.model import Diagnostic, Place, Sink
from archc.diagnostics.suggest import did_you_mean
from archc.measure.cost import Facts
from archc.network.graph import Network
from archc.spec.model import OpNode, SlotNode

RULES: dict[str, Rule] = {rule.code: rule for rule in (*windows.RULES, *order.RULES)}
"""All advice, by code."""
UNKNOWN = "unknown-advice"
"""What is said of a silence that silences nothing there is."""


def advise(network: Network, facts: Facts, sink: Sink) -> None:
    """Reports what the literature would do otherwise, and the spec does not silence."""
    spec = network.spec
    for number, silence in enumerate(spec.advice):
        if silence.code not in RULES:
            message = f'there is no advice "{silence.code}" to silence'
            help = did_you_mean(silence.code, RULES) or f"known are {', '.join(RULES)}"
            place = spec.origin.at("advice", number, "code")
            sink.report(Diagnostic(UNKNOWN, message, place, (), help, "advice"))
    silenced = {silence.code for silence in spec.advice}
    seen = view(network, facts)
    for rule in RULES.values():
        if rule.code not in silenced:
            for found in rule.find(seen):
                sink.report(_diagnostic(rule, found))


def _diagnostic(rule: Rule, found: Finding) -> Diagnostic:
    message = f"`{found.layer.path}`: {found.message}"
    help = f"{rule.mend} ({rule.source})"
    return Diagnostic(rule.code, message, _place(found), (), help, "advice")


def _place(found: Finding) -> Place:
    node = found.layer.node
    key = "op" if isinstance(node, OpNode) else "merge"
    return node.origin.at("slot" if isinstance(node, SlotNode) else key)
