"""Means and variances, and what is normalised by them without an op's help."""

from __future__ import annotations

from math import prod
from typing import Any

from archc.importing.nodes import Graph, Node
from archc.importing.reader import Reader, Refused, rule
from archc.importing.trace import Param
from archc.spec.expressions import is_sequence

_OVER_CHANNELS: dict[str, Any] = {"dim": 1, "keepdim": True}


def averaged(
    call: Reader, read: int, dims: list[int], *, keeps: bool, last: bool = False
) -> int:
    """The mean of a value over axes, counted from the batch, which stay as ones where
    it `keeps` them."""
    on_map = len(call.sizes(read)) == 3 and call.shape_of(read).channel_axis == 0
    if sorted(dims) == [2, 3] and on_map:
        # which is what torch pools a whole map by, to the bit
        whole, ends = {"output_size": 1}, keeps and last
        made = call.make("adaptive_avg_pool2d", whole, reads=(read,), last=ends)
        return made if keeps else call.make("flatten", reads=(made,), last=last)
    over = dims[0] if len(dims) == 1 else sorted(dims)
    attributes = {"dim": over} | ({"keepdim": True} if keeps else {})
    return call.make("mean", attributes, reads=(read,), last=last)


@rule("torch.var", "torch.Tensor.var", "torch.std", "torch.Tensor.std")
def _variance(call: Reader) -> None:
    """The mean of the squares of what is above or below the mean."""
    dim = call.given("dim", 1)
    if dim is None or isinstance(dim, bool):
        raise Refused(f"`{call.call.function}` over all axes, the batch among them")
    dims = [call.axis(d) for d in (dim if is_sequence(dim) else (dim,))]
    if 0 in dims:
        raise Refused(f"`{call.call.function}` over the samples of a batch")
    less = int(call.settings.get("correction", call.given("unbiased", 2, True)))
    count = prod(call.sizes(call.input)[axis - 1] for axis in dims)
    if count <= less:
        raise Refused(f"`{call.call.function}` of a single number")
    mean = averaged(call, call.input, dims, keeps=True)
    centred = call.make("sub", reads=(call.input, mean), last=False)
    squares = call.make("pow", {"exponent": 2}, reads=(centred,), last=False)
    is_root = call.call.function.endswith("std")
    keeps = bool(call.given("keepdim", 3, False))
    found = averaged(call, squares, dims, keeps=keeps, last=not less and not is_root)
    if less:
        factor = {"factor": count / (count - less)}
        found = call.make("scale", factor, reads=(found,), last=not is_root)
    if is_root:
        call.make("sqrt", reads=(found,))


def ends_layer_norm(call: Reader, read: int, bias: Param) -> bool:
    """Makes a layer norm over the channels of a map, if this is written out and ends as
    its bias is added, as in the code of ConvNeXt; whether it is."""
    graph = call.graph
    scaled = _before_turn(graph, graph.maker(read))
    owner = bias.key.removesuffix("bias").removesuffix(".")
    prefix = f"{owner}." if owner else ""
    weight = f"{prefix}weight"
    if scaled is None or scaled.op != "layer_scale" or scaled.key != weight:
        return False
    shapes = {call.tensors[key].shape for key in (bias.key, weight)}
    divided = _before_turn(graph, graph.maker(graph.value(scaled.reads[0])))
    found = None if divided is None else _normalised(graph, divided)
    if found is None or bias.key != f"{prefix}bias" or len(call.sizes(found[0])) != 3:
        return False
    source, eps = found
    if shapes != {(call.sizes(source)[0],)}:
        return False
    call.make("layer_norm2d", {"eps": eps}, reads=(source,), key=owner)
    return True


def _before_turn(graph: Graph, node: Node | None) -> Node | None:
    """The op behind which channels were put last, or first again, for their factors."""
    if node is None or node.op != "permute":
        return node
    return graph.maker(graph.value(node.reads[0]))


def _normalised(graph: Graph, node: Node) -> tuple[int, float] | None:
    """The value that a node brings to a mean of 0 and a variance of 1 over its
    channels, and what is added to the variance."""
    if node.op not in ("div", "mul") or len(node.reads) != 2:
        return None
    source = _centred(graph, node.reads[0])
    root = graph.maker(graph.value(node.reads[1]))
    wanted = [("sqrt", None), ("pow", 0.5)] if node.op == "div" else [("pow", -0.5)]
    if root is None or (root.op, root.attributes.get("exponent")) not in wanted:
        return None
    shifted = graph.maker(graph.value(root.reads[0]))
    if source is None or shifted is None or shifted.op != "shift":
        return None
    mean = _read_by(graph, shifted, "mean", _OVER_CHANNELS)
    square = mean and _read_by(graph, mean, "pow", {"exponent": 2})
    if square is None or _centred(graph, square.reads[0]) != source:
        return None
    return source, shifted.attributes["offset"]


def _centred(graph: Graph, value: int) -> int | None:
    """The value whose mean over its channels was taken away from it."""
    node = graph.maker(graph.value(value))
    if node is None or node.op != "sub":
        return None
    source, mean = map(graph.value, node.reads)
    taken = graph.maker(mean)
    if taken is None or (taken.op, taken.attributes) != ("mean", _OVER_CHANNELS):
        return None
    return source if graph.value(taken.reads[0]) == source else None


def _read_by(
    graph: Graph, node: Node, op: str, attributes: dict[str, Any]
) -> Node | None:
    """The op whose value a node reads, if it is this one."""
    found = graph.maker(graph.value(node.reads[0]))
    if found is None or found.op != op or found.attributes != attributes:
        return None
    return found
