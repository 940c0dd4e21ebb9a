"""What the parts of an elaboration share: how far it is, and what it has made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from archc.diagnostics.model import Sink
from archc.network.graph import Claim, Layer, Region, Value
from archc.network.size import MAX_NODES
from archc.spec.model import Node, Spec

MAX_DEPTH = 60


class TooLarge(Exception):
    """Elaboration was stopped; the reason has been reported."""


class Mark(NamedTuple):
    """How far a walk was, to tell what came since."""

    visits: int
    claims: int
    entered: int
    reported: int


@dataclass(slots=True)
class Walk:
    """One walk over a spec."""

    spec: Spec
    sink: Sink
    visits: int = 0
    claims: list[Claim] = field(default_factory=list[Claim])
    read_values: set[Value] = field(default_factory=set[Value])
    instances: Counter[str] = field(default_factory=Counter[str])
    """How many instances of each block there are."""
    blind: Counter[str] = field(default_factory=Counter[str])
    """How many of them read an unknown value, or have a known mistake in them."""
    entered: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """Which blocks were entered, in that order, and how often at once."""
    looking: bool = False
    """Whether blocks that the network does not have are looked into."""
    parts: list[Layer | Region] = field(default_factory=list[Layer | Region])
    """Where what is made goes."""
    repeating: list[Node] = field(default_factory=list[Node])
    _depth: int = 0

    @contextmanager
    def inside(self, region: Region, parent: Region | None = None) -> Generator[None]:
        """What is made meanwhile goes into `region`, and `region` into its parent."""
        (self.parts if parent is None else parent.parts).append(region)
        with self.apart(region):
            yield

    @contextmanager
    def apart(self, region: Region) -> Generator[None]:
        """What is made meanwhile goes into `region`, which belongs nowhere yet."""
        outer, self.parts = self.parts, region.parts
        try:
            yield
        finally:
            self.parts = outer

    def down(self, node: Node) -> None:
        """One level deeper in nodes and blocks; stops where that is too deep."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._stop(
                "nested-too-deeply",
                f"nodes and blocks are nested more than {MAX_DEPTH} deep",
                node,
                "flatten some of the groups or blocks",
            )

    def up(self) -> None:
        """One level back."""
        self._depth -= 1

    def enter(self, block: str, times: int = 1, *, blind: bool = False) -> None:
        """Counts instances of a block."""
        self.entered.append((block, times))
        self.instances[block] += times
        if blind:
            self.blind[block] += times

    def mark(self) -> Mark:
        """How far the walk is."""
        return Mark(
            self.visits, len(self.claims), len(self.entered), len(self.sink.reported)
        )

    def count(self, node: Node, more: int = 1) -> None:
        """Counts nodes; stops where they are too many."""
        self.visits += more
        if self.visits > MAX_NODES:
            self._stop(
                "network-too-large",
                f"the network has more than {MAX_NODES:,} nodes",
                node,
                "lower a `repeat`",
            )

    def _stop(self, code: str, message: str, node: Node, help: str) -> None:
        place = node.origin.at()
        if code == "network-too-large" and self.repeating:
            place = self.repeating[-1].origin.at("repeat")
        self.sink.error(code, message, place, help=help)
        raise TooLarge
