"""What is written in a picture: on ops, for shapes, and of the whole network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archc.draw.caption import combined
from archc.draw.chart import Less
from archc.draw.figure import Leaf
from archc.draw.palette import SIGNS
from archc.measure.cost import Facts
from archc.network.graph import Head, Network
from archc.ops.sizes import Shape

_FINE = ("normalization", "activation", "dropout")
"""What is only said where there is room."""


def said(leaf: Leaf) -> str:
    """What a leaf is called in the picture."""
    said = leaf.text or combined(leaf.captions, leaf.tally, leaf.turns)
    if leaf.mark is None or leaf.mark == "same":
        return said
    all_, differ = leaf.marks.total(), leaf.marks.total() - leaf.marks["same"]
    part = f" ({differ} of {all_})" if differ < all_ and not leaf.text else ""
    return f"{SIGNS[leaf.mark]}{said}{part}"


def around(leaves: Sequence[Leaf], lead: Leaf) -> dict[str, Less]:
    """What is said below a leading op of those that come before and after it, with what
    remains of it where there is little room."""
    at = leaves.index(lead)
    return before(leaves[:at]) | in_a_row(leaves[at + 1 :])


def before(leaves: Sequence[Leaf]) -> dict[str, Less]:
    """The line on ops that come before others; none if there are none."""
    return {
        f"before: {line}": less._replace(kept=less.kept and f"before: {less.kept}")
        for line, less in in_a_row(leaves).items()
    }


def in_a_row(leaves: Sequence[Leaf]) -> dict[str, Less]:
    """The line on ops that follow each other; none if there are none."""
    if not leaves:
        return {}
    fine = [x for x in leaves if x.ahead or x.crossing or _is_fine(x)]
    rest = [leaf for leaf in leaves if leaf not in fine]
    lost = [leaf for leaf in fine if not leaf.ahead]
    line, kept = (" · ".join(map(said, part)) for part in (leaves, rest))
    return {line: Less(kept, _kinds(lost), tuple(map(_name, rest)))}


def _is_fine(leaf: Leaf) -> bool:
    """Whether it is one of those that come with most convolutions."""
    return leaf.category in _FINE and not leaf.always


def _kinds(leaves: Iterable[Leaf]) -> tuple[str, ...]:
    return tuple(
        "devices" if leaf.crossing else leaf.category
        for leaf in leaves
        if leaf.category is not None
    )


def _name(leaf: Leaf) -> str:
    """What an op is called, without its numbers."""
    return next((fields[0] for fields in leaf.captions), said(leaf))


def remarks(leaves: Sequence[Leaf]) -> list[str]:
    """What is said of ops that take one value from another, and of those that are
    further uses of modules."""
    said = [leaf.operands for leaf in leaves if leaf.operands]
    said += [f"{leaf.again} again" for leaf in leaves if leaf.again]
    return list(dict.fromkeys(said))


def numbers(network: Network, facts: Facts) -> list[str]:
    params = f"{large(facts.params)} parameters"
    training = large(facts.params_with_heads)
    if training != large(facts.params):
        params += f" ({training} in training)"
    named = network.inputs_have_names
    inputs = [
        f"{name} {spelled(value.shape)}" if named else f"input {spelled(value.shape)}"
        for name, value in network.inputs.items()
        if value.shape is not None
    ]
    return [params, f"{large(facts.macs)} MACs", *inputs]


def of_head(head: Head) -> str:
    return f"training only, loss × {head.loss_weight:g}"


def large(number: int) -> str:
    """A number to three digits."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            value = number / size
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {unit}"
    return str(number)


def spelled(shape: Shape) -> str:
    return "×".join(str(d) for d in shape.dims)


def folded(first: Shape | None, last: Shape) -> str:
    """The shape that a row gives, whose last may also scale the map."""
    if first is None or first.channels == last.channels:
        return spelled(last)
    return ranged(first, last)


def ranged(first: Shape, last: Shape) -> str:
    """The shape that a row of repetitions gives, from the first to the last."""
    if first == last or len(first.dims) != len(last.dims):
        return spelled(last)
    return "×".join(
        str(a) if a == b else f"{a}…{b}"
        for a, b in zip(first.dims, last.dims, strict=True)
    )
