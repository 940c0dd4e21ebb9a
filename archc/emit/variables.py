"""The variables of `forward`: which one holds what a node reads, and what it gives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from archc.emit.builder import Builder
from archc.emit.constructor import stem_of
from archc.emit.names import snake_case
from archc.emit.scopes import Source
from archc.emit.tree import Assign
from archc.ops.code import Local
from archc.ops.sizes import Shape
from archc.spec.expressions import Expr, Index
from archc.spec.model import Node, OpNode, Template


def kept_apart(
    builder: Builder, sources: tuple[Expr, ...], target: Local
) -> tuple[Expr, ...]:
    """The values that are read beside the first, none in the variable `target`."""
    rest: list[Expr] = []
    previous: Local | None = None
    for source in sources[1:]:
        if source == target:
            if previous is None:
                previous = builder.local("previous")
                builder.land(target, previous)
            source = previous
        rest.append(source)
    return sources[0], *rest


def read(builder: Builder, node: Node, number: int, x: Expr) -> Expr:
    source = builder.plan.reads.sources[node][number]
    return x if source.kind == "prev" else value_of(builder, source)


def value_of(builder: Builder, source: Source) -> Expr:
    """The value that a name stands for, which is not `prev`."""
    match source.kind:
        case "input":
            return builder.values[""]
        case "feature":
            return feature(builder, source.key)
        case _:
            return builder.values[source.key.text]


def feature(builder: Builder, key: Template) -> Expr:
    """A value out of the dict."""
    return Index(builder.features, builder.name_in_forward(key))


def variable(builder: Builder, node: Node, stem: str | None = None) -> Local | None:
    """The variable of its own that a value read later gets, called as it or `stem`."""
    reads = builder.plan.reads
    if node not in reads.paths or node.name is None:
        return None
    path = reads.paths[node].text
    if path not in reads.tapped:
        return None
    stem = stem or stem_of_value(node, "value")
    return builder.local(returned_as(builder, path) or stem)


def returned_as(builder: Builder, path: str) -> str | None:
    """What to call a value that the network returns by a name of its own."""
    outputs = builder.plan.reads.outputs.items()
    names = [n for n, s in outputs if s.kind == "value" and s.key.text == path]
    return snake_case(names[0]) if names and path not in names else None


def stem_of_value(node: Node, fallback: str) -> str:
    """What to call a node's value: as the node, parts by their numbers: x1, x2."""
    assert node.name is not None
    stem = stem_of(node.name, fallback)
    if not (isinstance(node, OpNode) and node.op.parts):
        return stem
    number = node.attributes["part"]
    assert isinstance(number, int)
    return f"{stem}{'_' if stem[-1].isdigit() else ''}{number + 1}"


def stem_of_alternatives(nodes: Sequence[Node]) -> str | None:
    """What to call a value that is made by one or the other of some nodes: as far as
    they are called alike, `proj` for `proj_a` and `proj_b`; None if that is nothing."""
    names = {stem_of(n.name, "") for n in nodes if n.name is not None}
    if len(names) < 2:
        return None
    words = zip(*(name.split("_") for name in names), strict=False)
    alike = takewhile(lambda column: len({*column}) == 1, words)
    stem = "_".join(column[0] for column in alike)
    return stem if stem.isidentifier() else None


def remember(builder: Builder, path: Template | None, variable: Expr, y: Shape) -> None:
    if path is None:
        return
    reads = builder.plan.reads
    builder.values[path.text] = variable
    if path.text in reads.saved:
        key = builder.name_in_forward(path)
        builder.forward.append(Assign((Index(builder.features, key),), variable))
    if path.text in reads.measured:
        key = Index(builder.feature_channels, builder.name(path))
        builder.init.append(Assign((key,), builder.tree(y.channels)))
