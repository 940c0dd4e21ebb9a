"""From `Spec` to `Network`: blocks instantiated, shapes inferred."""

from __future__ import annotations

from dataclasses import replace

from archc.diagnostics.model import Diagnostic, Sink
from archc.network.claims import check_shapes
from archc.network.decoders import grows
from archc.network.elaborator import Elaborator
from archc.network.fitting import MISMATCHES, with_fitting_inputs
from archc.network.graph import Network
from archc.network.size import oversized
from archc.network.smallest import with_smallest_input
from archc.network.walk import TooLarge, Walk
from archc.source.document import KeyPlace
from archc.spec.model import Spec


def elaborate(spec: Spec, sink: Sink, *, claims: bool = True) -> Network | None:
    """The typed network; where an error was reported, what follows from it is a value
    without a shape. None where it is too large to be made.

    With `claims`, shapes are held to what the spec says they are.
    """
    found = Sink()
    elaborator = Elaborator(spec, found, oversized=oversized(spec, found))
    try:
        network = elaborator.run()
        elaborator.unused_blocks()
        elaborator.naming.left_out()
    except TooLarge:
        network = None
    if claims:
        check_shapes(elaborator.walk.claims, found)
    too_small = [d for d in found if d.code == "window-too-large"]
    if too_small and elaborator.walk.visits < 20_000:
        found = with_smallest_input(spec, found)
    elif (
        network is not None
        and any(d.code in MISMATCHES for d in found)
        and any(map(grows, network.layers()))
    ):
        found = with_fitting_inputs(spec, found, elaborator.walk.visits)
    for diagnostic in found:
        sink.report(_counted(diagnostic, elaborator.walk))
    return network


def _counted(diagnostic: Diagnostic, walk: Walk) -> Diagnostic:
    """A mistake in a block's definition is met in each instance.

    An instance that reads an unknown value, mostly that of the instance before it,
    cannot meet a mistake in a shape; it is taken to have the mistake too.
    """
    place = diagnostic.place
    if not isinstance(place, KeyPlace) or place.path[:1] != ("blocks",):
        return diagnostic
    name = str(place.path[1])
    met = diagnostic.occurrences + walk.blind[name]
    times = max(min(met, walk.instances[name]), diagnostic.occurrences)
    return replace(diagnostic, occurrences=times)
