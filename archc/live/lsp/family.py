"""Files that belong together by `extends` and `use`, and what a name means in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archc.live.lsp.outline import Item, outline
from archc.live.lsp.symbols import Body, Mention, Names, Read, Symbol, names
from archc.live.workspace import Stamp, Workspace, resolved
from archc.source.files import SUFFIXES
from archc.source.folding import folded
from archc.spec.named_files import named_file, tree_of

_LONGEST = 500_000
"""How many characters a file has at most whose names are looked up."""
_MAX_FILES = 2000
"""How many files of a tree are looked through for further uses of a name."""


@dataclass(slots=True, eq=False)
class File:
    """One file as it is written now."""

    path: Path
    text: str
    root: Item
    names: Names

    def mention(self, offset: int) -> Mention | None:
        """What is named at an offset, alone in this file."""
        return next((m for m in self.names.found if m.start <= offset <= m.end), None)


@dataclass(slots=True)
class Family:
    """Looks up names across files; what was read stays known until a text changes."""

    workspace: Workspace
    _files: dict[Path, tuple[Stamp, File | None]] = field(
        default_factory=dict[Path, "tuple[Stamp, File | None]"]
    )

    def file(self, path: Path) -> File | None:
        """A file's outline and names; None where it cannot be read."""
        key = resolved(path)
        stamp = self.workspace.stamp(key)
        known = self._files.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        text = self.workspace.text(key)
        file = None
        if text is not None:
            shown = text if len(text) <= _LONGEST else ""
            root = outline(shown, key.suffix[1:].lower())
            file = File(key, text, root, names(root))
        self._files[key] = stamp, file
        return file

    def above(self, path: Path, *, used: bool = True) -> list[File]:
        """A file and all that it builds on; without those whose blocks alone it takes,
        if not `used`."""
        found: dict[Path, File] = {}
        todo = [resolved(path)]
        while todo:
            key = todo.pop()
            file = None if key in found else self.file(key)
            if file is None:
                continue
            found[key] = file
            todo += [resolved(other) for other in named_by(file, used=used)]
        return list(found.values())

    def around(self, path: Path) -> Iterator[File]:
        """The other files of the tree that name files, and those that are open."""
        tree = tree_of(Path(os.path.abspath(path)))
        paths = {*self.workspace.opened()}
        for count, (place, folders, files) in enumerate(os.walk(tree)):
            folders[:] = [d for d in folders if not d.startswith(".")]
            paths |= {Path(place, f) for f in files if f.lower().endswith(SUFFIXES)}
            if len(paths) > _MAX_FILES or count > _MAX_FILES:
                break
        for other in sorted({resolved(p) for p in paths} - {resolved(path)}):
            file = self.file(other)
            if file is not None and any(file.root.get(k) for k in ("extends", "use")):
                yield file

    # ---- what a name means

    def mentions(self, file: File) -> list[Mention]:
        """All that a file names, the names of nodes looked up."""
        found = list(file.names.found)
        for read in file.names.reads:
            found += self._read(file, read)
        return found

    def mention(self, file: File, offset: int) -> Mention | None:
        """What is named at an offset."""
        at = [m for m in self.mentions(file) if m.start <= offset <= m.end]
        return min(at, key=lambda m: m.end - m.start, default=None)

    def definitions(self, file: File, symbol: Symbol) -> list[tuple[File, Mention]]:
        """Where the file, or what it builds on, defines something."""
        return [
            (other, mention)
            for other in self._scope(file, symbol)
            if symbol in other.names.defined
            for mention in other.names.found
            if mention.defines and mention.symbol == symbol
        ]

    def everywhere(self, file: File, symbol: Symbol) -> list[tuple[File, Mention]]:
        """Each place in the tree that names the same thing; its definitions as well."""
        homes = self._homes(file, symbol)
        if not homes:
            return []
        kept = {file.path: file}
        others = list(self.around(file.path))
        while True:
            more = [
                other
                for other in others
                if other.path not in kept
                and (other.path in homes or self._homes(other, symbol) & homes)
            ]
            for other in more:
                kept[other.path] = other
                homes |= self._homes(other, symbol)
            if not more:
                break
        for other in self.above(file.path):
            if other.path in homes:
                kept[other.path] = other
        return [
            (other, mention)
            for other in kept.values()
            for mention in self.mentions(other)
            if mention.symbol == symbol
        ]

    def block(self, file: File, name: str) -> tuple[File, Item] | None:
        """The table of a block that a file can use."""
        for other in self.above(file.path):
            item = other.root.at("blocks", name)
            if item is not None:
                return other, item
        return None

    def _homes(self, file: File, symbol: Symbol) -> set[Path]:
        scope = self._scope(file, symbol)
        return {other.path for other in scope if symbol in other.names.defined}

    def _scope(self, file: File, symbol: Symbol) -> list[File]:
        of_block = symbol.kind == "block" or bool(symbol.body)
        return self.above(file.path, used=of_block)

    def _read(self, file: File, read: Read) -> Iterator[Mention]:
        """The mentions that a dotted name is: one for each of its parts."""
        parts = read.name.split(".")
        path = self._path(file, read.body, read.local, parts)
        if path is None:
            return
        start = read.start
        for symbol, part in zip(path, parts, strict=True):
            if symbol is not None:
                yield Mention(symbol, start, start + len(part))
            start += len(part) + 1

    def _path(
        self, file: File, body: Body, local: str, parts: list[str]
    ) -> list[Symbol | None] | None:
        """What the parts of a name stand for, looked for from a group outwards."""
        scope = self._scope(file, Symbol("node", body, ""))
        while True:
            first = Symbol("node", body, folded(local + parts[0]))
            whole = Symbol("node", body, folded(local + ".".join(parts)))
            if any(self._defines(other, first, whole) for other in scope):
                break
            if not local:
                return None
            local = local[:-1].rpartition(".")[0]
            local += "." if local else ""
        found: list[Symbol | None] = []
        for number in range(len(parts)):
            name = folded(local + ".".join(parts[: number + 1]))
            symbol = Symbol("node", body, name)
            if any(self._defines(other, symbol) for other in scope):
                found.append(symbol)
                continue
            around = found[-1] if found else None
            used = self._used(scope, around) if around is not None else None
            inner = Symbol("node", (used,), parts[number]) if used else None
            found.append(inner)
        return found

    def _defines(self, file: File, *symbols: Symbol) -> bool:
        return any(symbol in file.names.defined for symbol in symbols)

    def _used(self, scope: list[File], symbol: Symbol) -> str | None:
        used = (other.names.uses.get(symbol) for other in scope)
        return next((name for name in used if name), None)


def named_by(file: File, *, used: bool = True) -> Iterator[Path]:
    """The files that a file names."""
    parent = file.root.get("extends")
    if parent is not None and parent.kind == "string" and parent.text:
        yield named_file(file.path, parent.text)[0]
    others = file.root.get("use") if used else None
    for item in others.children if others is not None else ():
        if item.kind == "string" and item.text:
            yield named_file(file.path, item.text)[0]
