"""Holds the shapes that a spec states to those that were inferred."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Place, Sink
from archc.network.graph import Claim, Value


def check_shapes(claims: Sequence[Claim], sink: Sink) -> None:
    """Reports the claims that fail.

    One that reads what another failing claim is about is told along with that one: the
    same mistake has changed both.
    """
    failed: dict[object, list[Claim]] = {}
    for claim in claims:
        if claim.stated != claim.inferred.dims:
            failed.setdefault(claim.place, []).append(claim)
    first: dict[Value, list[Claim]] = {}
    known: dict[Value, Value | None] = {}
    for same in failed.values():
        if known.get(same[0].value, same[0].value) is None:
            known.clear()  # what is computed from this one has another answer now
        upstream = _upstream(same[0].value, first, known)
        first.setdefault(same[0].value if upstream is None else upstream, []).extend(
            same if upstream is None else same[:1]
        )
    for value, told in first.items():
        own = [c for c in told if c.place == told[0].place]
        further = {c.place: c for c in told if c.place != told[0].place}
        edits = _corrections(told)
        for claim in own:
            sink.error(
                "shape-claim",
                f"the claimed shape is {_dims(claim.stated)}, the inferred one"
                f" {claim.inferred}",
                claim.place,
                *(
                    Label(place, f"this one fails along with it: {other.inferred}")
                    for place, other in further.items()
                ),
                help=_corrected(claim, edits),
            )
        assert value is own[0].value


def _corrections(told: Sequence[Claim]) -> tuple[Edit, ...]:
    """The claims as they would hold; none where one is a block's, which its uses
    contradict each in its own way."""
    inferred: dict[Place, tuple[int, ...]] = {}
    for claim in told:
        dims = claim.inferred.sizes
        if inferred.setdefault(claim.place, dims) != dims:
            return ()
    return tuple(
        Edit(str(list(dims)), "value", place=place) for place, dims in inferred.items()
    )


def _corrected(claim: Claim, edits: tuple[Edit, ...]) -> str:
    help = f"correct the claim to {list(claim.inferred.dims)}, or the layers before it"
    return Mend(help, *edits) if edits else help


def _dims(stated: Sequence[int]) -> str:
    return " x ".join(map(str, stated))


def _upstream(
    value: Value, first: Collection[Value], known: dict[Value, Value | None]
) -> Value | None:
    """One of the `first` values that `value` is computed from, or is.

    `known` keeps the answers, also that `value` is one of the first from now on where
    there is none before it.
    """
    stack = [value]
    while stack:
        current = stack[-1]
        reads = () if current.layer is None else current.layer.inputs
        if current in first:
            known[current] = current
        elif open_ := [read for read in reads if read not in known]:
            stack += open_
            continue
        else:
            above = (known[read] for read in reversed(reads))
            known[current] = next((v for v in above if v is not None), None)
        stack.pop()
    found = known[value]
    known[value] = value if found is None else found
    return found
