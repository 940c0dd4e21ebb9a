"""Axes: joined, parted, in another order, gone."""

from __future__ import annotations

from collections.abc import Collection
from math import prod
from typing import Any

from archc.importing.attributes import laid_out
from archc.importing.functions.axes import (
    but_ones,
    in_groups,
    laid_before,
    move_ones,
)
from archc.importing.functions.statistics import averaged
from archc.importing.reader import INPUTS, Reader, Refused, rule
from archc.importing.trace import BATCH, Sizes, Value
from archc.spec.expressions import is_sequence


@rule("torch.flatten")
def _flatten(call: Reader) -> None:
    start = call.axis(call.settings.get("start_dim", 0))
    end = call.axis(call.settings.get("end_dim", -1))
    if start >= end:
        call.nothing()
        return
    attributes: dict[str, Any] = {}
    if start != 1:
        attributes["start_dim"] = start
    if end != call.rank - 1:
        attributes["end_dim"] = end
    call.make("flatten", attributes)


@rule("torch.Tensor.reshape", "torch.Tensor.view", "torch.reshape",
       "torch.Tensor.unsqueeze", "torch.unsqueeze", "torch.Tensor.squeeze",
       "torch.squeeze", "torch.Tensor.view_as", "torch.Tensor.reshape_as")  # fmt: skip
def reshaped(call: Reader) -> None:
    if call.is_parameter_view():
        return
    before = call.sizes(call.input)
    batch, *after = call.graph.trace.shapes[call.call.makes[0]]
    if batch != BATCH:
        raise Refused("it lays samples of a batch out on other axes")
    sizes = tuple(after)
    if not sizes:
        raise Refused("it leaves a single number of a sample, without any axis")
    varying = call.graph.varying.get(call.call.makes[0], ())
    if sizes == before:
        call.nothing()
    elif (source := laid_before(call, call.input, sizes)) is not None:
        call.graph.same[call.call.makes[0]] = source
    elif len(sizes) == 1:
        call.make("flatten")
    elif (flat := _flattened(before, sizes)) is not None:
        call.make("flatten", flat)
    elif (split := _unflattened(before, sizes, varying)) is not None:
        call.make("unflatten", split)
    elif len(varying) > 1 and but_ones(before) == but_ones(sizes):
        move_ones(call, call.input, sizes)
    else:
        call.make("reshape", {"sizes": laid_out(sizes, varying)})


def _unflattened(
    before: Sizes, after: Sizes, varying: Collection[int]
) -> dict[str, Any] | None:
    """The axis that was made several, where nothing else happened."""
    more = len(after) - len(before)
    if more < 1:
        return None
    for dim, size in enumerate(before):
        parts = after[dim : dim + more + 1]
        whole = (*after[:dim], prod(parts), *after[dim + more + 1 :])
        if whole == before and size > 1 and 1 not in parts:
            inside = [n - dim for n in varying if n - dim in range(len(parts))]
            return {"dim": dim + 1, "unflattened_size": laid_out(parts, inside)}
    return None


def _flattened(before: Sizes, after: Sizes) -> dict[str, Any] | None:
    """The axes that were joined, where nothing else happened."""
    joined = len(before) - len(after)
    if joined < 1:
        return None
    for start in range(len(after)):
        end = start + joined
        whole = (*before[:start], prod(before[start : end + 1]), *before[end + 1 :])
        if whole == after:
            last = {} if end == len(before) - 1 else {"end_dim": end + 1}
            return {"start_dim": start + 1, **last}
    return None


@rule("torch.Tensor.unflatten", "torch.unflatten")
def _unflatten(call: Reader) -> None:
    reshaped(call)


@rule("torch.Tensor.expand", "torch.Tensor.expand_as", "torch.broadcast_to")
def _expand(call: Reader) -> None:
    # merges spread it themselves; for whatever else reads it, it is made an op
    call.graph.same[call.call.makes[0]] = call.input
    call.graph.spread[call.call.makes[0]] = call.call


@rule("torch.permute", "torch.Tensor.permute")
def _permute(call: Reader) -> None:
    dims = call.settings["dims"]
    dims = [call.axis(d) for d in (dims if is_sequence(dims) else (dims,))]
    if dims == sorted(dims):
        call.nothing()
    else:
        call.make("permute", {"dims": dims})


@rule("torch.Tensor.transpose", "torch.transpose", "torch.swapaxes",
       "torch.Tensor.swapaxes", "torch.Tensor.swapdims")  # fmt: skip
def _transpose(call: Reader) -> None:
    first, second = call.axis(call.given("dim0", 1)), call.axis(call.given("dim1", 2))
    call.make("transpose", {"dim0": first, "dim1": second})


@rule("torch.Tensor.movedim", "torch.movedim", "torch.Tensor.moveaxis",
       "torch.moveaxis")  # fmt: skip
def _movedim(call: Reader) -> None:
    source, target = call.given("source", 1), call.given("destination", 2)
    if is_sequence(source) or is_sequence(target):
        raise Refused("it moves several axes at once")
    order = [n for n in range(call.rank) if n != call.axis(source)]
    order.insert(call.axis(target), call.axis(source))
    if order == sorted(order):
        call.nothing()
    else:
        call.make("permute", {"dims": order})


@rule("torch.max", "torch.Tensor.max")
def _max(call: Reader) -> None:
    dim = call.given("dim", 1)
    if isinstance(call.given("other", 1), Value):
        larger(call)
        return
    if not isinstance(dim, int):
        raise Refused("it takes the largest number of all, those of other samples too")
    keepdim = {"keepdim": True} if call.given("keepdim", 2) else {}
    call.make("amax", {"dim": call.axis(dim), **keepdim})


@rule("torch.maximum", "torch.Tensor.maximum", "torch.fmax")
def larger(call: Reader) -> None:
    """The larger of two values: the largest of two groups of channels, to the bit."""
    other = call.given("other", 1)
    if not isinstance(other, Value):
        raise Refused(f"`{call.call.function}` takes the larger of a value and a"
                      " parameter, which no op does")  # fmt: skip
    reads = call.input, call.graph.value(other.number)
    shapes = [*map(call.shape_of, reads)]
    if shapes[0].sizes != shapes[1].sizes or {s.channel_axis for s in shapes} != {0}:
        raise Refused(f"`{call.call.function}` takes the larger of values of"
                      f" {shapes[0].sizes} and {shapes[1].sizes}, and ops that of"
                      " groups of channels of one shape")  # fmt: skip
    both = in_groups(call, reads, last=False)
    call.make("amax", {"dim": 1}, reads=(both,))


@rule("torch.Tensor.mT.__get__")
def _matrix_transpose(call: Reader) -> None:
    call.make("transpose", {"dim0": call.rank - 2, "dim1": call.rank - 1})


@rule("torch.Tensor.mean", "torch.mean", "torch.Tensor.sum", "torch.sum",
       "torch.Tensor.amax", "torch.amax")  # fmt: skip
def _reduced(call: Reader) -> None:
    op = call.call.function.rpartition(".")[2]
    dim = call.settings.get("dim")
    if dim is None or call.settings.get("dtype") is not None:
        raise Refused(f"`{op}` over all axes, the batch among them")
    stacked = _stacked(call, dim)
    if stacked is not None and op in ("sum", "mean"):
        total = call.make("add", reads=stacked, last=op == "sum")
        if op == "mean":
            call.make("scale", {"factor": 1 / len(stacked)}, reads=(total,))
        return
    dims = [call.axis(d) for d in (dim if is_sequence(dim) else (dim,))]
    keeps = bool(call.settings.get("keepdim"))
    if op == "mean":
        averaged(call, call.input, dims, keeps=keeps, last=True)
        return
    attributes: dict[str, Any] = {"dim": dims[0] if len(dims) == 1 else sorted(dims)}
    if keeps:
        attributes["keepdim"] = True
    call.make(op, attributes)


def _stacked(call: Reader, dim: Any) -> tuple[int, ...] | None:
    """The values of one shape that were stacked before the channels, where this is the
    axis, which goes."""
    (axis, *more) = dim if is_sequence(dim) else (dim,)
    if axis != 1 or more or call.settings.get("keepdim"):
        return None
    groups = call.graph.maker(call.input)
    if groups is None or groups.op != "unflatten":
        return None
    joined = call.graph.maker(call.graph.value(groups.reads[0]))
    if joined is None or joined.op != "concat" or groups.attributes["dim"] != 1:
        return None
    read = {call.settings[n] for n in INPUTS if n in call.settings}
    if sum(other.reads(read) for other in call.graph.trace.calls) > 1:
        return None  # others read it as a whole
    parts = tuple(map(call.graph.value, joined.reads))
    wanted = call.graph.trace.shapes[call.call.makes[0]][1:]
    return parts if {call.sizes(n) for n in parts} == {wanted} else None
