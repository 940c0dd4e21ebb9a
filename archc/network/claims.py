"""Holds the shapes that a spec states to those that were inferred."""

from __future__ import annotations

from collections.abc import Sequence

from archc.diagnostics.model import Label, Sink
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
    for same in failed.values():
        upstream = _upstream(same[0].value, first)
        first.setdefault(same[0].value if upstream is None else upstream, []).extend(
            same if upstream is None else same[:1]
        )
    for value, told in first.items():
        own = [c for c in told if c.place == told[0].place]
        further = {c.place: c for c in told if c.place != told[0].place}
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
                help=f"correct the claim to {list(claim.inferred.dims)}, or the layers"
                " before it",
            )
        assert value is own[0].value


def _dims(stated: Sequence[int]) -> str:
    return " x ".join(map(str, stated))


def _upstream(value: Value, known: dict[Value, list[Claim]]) -> Value | None:
    """One of the known values that `value` is computed from, or is."""
    seen = {value}
    stack = [value]
    while stack and known:
        current = stack.pop()
        if current in known:
            return current
        for read in current.layer.inputs if current.layer is not None else ():
            if read not in seen:
                seen.add(read)
                stack.append(read)
    return None
