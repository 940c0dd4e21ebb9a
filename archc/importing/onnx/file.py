"""An ONNX file as a graph of nodes, as far as it can be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from archc.importing.onnx.contrib import written_out

_OLDEST = 7
"""The operators of earlier sets spread their operands by another rule."""
_DOMAINS = frozenset({"", "ai.onnx"})
AGAIN = "export the network again, as by torch.onnx.export; is the file whole?"


class Unreadable(Exception):
    """Why a file cannot be looked at."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.mend = mend
        """What to do about it."""


@dataclass(slots=True, eq=False)
class Node:
    """One operator as it stands in the file."""

    op: str
    name: str
    reads: list[str]
    makes: list[str]
    attributes: dict[str, Any]
    notes: dict[str, str]
    """What the exporter noted beside it."""
    proto: Any
    """As the package has it."""
    inner: list[str] = field(default_factory=list[str])
    """What is read in its branches: values of the file, and their own."""

    @property
    def all_reads(self) -> list[str]:
        """What it reads, in its branches too."""
        return [name for name in (*self.reads, *self.inner) if name]


@dataclass(slots=True, eq=False)
class File:
    """What a file says."""

    model: Any
    """As the package has it, without functions of its own."""
    producer: str
    opset: int
    nodes: list[Node]
    constants: dict[str, Any]
    """Its initialisers: `TensorProto`s by name."""
    inputs: dict[str, tuple[int | None, ...] | None]
    """What it reads, with sizes as far as they are said; None if it says no shape."""
    outputs: list[str]
    readers: Counter[str] = field(default_factory=Counter[str])
    """How often each value is read, the network's outputs counted."""


def opened(path: Path) -> Any:
    """The model of a file, with weights that stand in other files beside it.

    Raises:
        Unreadable: if it is no ONNX file, or lacks one of those.
    """
    from google.protobuf.message import DecodeError
    from onnx.checker import ValidationError

    try:
        model = _loaded(str(path))
    except DecodeError:
        raise Unreadable("it is no ONNX file", AGAIN) from None
    except (OSError, ValueError, ValidationError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        mend = (
            "a file of weights that it names has to stand beside it, as it was exported"
        )
        raise Unreadable(f"it cannot be read: {said}", mend) from None
    if not model.graph.node:
        raise Unreadable("there is no network in it: nothing is computed", AGAIN)
    if model.functions:
        from onnx.inliner import inline_local_functions

        model = inline_local_functions(model)
    return model


def _loaded(path: str) -> Any:
    package: Any = import_module("onnx")
    return package.load(path)


def file_of(model: Any) -> File:
    """What a model says.

    Raises:
        Unreadable: if its set of operators is too old, or a node reads nothing.
    """
    import onnx

    versions = {o.domain: o.version for o in model.opset_import}
    opset = versions.get("", versions.get("ai.onnx", 0))
    newest = onnx.defs.onnx_opset_version()
    if not _OLDEST <= opset <= newest:
        raise Unreadable(f"its operators are those of opset {opset}; {_OLDEST} to"
                         f" {newest} are known", "onnx.version_converter writes them"
                         " in another, or export it again")  # fmt: skip
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    inputs = {i.name: _sizes(i) for i in graph.input if i.name not in constants}
    nodes = [node_of(proto) for proto in written_out(graph.node)]
    outputs = list(dict.fromkeys(o.name for o in graph.output))
    _check_order(nodes, {"", *constants, *inputs})
    found = File(model, model.producer_name, opset, nodes, constants, inputs, outputs)
    found.nodes = _live(nodes, outputs)
    made = {name for node in found.nodes for name in node.makes}
    there = {*made, *constants, *inputs}
    lacking = next((name for name in outputs if name not in there), None)
    if lacking is not None:
        raise Unreadable(f"its output `{lacking}` is made by nothing", AGAIN)
    if not found.nodes:
        raise Unreadable("its outputs are not computed", AGAIN)
    found.readers.update(outputs)
    for node in found.nodes:
        found.readers.update(node.all_reads)
    return found


def _check_order(nodes: list[Node], known: set[str]) -> None:
    for node in nodes:
        lacking = next((name for name in node.reads if name not in known), None)
        if lacking is not None:
            name = node.name or node.op
            reason = f"`{name}` reads `{lacking}`, which nothing before it makes"
            raise Unreadable(reason, "a part was cut off, its weights were left out, or"
                             " nodes stand in another order than they run in: export"
                             " it again")  # fmt: skip
        known.update(node.makes)


def _live(nodes: list[Node], outputs: list[str]) -> list[Node]:
    """The nodes that the outputs depend on, in their order."""
    wanted = set(outputs)
    found: list[Node] = []
    for node in reversed(nodes):
        if wanted.intersection(node.makes):
            found.append(node)
            wanted.update(node.all_reads)
    return found[::-1]


def node_of(proto: Any) -> Node:
    """A node as it stands in the file."""
    import onnx

    attributes = {a.name: _plain(onnx.helper.get_attribute_value(a))
                  for a in proto.attribute}  # fmt: skip
    notes = {p.key: p.value for p in getattr(proto, "metadata_props", ())}
    op = (
        proto.op_type if proto.domain in _DOMAINS else f"{proto.domain}.{proto.op_type}"
    )
    return Node(op, proto.name, list(proto.input), list(proto.output), attributes,
                notes, proto, _inner(proto))  # fmt: skip


def _inner(proto: Any) -> list[str]:
    """What the branches of a node read."""
    found: list[str] = []
    for attribute in proto.attribute:
        for graph in (attribute.g, *attribute.graphs):
            found += [value.name for value in graph.output]
            for node in graph.node:
                found += [*node.input, *_inner(node)]
    return found


def _plain(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _sizes(value: Any) -> tuple[int | None, ...] | None:
    """The sizes of an input's axes, None where the file names no number; None if it
    says no shape."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(d.dim_value if d.dim_value > 0 else None for d in tensor.shape.dim)


def element_types(model: Any) -> Mapping[str, str]:
    """Of each input what its numbers are, as `FLOAT`."""
    import onnx

    return {
        i.name: onnx.TensorProto.DataType.Name(i.type.tensor_type.elem_type)
        for i in model.graph.input
    }
