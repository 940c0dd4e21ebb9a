"""Blocks that are used once and are short or have no class of their own, in place of
their use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archc.importing.bodies import name_nodes
from archc.importing.definitions import Definition
from archc.importing.expressions import Expression
from archc.importing.pieces import Piece, Unread, all_pieces
from archc.spec.expressions import is_sequence

_SHORT = 6
"""So many nodes at most has a block that a person writes where it is used."""


def open_up(bodies: list[Definition], blocks: dict[str, Definition]) -> None:
    """Writes such blocks out where they are used, and drops them."""
    for name, block in list(blocks.items()):
        uses = [
            (piece, depth)
            for body in bodies
            for piece, depth in _uses(body.pieces, 0)
            if piece.what == name
        ]
        if block.let or len(uses) != 1:
            continue
        ((use, depth),) = uses
        if not (
            _may_repeat(block, depth) if block.is_plain else _is_short(block, depth)
        ):
            continue
        given = list(use.written.values())
        # inside, `in_channels` are those of another node
        fixed = any(isinstance(v, list) or "in_channels" in str(v) for v in given)
        # a group without a name would give its nodes to the scope around it
        if fixed or use.name is None:
            continue
        texts = {param: _text(use.written[param]) for param in block.params}
        use.lists = [[renamed(piece, texts) for piece in block.pieces]]
        use.kind, use.what, use.auto = "group", "", name_nodes(use.lists[0], again=True)
        use.slots, use.written = {}, {}
        bodies.remove(block)
        del blocks[name]


def _may_repeat(block: Definition, depth: int) -> bool:
    """Whether no repetition comes to stand in another."""
    return not depth or all(p.kind != "repeat" for p in all_pieces(block.pieces))


def _is_short(block: Definition, depth: int) -> bool:
    """Whether it has few nodes in a chain, without repetitions, and is in none."""
    nodes = list(all_pieces(block.pieces))
    simple = not block.outputs and all(
        p.reads is None and p.kind != "repeat" for p in nodes
    )
    return simple and not depth and sum(not p.lists for p in nodes) <= _SHORT


def _uses(pieces: list[Piece], depth: int) -> Iterator[tuple[Piece, int]]:
    """Uses of blocks, each with the repetitions around it."""
    for piece in pieces:
        if piece.kind == "use":
            yield piece, depth
        for inner in piece.lists:
            yield from _uses(inner, depth + (piece.kind == "repeat"))


def _text(value: Any) -> str:
    if isinstance(value, Expression):
        simple = re.fullmatch(r"\w+", value.text)
        return value.text if simple else f"({value.text})"
    return repr(value.instead if isinstance(value, Unread) else value)


def renamed(piece: Piece, texts: dict[str, str]) -> Piece:
    """The same with expressions for names."""

    def written(value: Any) -> Any:
        if is_sequence(value):
            return [written(part) for part in value]
        if not isinstance(value, Expression):
            return value
        alone = texts.get(value.text)
        if alone is not None:
            bare = alone[1:-1] if alone.startswith("(") else alone
            constant = re.fullmatch(r"-?[\d.e-]+|True|False", bare)
            return _constant(bare) if constant else Expression(bare)
        names = "|".join(map(re.escape, texts))
        if not names:
            return value
        return Expression(
            re.sub(rf"\b({names})\b", lambda found: texts[found[1]], value.text)
        )

    return replace(
        piece,
        written={name: written(value) for name, value in piece.written.items()},
        when=written(piece.when),
        lists=[[renamed(p, texts) for p in inner] for inner in piece.lists],
    )


def _constant(text: str) -> Any:
    if text in ("True", "False"):
        return text == "True"
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)
