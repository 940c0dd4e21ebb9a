"""From `Spec` to `Network`: blocks instantiated, shapes inferred."""

from __future__ import annotations

from archc.diagnostics.model import Sink
from archc.network.claims import check_shapes
from archc.network.elaborator import Elaborator, TooLarge
from archc.network.graph import Network
from archc.network.size import oversized
from archc.network.smallest import with_smallest_input
from archc.spec.model import Spec


def elaborate(spec: Spec, sink: Sink, *, claims: bool = True) -> Network | None:
    """The typed network; None once an error was reported.

    With `claims`, shapes are held to what the spec says they are.
    """
    found = Sink()
    elaborator = Elaborator(spec, found)
    elaborator.oversized = oversized(spec, found)
    try:
        network = elaborator.run()
        elaborator.unused_blocks()
    except TooLarge:
        network = None
    if claims:
        check_shapes(elaborator.claims, found)
    too_small = [d for d in found if d.code == "window-too-large"]
    if too_small and elaborator.visits < 20_000:
        found = with_smallest_input(spec, found)
    for diagnostic in found:
        sink.report(elaborator.counted(diagnostic))
    return None if found.failed else network
