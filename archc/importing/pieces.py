"""Nodes of a spec to be, whose numbers are not written yet.

A piece stands for one node in all its occurrences: in each instance of a block, in each
turn of a repetition. It keeps what each of its attributes is there; the expressions for
them are found when all are known (`fitting.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

Kind = Literal["op", "use", "share", "group", "skip", "branches", "repeat"]


class Occurrence(NamedTuple):
    """Where a piece stands once."""

    instance: int
    """Of the block or network; see `Body`."""
    counters: tuple[int, ...]
    """The turns of the repetitions around it, the outermost first."""
    in_channels: int


@dataclass(slots=True, eq=False)
class Piece:
    """One node."""

    kind: Kind
    what: str
    """The op, the block, the node that is shared, the merge of a skip or branches."""
    names: list[str | None]
    """Its name at each occurrence."""
    reads: tuple[str, ...] | None
    """What `from` says; None for what stands before it."""
    occurrences: list[Occurrence]
    slots: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    """Attributes and arguments, with their values at each occurrence."""
    lists: list[list[Piece]] = field(default_factory=list["list[Piece]"])
    """A group's or repetition's nodes; a skip's body and shortcut; the branches."""
    absent: list[Occurrence] = field(default_factory=list[Occurrence])
    """Where it could stand and does not."""
    labelled: bool = False
    """Whether another node names it."""
    shared: bool = False
    """Whether another node applies it again, so that it has to be one module."""
    auto: bool = False
    """Of a group: whether its nodes are numbered and need no names."""
    has_tensors: bool = False
    written: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the spec says of each slot, once it is known."""
    when: Any = None
    """The same of whether it is there."""

    @property
    def name(self) -> str | None:
        return self.names[0]


MISSING = object()
"""An attribute's value where the op has its default."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An argument where nothing reads it."""

    instead: Any
    """What it may be as well as anything."""


def turned(piece: Piece, turn: int) -> Piece:
    """The same in a turn of a repetition around it."""

    def within(occurrences: list[Occurrence]) -> list[Occurrence]:
        return [o._replace(counters=(turn, *o.counters)) for o in occurrences]

    return replace(
        piece,
        occurrences=within(piece.occurrences),
        absent=within(piece.absent),
        lists=[[turned(p, turn) for p in inner] for inner in piece.lists],
    )


def all_pieces(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """They and all that stand in them, in the order of the text."""
    for piece in pieces:
        yield piece
        for inner in piece.lists:
            yield from all_pieces(inner)
