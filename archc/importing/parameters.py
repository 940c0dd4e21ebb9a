"""What differs between the instances of a body: expressions, or parameters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain, compress
from typing import Any

from archc.importing.attributes import BY_AXIS
from archc.importing.conditions import negated
from archc.importing.definitions import Definition
from archc.importing.expressions import COUNTERS, WIDTHS, Ends, Expression, Names
from archc.importing.fitting import fitted
from archc.importing.pieces import MISSING, Occurrence, Piece, Unread, all_pieces
from archc.ops.base import stem
from archc.ops.registry import OPS
from archc.spec.expressions import is_sequence
from archc.spec.expressions.operations import FUNCTIONS
from archc.spec.tables import BODIES, MODIFIERS

_TAKEN = frozenset({"in_channels", "self", "merge", "input", *COUNTERS, *FUNCTIONS,
                    *MODIFIERS, *BODIES})  # fmt: skip
_BY_SIZE = frozenset({"sizes", "unflattened_size"})
"""Attributes whose sizes are told one by one."""
_THIRDS = re.compile(r"// ([3-9]|\d\d)")
"""Parts of a kernel by which none is padded but by chance."""


def _kind(piece: Piece, slot: str, widths: dict[str, set[str]]) -> str:
    """The attribute that decides of what kind a slot is."""
    if piece.kind == "use":
        return "out_channels" if slot in widths[piece.what] else "stride"
    return slot


def defined(
    name: str,
    pieces: list[Piece],
    blocks: dict[str, Definition],
    ends: dict[int, Ends] | None = None,
) -> Definition:
    """A body whose numbers are written: as they are, or by parameters; see `Names` for
    the `ends`."""
    found = Definition(name, pieces)
    names = Names(found.values, found.widths, ends=ends or {})
    widths = {name: block.widths for name, block in blocks.items()}
    late: list[tuple[Piece, str]] = []
    for piece in all_pieces(pieces):
        # pieces that came of one have its tables
        piece.written = {}
        piece.slots = {slot: list(values) for slot, values in piece.slots.items()}
    for piece in all_pieces(pieces):
        for slot in _in_order(piece):
            _fill_defaults(piece, slot)
            if slot == "skip_when":
                late.append((piece, slot))
            else:
                _write(found, piece, slot, names, _kind(piece, slot, widths))
    # tests are told by what is there already
    for piece, slot in late:
        _write(found, piece, slot, names, slot)
    skips = [p for p in all_pieces(pieces) if p.kind == "skip"]
    shortcuts = {id(p) for skip in skips for p in skip.lists[1]}
    for skip in skips:
        _drop_unread(skip)
    for piece in all_pieces(pieces):
        if not piece.absent:
            continue
        places = piece.occurrences + piece.absent
        present = [True] * len(piece.occurrences) + [False] * len(piece.absent)
        slot = "shortcut" if id(piece) in shortcuts else "when"
        written = fitted(present, places, names.of(slot))
        if slot == "when" and not isinstance(written, Expression):
            written = _let(found, "", present, places, names.of(slot))
        if written is None:
            written = _parameter(found, piece, "when", present, places)
        piece.when = written
    _call_tests(found, names)
    return found


def _drop_unread(skip: Piece) -> None:
    """Says nothing of whether a shortcut is there where there is no skip."""
    there = skip.slots.get("skip_when", [])
    places = zip(skip.occurrences, there, strict=False)
    without = {o for o, is_there in places if is_there is False}
    for piece in skip.lists[1]:
        piece.absent = [o for o in piece.absent if o not in without]


def _call_tests(found: Definition, names: Names) -> None:
    """Calls tests by a name, those that have one by now and those of two parts that are
    written several times, where nodes read as many channels as the body."""
    ahead = [p for p in all_pieces(found.pieces) if _is_ahead(p, names)]
    joined = (str(p.when) for p in ahead if re.search(r" (or|and) ", str(p.when)))
    for text, count in Counter(joined).items():
        known = {e.text for e in found.let.values()}
        if count > 1 and not {text, negated(text)} & known:
            name = "resized" if "!=" in text else "residual"
            found.let[_free(found, [name])] = Expression(text)
    called = {e.text: name for name, e in found.let.items()}
    called |= {negated(text): f"not {name}" for text, name in called.items()}
    for piece in ahead:
        if str(piece.when) in called:
            piece.when = Expression(called[str(piece.when)])
        written = str(piece.written.get("skip_when"))
        if written in called:
            piece.written["skip_when"] = Expression(called[written])


def _is_ahead(piece: Piece, names: Names) -> bool:
    """Whether a node reads as many channels as the body does, everywhere."""
    return all(
        o.instance in names.ends and names.ends[o.instance].reads == o.in_channels
        for o in (*piece.occurrences, *piece.absent)
    )


def _let(
    found: Definition,
    name: str,
    values: Sequence[Any],
    places: Sequence[Occurrence],
    names: Names,
) -> Expression | None:
    """The name of what is computed from the channels that the body reads, if that has
    these values; a test has a name by what it tells."""
    if not all(o.instance in names.ends for o in places):
        return None
    ahead = [o._replace(counters=(), in_channels=names.ends[o.instance].reads)
             for o in places]  # fmt: skip
    written = fitted(values, ahead, names)
    if "in_channels " not in str(written):
        return None
    for known, text in found.let.items():
        if text == written:
            return Expression(known)
    if not name:
        name = "residual" if "==" in written.text else "resized"
    name = _free(found, [name])
    found.let[name] = written
    found.values[name] = {
        o.instance: v for o, v in zip(places, values, strict=True)
        if not isinstance(v, Unread)
    }  # fmt: skip
    return Expression(name)


def _write(found: Definition, piece: Piece, slot: str, names: Names, kind: str) -> None:
    """Finds what the spec says of a slot."""
    values = piece.slots[slot]
    if all(isinstance(value, Unread) for value in values):
        piece.written[slot] = values[0]
        return
    usable = names.of(kind)
    if slot == "padding":
        usable = usable.with_first(str(piece.written.get("kernel_size")))
    written = fitted(values, piece.occurrences, usable)
    if slot == "padding" and _THIRDS.search(str(written)):
        written = None
    if written is None and slot in _BY_SIZE and len({*map(len, values)}) == 1:
        piece.written[slot] = [
            _size(found, piece, list(column), names)
            for column in zip(*values, strict=True)
        ]
        return
    if written is None and (slot in BY_AXIS or piece.kind == "use"):
        written = _by_axis(found, piece, slot, usable)
    if written is None and kind in WIDTHS:
        name = _param_name(found, piece, slot)
        written = _let(found, name, values, piece.occurrences, names.of(kind))
        if written is not None:
            found.widths.add(written.text)
    if written is None:
        written = _parameter(found, piece, slot, values, piece.occurrences)
        if kind in WIDTHS:
            found.widths.add(found.params[-1])
    piece.written[slot] = written


def _by_axis(
    found: Definition, piece: Piece, slot: str, names: Names
) -> list[Any] | None:
    """What the spec says of an attribute for each axis, where that takes one parameter
    and no list of numbers for each instance, as of a kernel along one of two axes."""
    values = piece.slots[slot]
    (axes, *more) = {len(v) for v in values if is_sequence(v)} or {0}
    if not axes or more or not all(is_sequence(v) or type(v) is int for v in values):
        return None
    spread = [v if is_sequence(v) else [v] * axes for v in values]
    columns = [list(column) for column in zip(*spread, strict=True)]
    parts = [fitted(column, piece.occurrences, names) for column in columns]
    unknown = [c for c, part in zip(columns, parts, strict=True) if part is None]
    if any(column != unknown[0] for column in unknown):
        return None
    if unknown:
        known = _parameter(found, piece, slot, unknown[0], piece.occurrences)
        parts = [known if part is None else part for part in parts]
    return parts


def _size(found: Definition, piece: Piece, column: list[Any], names: Names) -> Any:
    """What the spec says of one of several sizes."""
    written = fitted(column, piece.occurrences, names.of("size"))
    if written is None:
        written = _parameter(found, piece, "size", column, piece.occurrences)
    return written


def _in_order(piece: Piece) -> list[str]:
    """Its slots, an op's in the order of its attributes."""
    if piece.kind == "op" and piece.what in OPS:
        order = list(OPS[piece.what].model_fields)
        return sorted(piece.slots, key=order.index)
    return list(piece.slots)


def _fill_defaults(piece: Piece, slot: str) -> None:
    values = piece.slots[slot]
    if piece.kind == "skip":
        values[:] = [v is MISSING or v for v in values]
    elif any(v is MISSING for v in values):
        default = OPS[piece.what].model_fields[slot].default
        values[:] = [default if v is MISSING else v for v in values]


def _parameter(
    found: Definition,
    piece: Piece,
    slot: str,
    values: Sequence[Any],
    places: Sequence[Occurrence],
) -> Expression:
    """A new parameter for what nothing else says."""
    name = _param_name(found, piece, slot)
    told = [not isinstance(value, Unread) for value in values]
    values, places = list(compress(values, told)), list(compress(places, told))
    levels = _levels(values, places)
    by_instance: dict[int, dict[tuple[int, ...], Any]] = {}
    for value, place in zip(values, places, strict=True):
        turn = tuple(place.counters[n] for n in levels)
        by_instance.setdefault(place.instance, {})[turn] = value
    everywhere = {o.instance for p in found.pieces for o in (*p.occurrences, *p.absent)}
    known = {i: _nested(turns, len(levels)) for i, turns in by_instance.items()}
    some = next(iter(known.values()))
    found.params.append(name)
    other = Unread(some)
    found.values[name] = {i: known.get(i, other) for i in sorted(everywhere | {*known})}
    return Expression(name + "".join(f"[{COUNTERS[n]}]" for n in levels))


def _levels(values: Sequence[Any], places: Sequence[Occurrence]) -> list[int]:
    """The counters that decide a value, as few as do."""
    depth = min(len(o.counters) for o in places)
    choices = [[], *([n] for n in reversed(range(depth))), [*range(depth)]]
    for levels in choices:
        seen: dict[Any, Any] = {}
        for value, place in zip(values, places, strict=True):
            key = (place.instance, *(place.counters[n] for n in levels))
            if seen.setdefault(key, value) != value:
                break
        else:
            return levels
    raise AssertionError("a node has two values at one place")


def _nested(turns: dict[tuple[int, ...], Any], depth: int) -> Any:
    if depth == 0:
        return turns[()]
    count = max(turn[0] for turn in turns) + 1
    parts: list[Any] = []
    for n in range(count):
        inner = {turn[1:]: v for turn, v in turns.items() if turn[0] == n}
        parts.append(_nested(inner, depth - 1) if inner else 0)
    return parts


def _param_name(found: Definition, piece: Piece, slot: str) -> str:
    own = _as_word(piece.name)
    alike = [p for p in all_pieces(found.pieces) if p.what == piece.what]
    if not own and piece.kind == "use" and len(alike) == 1:
        own = piece.what
    if slot == "when":
        wanted = [f"with_{own or stem(piece.what) or piece.kind}"]
    elif slot == "skip_when":
        wanted = ["residual", *([f"{own}_residual"] if own else [])]
    elif slot == "repeat":
        wanted = ["depth"]
    elif slot == "out_channels" and (branch := _branch(found.pieces, piece)):
        wanted = [f"{branch}_channels"]
    elif slot == "out_channels":
        wanted = ["width" if piece is not _last_conv(found.pieces) else "out_channels"]
        wanted += [f"{own}_channels"] if own else []
    else:
        wanted = [slot, *([f"{own}_{slot}"] if own else [])]
    return _free(found, wanted)


def _as_word(name: str | None) -> str:
    """A name as a part of another; empty if there is none that begins as one."""
    fits = name and re.fullmatch(r"[A-Za-z_.]\w*[\w.]*", name)
    return re.sub(r"\W", "_", name) if name and fits else ""


def _branch(pieces: list[Piece], piece: Piece) -> str:
    """What the node of the innermost branch is called in which a node stands; empty
    where it stands in none, or others have as many channels everywhere."""
    found = ""
    width = piece.slots["out_channels"]
    if any(p is not piece and p.slots.get("out_channels") == width
           for p in all_pieces(pieces)):  # fmt: skip
        return found
    for each in all_pieces(pieces):
        for node in chain(*each.lists) if each.kind == "branches" else ():
            if any(inner is piece for inner in all_pieces([node])):
                found = _as_word(node.name)
    return found


def _free(found: Definition, wanted: list[str]) -> str:
    """The first name that is free, or the first of all with a number."""
    taken = {*found.params, *found.let, *_TAKEN}
    for name in wanted:
        if name not in taken:
            return name
    number = 2
    while f"{wanted[0]}{number}" in taken:
        number += 1
    return f"{wanted[0]}{number}"


def _last_conv(pieces: list[Piece]) -> Piece | None:
    convs = [p for p in all_pieces(pieces) if "out_channels" in p.slots]
    return convs[-1] if convs else None
