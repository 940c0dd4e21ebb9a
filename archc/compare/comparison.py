"""What separates two networks: their layers side by side, and their totals."""

from __future__ import annotations

from archc.compare import totals
from archc.compare.align import Aligner
from archc.compare.model import Comparison, Side
from archc.compare.rows import heads_of, inputs_of, rewired, rows_of, with_moves
from archc.compare.structure import row_of
from archc.compare.wiring import wired_alike


def compare(a: Side, b: Side) -> Comparison:
    """Lays two networks side by side."""
    aligner = Aligner()
    inputs = inputs_of(a.network, b.network)
    pairs = wired_alike(a.network.body, b.network.body, inputs)
    if pairs is None:
        pairs = aligner.align(row_of(a.network.body), row_of(b.network.body))
    rows = list(rows_of(pairs, None))
    heads = heads_of(a.network, b.network)
    for one, other in heads:
        name = other.name if other else one.name if one else None
        inside = aligner.align(
            row_of(one.region) if one else (), row_of(other.region) if other else ()
        )
        rows += rows_of(inside, name)
    rows = rewired(rows, a.network, b.network)
    return Comparison(
        a,
        b,
        tuple(with_moves(rows)),
        tuple(totals.totals(a, b)),
        tuple(totals.settings(a.network, b.network)),
        tuple(totals.training(a.network, b.network, heads)),
        totals.weights(a.network, b.network),
        (totals.maps(a.network), totals.maps(b.network)),
    )
