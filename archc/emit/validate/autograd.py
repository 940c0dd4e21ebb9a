"""What PyTorch's autograd does with the values that an op reads and makes."""

from __future__ import annotations

from archc.ops.base import Op
from archc.ops.sizes import Shape
from archc.ops.steps import Device, source

OUTPUT = -1
_DEVICES: tuple[Device, ...] = ("cpu", "cuda")


def shares_memory(op: Op, x: Shape) -> bool:
    """Whether the output may lie in the memory of the input, on any device."""
    if op.aliases or type(op).steps is Op.steps or op.has_inplace:
        return op.aliases
    y = op.infer(x)
    return any(
        source(len(steps), 1, steps) == 0
        for device in _DEVICES
        for steps in [op.steps((x,), y, device=device, inplace=False)]
    )


def kept(
    op: Op, inputs: tuple[Shape, ...], y: Shape, *, in_place: bool
) -> frozenset[int]:
    """Which inputs the backward pass needs, by number, and `OUTPUT` for the output."""
    found: set[int] = set()
    count = len(inputs)
    for device in _DEVICES:
        steps = op.steps(inputs, y, device=device, inplace=in_place)
        # tensors are numbered: the inputs, then what each step gives
        last = source(count + len(steps) - 1, count, steps)
        for step in steps:
            sources = [source(n, count, steps) for n in step.keeps]
            found.update(n for n in sources if n < count)
            if last >= count and last in sources:
                found.add(OUTPUT)
    return frozenset(found)
