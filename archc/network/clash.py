"""Reports values that cannot be merged, with how each came to its shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from archc.diagnostics.model import Label, Place, Sink
from archc.network.graph import Layer, Region, Value
from archc.ops.base import Shape, ShapeError
from archc.spec.model import Node, OpNode, Origin


def branch_clash(sink: Sink, error: ShapeError, region: Region) -> None:
    """Points at the branch that differs from the others, else at the merge."""
    branches = [p for p in region.parts if isinstance(p, Region)]
    ends = [_size(b.output.shape) for b in branches]
    common, votes = Counter(ends).most_common(1)[0]
    odd = [b for b, end in zip(branches, ends, strict=True) if end != common]
    assert region.node is not None
    start = region.input.shape
    if len(branches) == 2 and start is not None:
        # of two, the one that left the size of what both read
        left = [b for b, end in zip(branches, ends, strict=True) if end != _size(start)]
        odd = left if len(left) == 1 else odd
    if len(odd) == 1 and (votes > 1 or len(branches) == 2):
        place, how = _last_change(odd[0])
        others = [b for b in branches if b is not odd[0]]
        sink.error(
            "merge-mismatch",
            f"branches do not fit together: this one gives {odd[0].output.shape},"
            f" {'the other' if len(others) == 1 else 'the others'}"
            f" {_plain_size(others[0].output.shape, region.merge)}",
            place,
            *(Label(_start(b), f"this one gives {b.output.shape}") for b in others[:3]),
            Label(region.node.origin.at("merge"), f"merged here: {region.merge}"),
            help=f"{how}; {error.help}" if error.help else how,
        )
        return
    sink.error(
        "merge-mismatch",
        error.message,
        region.node.origin.at("merge"),
        *(Label(_last_change(b)[0], f"{b.output.shape}: {_last_change(b)[1]}") for b in branches[:4]),
        help=error.help,
    )


def skip_clash(sink: Sink, error: ShapeError, skip: Region, side: Value) -> None:
    """Points at the `skip`, with the body and the shortcut as further places."""
    body = next(p for p in skip.parts if isinstance(p, Region) and p.kind == "body")
    shortcuts = [p for p in skip.parts if isinstance(p, Region) and p.kind == "shortcut"]
    assert skip.node is not None
    place, how = _last_change(body)
    labels = [Label(place, f"the body gives {body.output.shape}: {how}")]
    if shortcuts and shortcuts[0].parts:
        side_place, how = _last_change(shortcuts[0])
        labels.append(Label(side_place, f"the shortcut gives {side.shape}: {how}"))
    elif skip.node.shortcut is not None:
        labels.append(
            Label(
                skip.node.shortcut.origin.at("when"),
                f"the shortcut is left out here, so the skip is {side.shape}",
            )
        )
    else:
        labels.append(Label(skip.node.origin.at("skip", part="item"), f"the skip is {side.shape}"))
    advice = (
        "make the shortcut give the body's shape"
        if shortcuts
        else "give it a `shortcut`, a 1x1 convolution with the body's stride and channels,"
        " or keep the shape in the body"
    )
    verb = {"add": "add", "concat": "concatenate", "mul": "multiply"}[skip.merge or "add"]
    sink.error(
        "skip-mismatch",
        f"cannot {verb} the body, {body.output.shape}, and the skip, {side.shape}",
        skip.node.origin.at("skip"),
        *labels,
        help=advice,
    )


def read_clash(
    sink: Sink, error: ShapeError, node: OpNode, inputs: Sequence[Value]
) -> None:
    """Points at a merge op's `from`, with the nodes it reads as further places."""
    labels: list[Label] = []
    assert node.reads is not None
    for value, name in zip(inputs, node.reads, strict=True):
        if value.layer is not None:
            place = _node_place(value.layer.node)
            labels.append(Label(place, f"`{name.text}` is {value.shape}"))
    sink.error(
        error.code, error.message, node.origin.at("from"), *labels, help=error.help
    )


def _size(shape: Shape | None) -> tuple[object, ...]:
    return () if shape is None else shape.dims[1:]


def _plain_size(shape: Shape | None, merge: str | None) -> str:
    assert shape is not None
    return f"{shape}"


def _start(region: Region) -> Place:
    assert region.node is not None
    return _node_place(region.node)


def _node_place(node: Node) -> Place:
    origin = node.origin
    table = _table(origin)
    for key in ("name", "op", "block"):
        if isinstance(table, dict) and key in table:
            return origin.at(key)
    return origin.at()


def _table(origin: Origin) -> object:
    table: object = origin.merged.data
    for key in origin.path:
        table = table[key]  # type: ignore[index]
    return table


def _last_change(region: Region) -> tuple[Place, str]:
    """The last node of a path that changed the size of the map, and how."""
    steps = list(_steps(region))
    for part in reversed(steps):
        before, after = _before(part), part.output.shape
        if before is not None and after is not None and _size(before) != _size(after):
            assert part.node is not None
            return _node_place(part.node), f"{before} became {after} here"
    for part in reversed(steps):
        before, after = _before(part), part.output.shape
        if before is not None and after is not None and before != after:
            assert part.node is not None
            return _node_place(part.node), f"{before} became {after} here"
    return _start(region), "it keeps what it reads"


def _before(part: Layer | Region) -> Shape | None:
    return part.inputs[0].shape if isinstance(part, Layer) else part.input.shape


def _steps(region: Region) -> list[Layer | Region]:
    """What stands in a row in a region, with groups opened; blocks are one step."""
    steps: list[Layer | Region] = []
    for part in region.parts:
        if isinstance(part, Region) and part.kind in ("group", "iteration", "repeat"):
            steps.extend(_steps(part))
        else:
            steps.append(part)
    return steps
