"""Attributes that ops have in other frameworks: what is written here instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archc.diagnostics.mend import Edit, Mend
from archc.ops.absent import absent
from archc.ops.attributes import plain
from archc.ops.base import Op
from archc.ops.merge.family import Merge
from archc.ops.registry import Meant, bare, meant_op
from archc.source.kinds import is_list
from archc.spec import tables
from archc.spec.model import Origin

_INFERRED = {
    "in_channels": "the channels of what it reads",
    "in_features": "the features of what it reads",
    "num_features": "the channels of what it reads",
    "num_channels": "the channels of what it reads",
    "in_planes": "the channels of what it reads",
    "input_shape": "the shape of what it reads",
    "input_dim": "the features of what it reads",
    "input_size": "the size of what it reads",
}
_ACTIVATION = {"activation", "act", "activationfn", "actfn", "nonlinearity", "actlayer"}
_NOTHING = ("", "linear", "none", "identity")
_BEHIND = ("activation", "normalization", "dropout", "pooling")
"""What other frameworks make a part of a layer."""


def instead(
    op: type[Op], key: str, table: Mapping[str, Any], *, slip: bool
) -> str | None:
    """What to write in place of an attribute that `op` does not have.

    None where it is none that other frameworks have; what may be a slip of the hand is
    not judged by its value.
    """
    value = table[key]
    if key in _INFERRED:
        return Mend(f"leave it out: it is inferred, {_INFERRED[key]}", Edit("", "gone"))
    here = dict(op.other_attributes).get(key)
    if here is not None:
        if here in table:
            return Mend(f"leave it out: `{here}` says it", Edit("", "gone"))
        return Mend(f"write {here} = {plain(value)}", Edit(here, "name", key))
    if bare(key) in _ACTIVATION:
        return _activation(op, key, value)
    if issubclass(op, Merge) and op.stacks_channels and key in ("dim", "axis"):
        return _joined_axis(value)
    meant = meant_op(key)
    if meant is None and isinstance(value, str) and not slip:
        meant = meant_op(value)
    if meant is None or meant.op.category not in _BEHIND:
        return None
    if not value or value == "none":
        return "leave it out: each is a node of its own"
    if meant.op.category == "dropout" and isinstance(value, float):
        meant = Meant(meant.op, f"p = {value}")
    return f"leave it out, and put a node of its own behind this one: {meant.written()}"


def _joined_axis(value: Any) -> str | Mend:
    joins = "it joins inputs along their channels"
    if value == 1:
        return Mend(f"leave it out: {joins}", Edit("", "gone"))
    return (
        f"{joins}; to join them along another axis, give each a `reshape` with"
        f" channel_dim = {plain(value)}, and undo that behind the concat"
    )


def in_a_modifier(op: type[Op], lacking: Sequence[str], origin: Origin) -> str | None:
    """What to write for an attribute that elsewhere has the name of a modifier, such as
    `shape`, under which it was given; None where that is not so."""
    node = origin.value()
    for key, here in op.other_attributes:
        if lacking == [here] and key in tables.MODIFIERS and key in node:
            write, value = f"write {here} = {plain(node[key])}", node[key]
            why = f"`{key}` is a claim about what a node gives"
            if is_list(value) and -1 in value[:1]:
                return f"{write}, without the -1 if that is the batch: {why}"
            of = origin.at(key, part="key")
            return Mend(f"{write}: {why}", Edit(here, "name", key, of))
    return None


def _activation(op: type[Op], key: str, value: Any) -> str:
    if not value or (isinstance(value, str) and value.lower() in _NOTHING):
        return f"leave it out: `{op.op}` has no activation of its own"
    meant = meant_op(value) if isinstance(value, str) else None
    if meant is not None and meant.op.category == "activation":
        return (
            "leave it out, and put a node of its own behind this one:"
            f" {meant.written()}"
        )
    missing = absent(value) if isinstance(value, str) else None
    own = "leave it out; an activation is a node of its own behind this one"
    if missing is not None:
        return f"{own}, and `{value}` is not there: {missing.use}"
    return f'{own}, such as {{ op = "relu" }}'
