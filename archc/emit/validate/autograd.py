"""What PyTorch's autograd does with the values that an op reads and makes."""

from __future__ import annotations

from archc.ops.base import Op, Shape
from archc.ops.steps import Device

OUTPUT = -1
_DEVICES: tuple[Device, ...] = ("cpu", "cuda")


def shares_memory(op: Op, x: Shape) -> bool:
    """Whether the output may lie in the memory of the input, on any device."""
    if op.aliases or type(op).steps is Op.steps or op.has_inplace:
        return op.aliases
    y = op.infer(x)
    return any(
        step.shares and 0 in step.reads
        for device in _DEVICES
        for step in op.steps((x,), y, device=device, inplace=False)
    )


def kept(
    op: Op, inputs: tuple[Shape, ...], y: Shape, *, in_place: bool
) -> frozenset[int]:
    """Which inputs the backward pass needs, by number, and `OUTPUT` for the output."""
    found: set[int] = set()
    for device in _DEVICES:
        steps = op.steps(inputs, y, device=device, inplace=in_place)
        # tensors are numbered: the inputs, then what each step gives
        last = len(inputs) + len(steps) - 1
        for step in steps:
            found.update(n for n in step.keeps if n < len(inputs))
            if last in step.keeps:
                found.add(OUTPUT)
    return frozenset(found)
