"""How a tensor's numbers lie in memory, which decides where a view needs a copy.

Strides are counted in numbers, the batch's first. The batch is taken to have more than
one sample: with one, its stride says nothing, and a few more views are possible.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

Strides = tuple[int, ...]
_MANY = 2
_SHAPES = 4096
"""Of how many shapes the answer is remembered; a network has the same ones often."""


@lru_cache(_SHAPES)
def contiguous(dims: tuple[int, ...]) -> Strides:
    """The strides of a tensor whose axes lie in their order; `dims` has no batch."""
    return in_order(dims, range(len(dims) + 1))


def in_order(dims: tuple[int, ...], axes: range | list[int]) -> Strides:
    """The strides where `axes`, the batch counted, lie in this order."""
    sizes = (_MANY, *dims)
    strides, step = [1] * len(sizes), 1
    for axis in reversed(axes):
        strides[axis] = step
        step *= sizes[axis]
    return tuple(strides)


@lru_cache(_SHAPES)
def kept(dims: tuple[int, ...], strides: Strides) -> Strides:
    """What is computed number by number lies as what is read, without its gaps.

    An axis without a step says nothing of the order, and stays where it is among the
    others (ATen/TensorIterator.cpp, `reorder_dimensions`).
    """
    axes = list(range(len(strides)))
    for axis in reversed(axes[:-1]):
        place = axis
        for other in range(axis + 1, len(axes)):
            outer, inner = strides[axes[place]], strides[axes[other]]
            if outer and inner and outer > inner:
                break
            if outer and inner and outer < inner:
                axes[place], axes[other] = axes[other], axes[place]
                place = other
    return in_order(dims, axes)


@lru_cache(_SHAPES)
def channels_last(dims: tuple[int, ...]) -> Strides:
    """The strides of a map whose channels lie closest together."""
    return in_order(dims, [0, *range(2, len(dims) + 1), 1])


@lru_cache(_SHAPES)
def is_channels_last(dims: tuple[int, ...], strides: Strides) -> bool:
    """Whether the channels are what lies closest together, and not all is in order."""
    if len(dims) not in (3, 4) or agree(dims, strides, contiguous(dims)):
        return False
    # a slice of the channels has gaps, and counts as well
    order = [strides[axis] for axis in (1, *range(len(dims), 1, -1), 0)]
    sizes = [dims[0], *reversed(dims[1:]), _MANY]
    least = 1
    for size, stride in zip(sizes, order, strict=True):
        if stride < least:
            return False
        least = stride * size
    return strides[1] == 1


def joined(
    dims: tuple[int, ...], strides: Strides, first: int, last: int
) -> Strides | None:
    """The strides with the axes from `first` to `last` made one, the batch counted.

    None where they do not lie behind each other, so that a view is impossible.
    """
    sizes = (_MANY, *dims)
    axes = [axis for axis in range(first, last + 1) if sizes[axis] != 1]
    for outer, inner in pairwise(axes):
        if strides[outer] != strides[inner] * sizes[inner]:
            return None
    step = strides[axes[-1]] if axes else 1
    return (*strides[:first], step, *strides[last + 1 :])


def viewed(
    dims: tuple[int, ...], strides: Strides, new: tuple[int, ...]
) -> Strides | None:
    """The strides with the same numbers in their order on other axes; None where they
    do not lie so (ATen/TensorUtils.cpp, `computeStride`)."""
    old = [
        (size, stride)
        for size, stride in zip((_MANY, *dims), strides, strict=True)
        if size != 1
    ]
    sizes, found = (_MANY, *new), [1] * (1 + len(new))
    at = len(sizes) - 1
    while old:
        # axes that lie as one, from the last back
        count, near = old.pop()
        while old and old[-1][1] == count * near:
            count *= old.pop()[0]
        covered = 1
        while at >= 0 and (covered < count or sizes[at] == 1):
            found[at] = covered * near
            covered *= sizes[at]
            at -= 1
        if covered != count:
            return None
    return tuple(found)


def expanded(dims: tuple[int, ...], strides: Strides, new: tuple[int, ...]) -> Strides:
    """The strides with axes of one as wide as those of `new`: no step leads along
    them."""
    return (
        strides[0],
        *(
            stride if before == behind else 0
            for before, behind, stride in zip(dims, new, strides[1:], strict=True)
        ),
    )


def split(dims: tuple[int, ...], strides: Strides, first: int, last: int) -> Strides:
    """The strides with one axis made those from `first` to `last` again, the batch
    counted; `dims` are those that come of it."""
    step = strides[first]
    inside: list[int] = []
    for size in reversed((_MANY, *dims)[first : last + 1]):
        inside.append(step)
        step *= size
    return (*strides[:first], *reversed(inside), *strides[first + 1 :])


def agree(dims: tuple[int, ...], one: Strides, other: Strides) -> bool:
    """Whether numbers lie the same way; an axis of one has no say."""
    sizes = (_MANY, *dims)
    return all(
        a == b for a, b, size in zip(one, other, sizes, strict=True) if size != 1
    )
