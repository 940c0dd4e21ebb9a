"""What is stacked before the batch: the same work, with that axis behind it."""

from __future__ import annotations

from archc.importing.functions.axes import in_groups
from archc.importing.reader import JOINED, STACKED, Reader, Refused, rule
from archc.importing.trace import Value
from archc.spec.expressions import is_sequence

_SOFTMAX = ("torch.softmax", "torch.Tensor.softmax", "torch.nn.functional.softmax")
_MUL = ("torch.mul", "torch.Tensor.mul", "torch.Tensor.__mul__")
_SUMS = ("torch.sum", "torch.Tensor.sum", "torch.mean", "torch.Tensor.mean")
_TURNS = ("torch.transpose", "torch.Tensor.transpose", "torch.permute",
          "torch.Tensor.permute")  # fmt: skip


@rule(*_SOFTMAX, among=STACKED)
def _softmax(call: Reader) -> None:
    if call.given("dim", 1) != 0:
        raise Refused(JOINED)
    (value,) = _values(call)
    _give(call, call.make("softmax", {"dim": 1}, reads=(value,), last=False))


@rule(*_MUL, among=STACKED)
def _mul(call: Reader) -> None:
    _give(call, call.make("mul", reads=_values(call), last=False))


@rule(*_SUMS, among=STACKED)
def _sum(call: Reader) -> None:
    """The sum of the parts, where these are all that is known."""
    graph, op = call.graph, call.call.function.rpartition(".")[2]
    if call.settings.get("dim", call.given("dim", 1)) not in (0, (0,)):
        raise Refused(JOINED)
    (number,) = _numbers(call)
    parts = graph.stacked[number]
    if not parts:
        keeps = {"keepdim": True} if call.settings.get("keepdim") else {}
        call.make(op, {"dim": 1} | keeps, reads=_values(call))
    elif len(parts) == 1:
        graph.same[call.call.makes[0]] = parts[0]
    else:
        total = call.make("add", reads=parts, last=op == "sum")
        if op == "mean":
            call.make("scale", {"factor": 1 / len(parts)}, reads=(total,))


@rule(*_TURNS, among=STACKED)
def _turned(call: Reader) -> None:
    dims = call.settings.get("dims", (call.given("dim0", 1), call.given("dim1", 2)))
    rank = len(call.graph.trace.shapes[call.call.makes[0]])
    behind = [1, 0, *range(2, rank)]
    pair = {*dims} == {0, 1} if len(dims) == 2 else [*dims] == behind
    if not is_sequence(dims) or not pair:
        raise Refused(JOINED)
    (call.graph.same[call.call.makes[0]],) = _values(call)


def _numbers(call: Reader) -> list[int]:
    values = [v for v in call.settings.values() if isinstance(v, Value)]
    return [call.graph.value(v.number) for v in values]


def _values(call: Reader) -> tuple[int, ...]:
    """What is read, with the axis of the stack behind the batch."""
    graph = call.graph
    for number in _numbers(call):
        if number in graph.groups:
            continue
        parts = graph.stacked[number]
        if any(call.shape_of(part).channel_axis != 0 for part in parts):
            raise Refused(JOINED)
        graph.groups[number] = in_groups(call, parts, last=False)
    return tuple(graph.groups[number] for number in _numbers(call))


def _give(call: Reader, value: int) -> None:
    made = call.call.makes[0]
    call.graph.stacked[made], call.graph.groups[made] = (), value
