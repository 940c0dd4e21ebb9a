"""Operators of onnxruntime's own, which its optimiser makes of several of ONNX's: these
are put back in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

OWN = "com.microsoft"
_ACTIVATED = {
    "HardSigmoid": ("alpha", "beta"), "LeakyRelu": ("alpha",), "Relu": (),
    "Sigmoid": (), "Tanh": (), "Clip": ("min", "max"),
}  # fmt: skip
"""The activations that a fused operator may have, with their parameters."""


def written_out(protos: Iterable[Any]) -> list[Any]:
    """Nodes without those operators of onnxruntime's that are others of ONNX's."""
    found: list[Any] = []
    for proto in protos:
        rule = _RULES.get(proto.op_type) if proto.domain == OWN else None
        made = None if rule is None else rule(proto)
        found += [proto] if made is None else made
    return found


def _node(of: Any, op: str, reads: list[str], makes: str, **attributes: Any) -> Any:
    from onnx import helper

    made = helper.make_node(op, reads, [makes], name=of.name, **attributes)
    made.metadata_props.extend(of.metadata_props)
    return made


def _attributes(proto: Any, *without: str) -> dict[str, Any]:
    from onnx import helper

    return {a.name: helper.get_attribute_value(a)
            for a in proto.attribute if a.name not in without}  # fmt: skip


def _fused(proto: Any) -> list[Any] | None:
    """A convolution or product with what is added to it, and an activation."""
    op = proto.op_type.removeprefix("Fused")
    how = _attributes(proto)
    name = how.pop("activation", b"").decode()
    numbers = list(how.pop("activation_params", ()))
    keys = _ACTIVATED.get(name, ())
    numbers += [how.pop(f"activation_{key}") for key in keys
                if f"activation_{key}" in how]  # fmt: skip
    if (name and name not in _ACTIVATED) or len(numbers) not in (0, len(keys)):
        return None
    out = proto.output[0]
    steps: list[tuple[str, list[str], dict[str, Any]]] = [(op, [*proto.input[:3]], how)]
    if len(proto.input) > 3:
        steps.append(("Add", [proto.input[3]], {}))
    if name:
        given = dict(zip(keys, numbers, strict=False))
        steps.append((name, [], {} if name == "Clip" else given))
    found: list[Any] = []
    made = ""
    for n, (each, reads, settings) in enumerate(steps):
        reads = [made, *reads] if n else reads
        made = out if n == len(steps) - 1 else f"{out}:{n}"
        if each == "Clip":
            for key, number in zip(keys, numbers, strict=False):
                reads.append(f"{out}:{key}")
                found.append(
                    _node(proto, "Constant", [], reads[-1], value_float=number)
                )
        found.append(_node(proto, each, reads, made, **settings))
    return found


def _gelu(proto: Any) -> list[Any]:
    """With what is added ahead of it, where something is."""
    how = {"approximate": "tanh"} if proto.op_type == "FastGelu" else {}
    source, *more = [name for name in proto.input if name]
    out = proto.output[0]
    found: list[Any] = []
    if more:
        found.append(_node(proto, "Add", [source, *more], f"{out}:0"))
        source = f"{out}:0"
    return [*found, _node(proto, "Gelu", [source], out, **how)]


def _quick_gelu(proto: Any) -> list[Any]:
    alpha = _attributes(proto).get("alpha", 1.702)
    return [_node(proto, "Swish", [proto.input[0]], proto.output[0], alpha=alpha)]


_RULES: dict[str, Callable[[Any], list[Any] | None]] = {
    "FusedConv": _fused, "FusedGemm": _fused, "Gelu": _gelu, "FastGelu": _gelu,
    "BiasGelu": _gelu, "QuickGelu": _quick_gelu,
}  # fmt: skip
