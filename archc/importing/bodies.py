"""The items of one body, which is a block's or the network's, as pieces."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from archc.importing.items import (
    BranchesItem,
    Item,
    OpItem,
    Scope,
    ShareItem,
    SkipItem,
)
from archc.importing.nodes import Graph
from archc.importing.pieces import Occurrence, Piece, all_pieces
from archc.ops.base import stem
from archc.ops.registry import OPS

_SAID = frozenset({"activation", "reshape", "merge"})
"""Families whose ops need no names in a body: their names say nothing."""


@dataclass(slots=True)
class Used:
    """A block in place of a scope."""

    block: str
    arguments: dict[str, Any]
    outputs: list[str]
    """What the block calls the values that it gives; empty where it is its last."""


@dataclass(slots=True)
class Body:
    """Makes pieces of what stands in one instance of a block, or in the network."""

    graph: Graph
    instance: int
    path: str
    inputs: list[int]
    used: dict[int, Used]
    """Blocks by the ids of the scopes in whose place they stand."""
    first_input: str = "input"
    """What its nodes call the first of its inputs."""
    _makers: dict[int, tuple[Piece, list[Piece], str]] = field(
        default_factory=dict[int, tuple[Piece, list[Piece], str]]
    )
    """The piece that makes a value, the list it stands in, the scope around."""
    _outputs: dict[int, str] = field(default_factory=dict[int, str])
    """What blocks that give several values call them."""
    _pending: list[tuple[Piece, list[int], int | None, str]] = field(
        default_factory=list[tuple[Piece, list[int], int | None, str]]
    )
    _names: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """The names in each scope."""

    def pieces(
        self, items: list[Item], outputs: list[int] | None = None
    ) -> list[Piece]:
        """The body's nodes; `outputs` are values that have to have names."""
        found = self._list(
            items, self.inputs[0] if self.inputs else None, self.path, ""
        )
        # names that are made up are numbered as they stand
        read = {v for _, reads, prev, _ in self._pending for v in reads if v != prev}
        for value in [v for v in self._makers if v in read]:
            self.label(value, None)
        for piece, reads, prev, scope in self._pending:
            piece.reads = tuple(self.label(v, prev, scope) for v in reads)
        for value in outputs or ():
            self.label(value, None)
        name_nodes(found, root=True)
        targets = {p.what for p in all_pieces(found) if p.kind == "share"}
        _mark_shared(found, targets, "")
        return found

    # ---- one after the other

    def _list(
        self, items: list[Item], entry: int | None, path: str, label: str
    ) -> list[Piece]:
        found: list[Piece] = []
        prev = entry
        for item in items:
            piece = self._piece(item, prev, path, label)
            found.append(piece)
            prev = self._given(item)
            if piece.kind == "group" and prev is not None and prev not in self._outputs:
                # from outside, the last value of a group is the group's
                self._makers[prev] = (piece, found, label)
            elif not isinstance(item, Scope) or id(item) in self.used:
                outputs = self.used[id(item)].outputs if id(item) in self.used else []
                for n, made in enumerate(item.makes):
                    self._makers[made] = (piece, found, label)
                    if outputs:
                        self._outputs[made] = outputs[n]
        return found

    def _piece(self, item: Item, prev: int | None, path: str, label: str) -> Piece:
        name = None if item.path is None else _relative(item.path, path)
        if name is not None:
            around = label
            for part in name.split("."):
                self._names.setdefault(around, set()).add(part)
                around += f"{part}."
        if isinstance(item, Scope) and id(item) not in self.used:
            first = item.items[0].reads
            entry = first[0] if len(first) == 1 else prev
            piece = Piece("group", "", [name], None, [self._at(entry, item)])
            inner = f"{label}{name}."
            piece.lists = [self._list(item.items, entry, item.path or path, inner)]
            if entry != prev and entry is not None:
                self._pending.append((piece, [entry], prev, label))
            piece.has_tensors = any(p.has_tensors for p in piece.lists[0])
            return piece
        reads = item.reads
        place = [self._at(reads[0] if reads else prev, item)]
        if isinstance(item, Scope):
            used = self.used[id(item)]
            slots = {k: [v] for k, v in used.arguments.items()}
            piece = Piece(
                "use", used.block, [name], None, place, slots, has_tensors=True
            )
        elif isinstance(item, OpItem):
            slots = {k: [v] for k, v in item.attributes.items()}
            piece = Piece("op", item.op, [name], None, place, slots,
                          has_tensors=item.has_tensors)  # fmt: skip
        elif isinstance(item, ShareItem):
            target = _relative(item.target, self.path)
            piece = Piece("share", target, [None], None, place)
        elif isinstance(item, SkipItem):
            piece = Piece("skip", item.op, [None], None, place)
            piece.lists = [
                self._list(inner, reads[0], path, label)
                for inner in (item.body, item.shortcut)
            ]
            piece.has_tensors = any(p.has_tensors for i in piece.lists for p in i)
        else:
            assert isinstance(item, BranchesItem)
            piece = Piece("branches", item.op, [None], None, place)
            piece.lists = [self._list(b, reads[0], path, label) for b in item.branches]
            piece.has_tensors = any(p.has_tensors for i in piece.lists for p in i)
        if reads != [prev]:
            self._pending.append((piece, reads, prev, label))
        return piece

    def _at(self, value: int | None, item: Item) -> Occurrence:
        shape = None if value is None else self.graph.shapes.get(value)
        channels = 0
        if shape is not None and isinstance(shape.channels, int):
            channels = shape.channels
        return Occurrence(self.instance, (), channels)

    # ---- what reads something else

    def label(self, value: int, prev: int | None, reader: str = "") -> str:
        """What `from` calls a value, in a node of the scope `reader`."""
        if value == prev:
            return "prev"
        if value in self.inputs:
            at = self.inputs.index(value)
            return self.first_input if at == 0 else self.input_name(at)
        piece, _siblings, scope = self._makers[value]
        if piece.kind in ("skip", "branches", "share"):
            # a share is called after what it applies
            name = "sum" if piece.what == "add" else piece.what.rpartition(".")[2]
            piece = self._behind(value, self._free(name, scope))
        if piece.name is None:
            piece.names = [self._free(stem(piece.what), scope)]
        text = self._seen(f"{scope}{piece.name}", reader)
        if value in self._outputs and text is not None:
            piece.labelled = True
            return f"{text}.{self._outputs[value]}"
        if text is None:
            # another node of that name is nearer
            piece = self._behind(value, self._free(f"{piece.name}_out", ""))
            text = f"{scope}{piece.name}"
        piece.labelled = True
        return text

    def _behind(self, value: int, name: str) -> Piece:
        """A node that does nothing, for the name that it gives to a value."""
        piece, siblings, scope = self._makers[value]
        named = Piece("op", "identity", [name], None, piece.occurrences)
        siblings.insert(siblings.index(piece) + 1, named)
        self._makers[value] = (named, siblings, scope)
        self._names.setdefault(scope, set()).add(name)
        return named

    def _seen(self, whole: str, reader: str) -> str | None:
        """A node's path as a node in the scope `reader` may write it; None if it can't.

        A name is looked for in that scope first, and then in those around it. A number
        alone says too little where the list may be named too.
        """
        found = None
        around = [reader]
        while around[-1]:
            around.append(re.sub(r"[^.]*\.$", "", around[-1]))
        for n, scope in enumerate(around):
            if not whole.startswith(scope):
                continue
            text = whole.removeprefix(scope)
            first = text.partition(".")[0]
            if not any(first in self._names.get(s, ()) for s in around[:n]):
                found = found or text
                if not first.isdigit():
                    return text
        return found

    def input_name(self, at: int) -> str:
        """What a body calls its inputs."""
        names = list(self.graph.trace.inputs)
        if self.path == "" and len(names) == len(self.inputs):
            return names[at]
        return f"x{at + 1}"

    def _given(self, item: Item) -> int | None:
        """The value that stands for it behind it."""
        if isinstance(item, Scope) and item.items and id(item) not in self.used:
            return self._given(item.items[-1])
        return item.makes[0] if item.makes else None

    def _free(self, wanted: str, scope: str) -> str:
        taken = {p.name for p, _, s in self._makers.values() if s == scope}
        taken |= self._names.get(scope, set())
        return free(wanted, taken)


def free(wanted: str, taken: Collection[str | None]) -> str:
    """A name, with a number behind it where it is taken."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _mark_shared(pieces: list[Piece], targets: set[str], around: str) -> None:
    for piece in pieces:
        path = f"{around}{piece.name}"
        piece.shared = path in targets
        inside = f"{path}." if piece.kind == "group" else around
        for inner in piece.lists:
            _mark_shared(inner, targets, inside)


def _relative(path: str, around: str) -> str:
    return path.removeprefix(f"{around}.") if around else path


# ---- names


def name_nodes(pieces: list[Piece], *, root: bool = False, again: bool = False) -> bool:
    """Gives nodes of a scope the names that they need, and no others; whether they are
    numbered without names. Where it is done `again`, some are numbered already."""
    children = _children(pieces)
    for _, piece in children:
        if piece.kind == "group" and piece.name is not None and not piece.auto:
            piece.auto = name_nodes(piece.lists[0])
    if _number(children) or (again and all(p.name is None for _, p in children)):
        return True
    names = [p.name for _, p in children]
    # which the numbers of what would lose them do not make it
    by_hand = any(
        p.name is not None
        and p.name.partition(".")[0].isdigit()
        and not (_may_lose_its_name(p) and _needs_none(p.what))
        for _, p in children
    )
    if root or by_hand:
        for _, piece in children:
            lost = _needs_none if by_hand else _is_said
            if _may_lose_its_name(piece) and lost(piece.what):
                piece.names = [None] * len(piece.names)
    some = any(name is not None for name in names)
    taken = set(names)
    for _, piece in children:
        # of a whole body only what may have parameters needs one, beside others
        needs = some and not _needs_none(piece.what) if root or by_hand else True
        if piece.name is None and piece.kind == "op" and needs:
            name = free(stem(piece.what), taken)
            taken.add(name)
            piece.names = [name] * len(piece.names)
    return False


def _may_lose_its_name(piece: Piece) -> bool:
    return piece.kind == "op" and not piece.has_tensors and not piece.labelled


def _needs_none(op: str) -> bool:
    """Whether an op needs no name, whatever its settings are."""
    return op in OPS and not OPS[op].can_have_parameters()


def _is_said(op: str) -> bool:
    return op in OPS and OPS[op].category in _SAID


def _children(pieces: list[Piece]) -> list[tuple[list[Piece], Piece]]:
    """The nodes of one scope, unnamed ones opened up, each with its list."""
    found: list[tuple[list[Piece], Piece]] = []
    for piece in pieces:
        if piece.kind in ("skip", "branches"):
            found += [c for inner in piece.lists for c in _children(inner)]
        elif piece.kind != "share":
            found.append((pieces, piece))
    return found


def _number(children: list[tuple[list[Piece], Piece]]) -> bool:
    """Takes the numbers away that nodes have by their order, where all do."""
    if not children or any(p.labelled or p.kind == "group" for _, p in children):
        return False
    if not any(p.name is not None for _, p in children):
        return False
    holes: list[tuple[list[Piece], Piece, int]] = []
    count = 0
    for siblings, piece in children:
        name = piece.name
        if name is not None:
            if not name.isdigit() or int(name) < count:
                return False
            if int(name) > count:
                holes.append((siblings, piece, int(name) - count))
                count = int(name)
        count += 1
    if sum(missing for _, _, missing in holes) > 2:
        return False
    for siblings, piece, missing in holes:
        at = siblings.index(piece)
        occurrences = piece.occurrences
        siblings[at:at] = [
            Piece("op", "identity", [None], None, occurrences) for _ in range(missing)
        ]
    for _, piece in children:
        piece.names = [None]
    return True
