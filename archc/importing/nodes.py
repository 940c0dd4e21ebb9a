"""What a network computes as ops of the language, each with what it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archc.importing.trace import Call, Param, Refusal, Trace
from archc.ops.sizes import Shape


@dataclass(slots=True, eq=False)
class Node:
    """One op."""

    op: str
    attributes: dict[str, Any]
    """Those that differ from the op's defaults."""
    reads: tuple[int, ...]
    makes: int
    key: str | None
    """The path of its tensors in the `state_dict`; None if it has none."""
    use: int
    """The innermost use of a module in which it stands."""
    call: Call


@dataclass(slots=True)
class Graph:
    """A trace as ops: values are numbered as there, and further on."""

    trace: Trace
    nodes: list[Node] = field(default_factory=list[Node])
    shapes: dict[int, Shape] = field(default_factory=dict[int, Shape])
    """Of each value, without its batch."""
    same: dict[int, int] = field(default_factory=dict[int, int])
    """Values that are others, because what made them changes nothing."""
    views: dict[int, Param] = field(default_factory=dict[int, Param])
    """Values that are a parameter with other axes."""
    padded: dict[int, tuple[int, list[int]]] = field(
        default_factory=dict[int, tuple[int, list[int]]]
    )
    """Values that are others with minus infinity around, on so many sides."""
    stacked: dict[int, tuple[int, ...]] = field(
        default_factory=dict[int, "tuple[int, ...]"]
    )
    """Values that are others along an axis before the batch; of what was computed of
    them, nothing but its groups is known."""
    groups: dict[int, int] = field(default_factory=dict[int, int])
    """Such values with this axis behind the batch."""
    spread: dict[int, Call] = field(default_factory=dict[int, Call])
    """Values that are others with axes of one made wide, by the calls that do it."""
    varying: dict[int, tuple[int, ...]] = field(
        default_factory=dict[int, "tuple[int, ...]"]
    )
    """The axes of a value's samples that are as large as the input makes them."""
    zeros: set[int] = field(default_factory=set[int])
    """Values all of whose numbers are 0, or that have none."""
    unread: list[int] = field(default_factory=list[int])
    """Values that nothing reads, and no output is."""
    own: dict[str, dict[str, Any]] = field(default_factory=dict[str, Any])
    """Ops that are none of the language's, by what `[ops.NAME]` says of them."""
    refused: list[Refusal] = field(default_factory=list[Refusal])

    def maker(self, number: int) -> Node | None:
        """The op that makes a value; None of an input."""
        return next((n for n in reversed(self.nodes) if n.makes == number), None)

    def value(self, number: int) -> int:
        """The value that this one is."""
        while number in self.same:
            number = self.same[number]
        return number
