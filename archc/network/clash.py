"""Reports values that cannot be merged, with how each came to its shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archc.diagnostics.model import Label, Place, Sink
from archc.network.channels import lost_here
from archc.network.decoders import missed, unlike_inputs
from archc.network.graph import Layer, Region, Value
from archc.network.projection import needs_shortcut
from archc.ops.registry import merge_op
from archc.ops.sizes import Shape, ShapeError
from archc.spec.expressions import Expr
from archc.spec.model import Node, OpNode

_Part = Layer | Region
_WINDOW = ("kernel_size", "padding", "dilation")


def branch_clash(sink: Sink, error: ShapeError, region: Region) -> None:
    """Points at the branch that differs from the others, else at the merge."""
    branches = [p for p in region.parts if isinstance(p, Region)]
    assert region.node is not None
    merge = region.node.origin.at("merge")
    causes, mends = _missed([branch.output for branch in branches])
    if error.code != "merge-mismatch":
        sink.error(error.code, error.message, merge, help=error.help)
        return
    odd = _odd_branch(region, branches)
    if odd is None:
        sink.error(
            "merge-mismatch",
            error.message,
            merge,
            *(
                Label(change.place, f"{b.output.shape}: {change.text}")
                for b in branches[:4]
                for change in (_last_change(b),)
            ),
            *causes,
            help="; or ".join(mends) or error.help,
        )
        return
    change = _last_change(odd)
    others = [b for b in branches if b is not odd]
    rest = "the other" if len(others) == 1 else "the others"
    sink.error(
        "merge-mismatch",
        f"branches do not fit together: this one gives {odd.output.shape},"
        f" {rest} {others[0].output.shape}",
        change.place,
        *(Label(_start(b), f"this one gives {b.output.shape}") for b in others[:3]),
        *change.inside(odd),
        *causes,
        Label(merge, f"merged here: {region.merge}"),
        help="; or ".join(mends)
        or (f"{change.text}; {error.help}" if error.help else change.text),
    )


def _odd_branch(region: Region, branches: list[Region]) -> Region | None:
    """The one branch to blame, if there is one."""
    start = region.input.shape
    ends = [_merged_size(b.output.shape, region.merge) for b in branches]
    votes = Counter(ends).most_common(2)
    if len(branches) > 2 and votes[0][1] == len(branches) - 1:
        return branches[ends.index(votes[1][0])]
    if start is None:
        return None
    crooked = [b for b in branches if not _regular(start, b.output.shape)]
    if len(crooked) == 1:
        return crooked[0]
    left = [b for b in branches if _size(b.output.shape) != _size(start)]
    return left[0] if len(branches) == 2 and len(left) == 1 else None


def skip_clash(sink: Sink, error: ShapeError, skip: Region, side: Value) -> None:
    """Points at what probably has to change: a window in the body or the shortcut."""
    node = skip.node
    assert node is not None and skip.merge is not None
    body = next(p for p in skip.parts if isinstance(p, Region) and p.kind == "body")
    shortcuts = [
        p
        for p in skip.parts
        if isinstance(p, Region) and p.kind == "shortcut" and p.parts
    ]
    here = node.origin.at("skip")
    if error.code != "merge-mismatch":
        sink.error(error.code, error.message, here, help=error.help)
        return
    of_body = _last_change(body)
    body_label = f"the body gives {body.output.shape}: {of_body.text}"
    labels = [Label(of_body.place, body_label), *of_body.inside(body)]
    help = "make the shortcut give the body's shape, by its stride and out_channels"
    if shortcuts:
        of_side = _last_change(shortcuts[0])
        side_label = f"the shortcut gives {side.shape}: {of_side.text}"
        labels += [Label(of_side.place, side_label), *of_side.inside(shortcuts[0])]
        place = of_side.place
    elif node.shortcut is not None:
        place = node.shortcut.origin.at("when")
        labels.append(Label(place, f"it is left out here, so the skip is {side.shape}"))
        help = "keep the shortcut wherever the body changes the shape"
    else:
        place = here
        labels.append(Label(here, f"the skip is {side.shape}"))
        help = needs_shortcut(node, skip.input.shape, body.output.shape)
    start = skip.input.shape
    crooked = not _regular(start, body.output.shape)
    if crooked and (not shortcuts or _regular(start, side.shape)):
        place = of_body.place
        help = "look at this window's padding: no stride gives such a size"
    causes, mends = missed(side, body.output)
    labels += causes
    help = "; or ".join(mends) or help
    if all(label.place != here for label in labels):
        labels.append(Label(here, "merged here"))
    sink.error(
        "skip-mismatch",
        f"cannot {merge_op(skip.merge).verb} the body, {body.output.shape}, and the"
        f" skip, {side.shape}",
        place,
        *labels,
        help=help,
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
    causes, mends = _missed(inputs)
    if error.code == "no-channels":
        labels += [label for value in inputs for label in lost_here(value)]
    help = "; or ".join(mends) or unlike_inputs(inputs) or error.help
    place = node.origin.at("from")
    sink.error(error.code, error.message, place, *labels, *causes, help=help)


def _missed(inputs: Sequence[Value]) -> tuple[list[Label], list[str]]:
    """Why the first two that differ in size do so, where one of them was enlarged."""
    first, *others = inputs
    for other in others:
        causes, mends = missed(first, other)
        if causes or mends:
            return causes, mends
    return [], []


@dataclass(frozen=True, slots=True)
class _Change:
    """Where on its way a value got the size that it has."""

    place: Place
    text: str
    in_block: bool = False

    def inside(self, region: Region) -> list[Label]:
        """A label at the path itself, where the place is in a block's definition."""
        if not self.in_block:
            return []
        return [
            Label(_start(region), f"on this path, which gives {region.output.shape}")
        ]


def _last_change(region: Region) -> _Change:
    """The last node of a path that changed the size of the map, else its channels."""
    steps = list(_steps(region))
    for what in (_size, _dims):
        for part in reversed(steps):
            before, after = _before(part), part.output.shape
            if before is not None and after is not None and what(before) != what(after):
                assert part.node is not None
                text = f"{before} became {after} here"
                inner = _in_definition(part)
                place = _node_place(part.node if inner is None else inner)
                return _Change(place, text, inner is not None)
    return _Change(_start(region), "it keeps what it reads")


def _in_definition(part: _Part) -> Node | None:
    """The op in a block's definition that changed the size, if no argument decides it.

    None where the block's use is to blame.
    """
    if isinstance(part, Layer) or part.kind != "block":
        return None
    for inner in reversed(list(_steps(part))):
        before, after = _before(inner), inner.output.shape
        if before is None or after is None or _size(before) == _size(after):
            continue
        deeper = _in_definition(inner)
        if deeper is not None:
            return deeper
        node = inner.node
        if isinstance(inner, Region) or not isinstance(node, OpNode):
            return None
        keys = _WINDOW if not _regular(before, after) else (*_WINDOW, "stride")
        given = (node.attributes.get(key) for key in keys)
        return None if any(isinstance(value, Expr) for value in given) else node
    return None


def _regular(before: Shape | None, after: Shape | None) -> bool:
    """Whether strides alone explain a map's size: a half or a third, rounded up."""
    if before is None or after is None or len(before.dims) != len(after.dims):
        return True
    for was, now in zip(_size(before), _size(after), strict=True):
        times = -(-was // max(now, 1))
        if now <= was and -(-was // times) != now:
            return False
    return True


def _merged_size(shape: Shape | None, merge: str | None) -> tuple[int, ...]:
    """What has to agree: all of it, or all but the channels."""
    stacks = merge is not None and merge_op(merge).stacks_channels
    return _size(shape) if stacks else _dims(shape)


def _size(shape: Shape | None) -> tuple[int, ...]:
    return () if shape is None else shape.sizes[1:]


def _dims(shape: Shape | None) -> tuple[int, ...]:
    return () if shape is None else shape.sizes


def _start(region: Region) -> Place:
    assert region.node is not None
    return _node_place(region.node)


def _node_place(node: Node) -> Place:
    table = node.origin.value()
    for key in ("name", "op", "block"):
        if isinstance(table, dict) and key in table:
            return node.origin.at(key)
    return node.origin.at()


def _before(part: _Part) -> Shape | None:
    return part.inputs[0].shape if isinstance(part, Layer) else part.input.shape


def _steps(region: Region) -> Iterator[_Part]:
    """What stands in a row in a region, with groups opened; blocks are one step."""
    for part in region.parts:
        if isinstance(part, Region) and part.kind in ("group", "iteration", "repeat"):
            yield from _steps(part)
        else:
            yield part
