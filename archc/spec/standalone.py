"""A spec with all that it builds on as the text of one file, to start a new one from.

What is said is decided on the values; the text is put together from pieces of the
original files, with their comments and layout. A piece whose value is another one now
is written anew.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from archc.diagnostics.model import Sink
from archc.escaping import has_hidden
from archc.source.document import Document, KeyPath, read
from archc.source.kinds import is_table
from archc.source.layout import Lines, Piece, Table, split
from archc.source.writing import write, write_key, write_spec
from archc.spec.model import Spec, used_blocks
from archc.spec.named_files import named_file

_FIRST = ("archc", "name", "class_name", "title", "source")
_MISSING: Any = object()


def standalone(spec: Spec, name: str | None = None) -> str:
    """A spec called `name` of the same network, in TOML, that needs no other file.

    Without a new name it keeps its own, and its title. It has the blocks that are
    used. What the original claims in [expect] is left as a comment.
    """
    data = _values(spec, name)
    page = _Page(data)
    document = spec.origin.merged.document(())
    for part, whole in _parts(document):
        page.add(part, whole=whole)
    text = page.text()
    if _same(tomllib.loads(text), data):
        return text + _claims(spec, document)
    # whatever the pieces were, what the spec says comes first
    return write_spec(data) + _claims(spec, document)


def title_of(name: str) -> str:
    """A title to begin with: `my_net` gives "My net"."""
    words = name.replace("_", " ").strip() or name
    return words[:1].upper() + words[1:]


def _values(spec: Spec, name: str | None) -> dict[str, Any]:
    """What the new file says."""
    dropped = ("extends", "use", "expect")
    data = {k: v for k, v in spec.origin.merged.data.items() if k not in dropped}
    if name is not None:
        data["name"] = name
        after = f"after {spec.title or spec.name}"
        if spec.title:
            data["title"] = title_of(name)
        data["source"] = f"{after}: {spec.source}" if spec.source else after
    if "blocks" in data:
        used = used_blocks(spec)
        data["blocks"] = {k: v for k, v in data["blocks"].items() if k in used}
    return data


def _parts(
    document: Document, *, whole: bool = True
) -> Iterator[tuple[Document, bool]]:
    """The files behind a file in the order in which they apply, itself at last.

    Not `whole` is one whose blocks alone are taken.
    """
    parent: str | None = document.data.get("extends")
    named = [(parent, whole)] if parent is not None else []
    named += [(other, False) for other in document.data.get("use", ())]
    for other, all_of_it in named:
        found = read(named_file(document.path, other)[0], Sink())
        if found is not None:
            yield from _parts(found, whole=all_of_it)
    yield document, whole


def _tables(document: Document) -> list[Table]:
    if document.format == "toml":
        return split(document.text)
    return split(write_spec(document.data))


@dataclass(slots=True)
class _Section:
    """What stands below one header."""

    lead: Lines = ()
    header: str = ""
    comment: str = ""
    tail: Lines = ()
    pieces: dict[KeyPath, Piece] = field(default_factory=dict[KeyPath, Piece])
    elements: list[Table] = field(default_factory=list[Table])
    """In the place of pieces, an array of tables."""
    whole: bool = False
    """Whether one of its files was not only taken for blocks."""


class _Page:
    """The sections of the new file, from one original after another."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._sections: dict[KeyPath, _Section] = {(): _Section()}

    def add(self, document: Document, *, whole: bool) -> None:
        """Lay a file over those before."""
        arrays: dict[KeyPath, list[Table]] = {}
        for table in _tables(document):
            if not whole and table.path[:1] not in ((), ("blocks",)):
                continue
            array = next((a for a in arrays if table.path[: len(a)] == a), None)
            if array is not None:
                arrays[array].append(table)
            elif table.array:
                arrays[table.path] = [table]
            else:
                self._table(table, whole)
        for path, elements in arrays.items():
            if whole or path[0] == "blocks":
                self._array(path, elements, document, whole)

    def _table(self, table: Table, whole: bool) -> None:
        taken = [
            piece
            for piece in table.pieces
            if (whole or piece.path[0] == "blocks") and self._said(piece.path, piece)
        ]
        for piece in taken:
            self._piece(piece, whole)
        section = self._sections.get(table.path)
        if section is None or not any(p.path[:-1] == table.path for p in taken):
            return
        section.header, section.comment = table.header, table.comment
        section.lead = table.lead or section.lead
        section.tail = (*section.tail, *table.tail)

    def _said(self, path: KeyPath, piece: Piece) -> bool:
        """Whether the new file has it; a value that is not the same is written anew."""
        value = _at(self._data, path)
        if value is _MISSING:
            return False
        if not _same(tomllib.loads(f"x = {piece.value}")["x"], value):
            piece.value = write(value)
        return True

    def _piece(self, piece: Piece, whole: bool) -> None:
        path = piece.path
        if any(path[:n] in self._all() for n in range(1, len(path))):
            return  # a table in braces has it
        self._clear(path)
        section = self._sections.setdefault(path[:-1], _Section())
        section.whole = section.whole or whole
        before = section.pieces.get(path)
        if before is not None and not any(piece.lead):
            piece.lead = before.lead
        section.pieces[path] = piece

    def _array(
        self, path: KeyPath, elements: list[Table], document: Document, whole: bool
    ) -> None:
        value = _at(self._data, path)
        if value is _MISSING:
            return
        self._clear(path)
        if _same(_at(document.data, path), value):
            container = self._sections.get(path[:-1])
            if container is not None:
                container.pieces.pop(path, None)
            self._sections[path] = _Section(elements=elements, whole=whole)
        else:
            self._piece(Piece(path, "", write(value)), whole)

    def _all(self) -> set[KeyPath]:
        return {path for s in self._sections.values() for path in s.pieces}

    def _clear(self, path: KeyPath) -> None:
        """Forget what stands in sections of its own at and below a path."""
        for known in [p for p in self._sections if p and p[: len(path)] == path]:
            del self._sections[known]

    def text(self) -> str:
        """The whole file without claims."""
        root = self._sections[()]
        for key, value in self._data.items():
            if key in _FIRST and (key,) not in root.pieces:
                root.pieces[(key,)] = Piece((key,), "", write(value))
        ordered = sorted(root.pieces.values(), key=_rank)
        root.pieces = {piece.path: piece for piece in ordered}
        lines: list[str] = []
        # the blocks of other files come last
        sections = sorted(
            self._sections.items(), key=lambda s: s[0] != () and not s[1].whole
        )
        for path, section in sections:
            lines += _section(path, section)
        return "\n".join(lines).strip("\n") + "\n"


def _rank(piece: Piece) -> int:
    return _FIRST.index(piece.path[0]) if piece.path[0] in _FIRST else len(_FIRST)


def _section(path: KeyPath, section: _Section) -> Iterator[str]:
    for table in section.elements:
        yield from ("", *table.lead, f"{table.header}{table.comment}")
        yield from _entries(table.pieces)
        yield from _tail(table.tail)
    if not section.pieces:
        return
    if path:
        header = section.header or f"[{'.'.join(write_key(str(k)) for k in path)}]"
        yield from ("", *section.lead, f"{header}{section.comment}")
    yield from _entries(section.pieces.values())
    yield from _tail(section.tail)


def _entries(pieces: Iterable[Piece]) -> Iterator[str]:
    for number, piece in enumerate(pieces):
        # where the schema lies is told from the place of the original
        lead = [line for line in piece.lead if not line.startswith("#:schema")]
        gap = number > 0 and bool(lead) and not lead[0]
        while lead and not lead[0]:
            del lead[0]
        key = piece.key or f"{write_key(str(piece.path[-1]))} = "
        yield from [""] if gap else []
        yield from (*lead, f"{key}{piece.value}{piece.comment}")


def _tail(lines: Lines) -> Iterator[str]:
    """Without the blank lines at its end; a header brings its own."""
    yield from "\n".join(lines).rstrip("\n").split("\n") if any(lines) else ()


def _claims(spec: Spec, document: Document) -> str:
    """What the original claims, as a comment."""
    if not document.data.get("expect"):
        return ""
    tables = [t for t in _tables(document) if t.path == ("expect",)]
    lines = [line for t in tables for line in (*t.lead, *_written(t))]
    if not lines:
        lines = write_spec({"expect": document.data["expect"]}).strip().split("\n")
    shown = (f"# {line}" if line and line[0] != "#" else line for line in lines)
    title = spec.name if has_hidden(spec.title or "") else spec.title or spec.name
    return "\n".join(("", f"# What {title} has, to compare with:", *shown, ""))


def _written(table: Table) -> Iterator[str]:
    yield f"{table.header}{table.comment}"
    yield from _entries(table.pieces)
    yield from _tail(table.tail)


def _at(data: Any, path: KeyPath) -> Any:
    for key in path:
        if not isinstance(data, dict) or key not in data:
            return _MISSING
        data = cast("dict[Any, Any]", data)[key]
    return data


def _same(one: Any, other: Any) -> bool:
    """Also in the type of numbers; tables without anything in them do not count."""
    return json.dumps(_pruned(one), sort_keys=True) == json.dumps(
        _pruned(other), sort_keys=True
    )


def _pruned(value: Any) -> Any:
    if not is_table(value):
        return value
    inner = {key: _pruned(v) for key, v in value.items()}
    return {key: v for key, v in inner.items() if v != {}}
