"""`extends` and `use`: several files become one set of tables, each with its owner."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from os.path import abspath, normpath
from pathlib import Path
from typing import Any

from archc.catalog import files
from archc.diagnostics.mend import Edit, Mend
from archc.diagnostics.model import Label, Sink
from archc.diagnostics.suggest import all_nearest, did_you_mean, offered
from archc.ops.attributes import plain
from archc.source.document import Document, KeyPath, parse_document, read
from archc.source.files import slashed
from archc.source.kinds import is_list, is_table
from archc.source.positions import FilePlace
from archc.spec.model import Merged
from archc.spec.named_files import is_network_name, named_file, tree_of
from archc.spec.parse import is_library

MAX_CHAIN = 32


@dataclass(slots=True)
class Loader:
    """Reads specs and the files they name; each file is read once.

    A spec may only name files in its own tree: the nearest directory above it that is
    called `specs`, else its own directory. `anywhere` lifts that.
    """

    sink: Sink
    anywhere: bool = False
    texts: Mapping[Path, str] = field(default_factory=dict[Path, str])
    """Text that takes the place of what is on disk, by resolved paths."""
    name: str | None = None
    """What the spec is called, where that is not its path."""
    _documents: dict[Path, Document] = field(default_factory=dict[Path, Document])
    _built: dict[Document, _Layered | None] = field(
        default_factory=dict[Document, "_Layered | None"]
    )
    """What each file amounts to, so that one named on many ways is merged once."""

    def load(
        self, spec: Path | Document, overlays: tuple[Document, ...] = ()
    ) -> Merged | None:
        """The tables of a spec, of a file or one that was read; `overlays` are applied
        last, in order.

        An overlay gives new values to what is there: a parameter that the spec does not
        have is an error. A file of blocks for others to `use` has nothing to override.
        """
        path = spec.path if isinstance(spec, Document) else spec
        try:
            resolved = path.resolve()
            tree = tree_of(Path(abspath(path))).resolve()
        except (OSError, RuntimeError, ValueError):
            resolved, tree = path, path  # reading it says what is wrong
        if not self.anywhere and not resolved.is_relative_to(tree):
            self.sink.error(
                "outside-tree",
                f"`{path}` is a link that leads out of the tree that it stands in",
                FilePlace(str(path), ""),
                help="give the file that it leads to, or allow it with --allow-outside",
            )
            return None
        document = (
            spec
            if isinstance(spec, Document)
            else self._read(path, resolved, self.name, None)
        )
        if document is None:
            return None
        self._built.clear()
        layered = self._resolve(document, tree, ())
        if layered is None:
            return None
        if not is_library(layered.data):
            for overlay in overlays:
                wrong = {
                    "params": self._wrong_params(overlay, layered),
                    "slots": self._wrong_slots(overlay, layered),
                }
                self._check_inputs(overlay, layered)
                tables = {
                    key: {k: v for k, v in table.items() if k not in wrong.get(key, ())}
                    for key, table in overlay.data.items()
                }
                layered.apply(tables, overlay)
        return Merged(layered.data, layered.owners)

    def read(self) -> frozenset[Path]:
        """The files that were read so far, their paths resolved."""
        return frozenset(self._documents)

    def _wrong_params(self, overlay: Document, layered: _Layered) -> list[str]:
        """The parameters that a spec does not have, once they were reported."""
        known: object = layered.data.get("params", {})
        if not is_table(known):
            return []  # the wrong type is parsing's to report
        wrong: list[str] = []
        slots: Any = layered.data.get("slots", {})
        for name in overlay.data.get("params", {}):
            if name not in known:
                wrong.append(name)
                spec = layered.owners[()]
                self.sink.error(
                    "unknown-param",
                    f"`{spec.name}` has no parameter `{name}`",
                    overlay.place(("params", name), "key"),
                    help=_a_node(name)
                    if name in slots
                    else did_you_mean(name, known) or "it has no [params] at all",
                )
        return wrong

    def _wrong_slots(self, overlay: Document, layered: _Layered) -> list[str]:
        """The same of slots."""
        known: object = layered.data.get("slots", {})
        params: object = layered.data.get("params", {})
        if not is_table(known):
            return []
        wrong: list[str] = []
        for name in overlay.data.get("slots", {}):
            if name in known:
                continue
            wrong.append(name)
            if is_table(params) and name in params:
                self.sink.error(
                    "wrong-type",
                    f"`{name}` is a parameter, and takes a value, not a table",
                    overlay.place(("slots", name)),
                    help="a table is a node, for one of [slots]",
                )
                continue
            self.sink.error(
                "unknown-param",
                f"`{layered.owners[()].name}` has no slot `{name}`",
                overlay.place(("slots", name), "key"),
                help=did_you_mean(name, known) or "it has no [slots] at all",
            )
        return wrong

    def _check_inputs(self, overlay: Document, layered: _Layered) -> None:
        network: object = layered.data.get("network", {})
        known: object = network.get("inputs") if is_table(network) else None
        names = overlay.data.get("network", {}).get("inputs", {})
        if not is_table(known):
            known = {}
        for name in names:
            if name not in known:
                self.sink.error(
                    "unknown-param",
                    f"`{layered.owners[()].name}` has no input `{name}`",
                    overlay.place(("network", "inputs", name), "key"),
                    help=did_you_mean(name, known)
                    or "its input has no name: --input 3,224,224",
                )

    def _read(
        self, path: Path, key: Path, name: str | None, at: Any
    ) -> Document | None:
        known = self._documents.get(key)
        if known is None:
            # what cannot be read is not remembered: each place that names it is
            # reported
            text = self.texts.get(key)
            if text is None:
                known = read(path, self.sink, name=name, at=at)
            else:
                shown, kind = name or str(path), path.suffix[1:].lower()
                known = parse_document(text, shown, kind, self.sink, path)
            if known is not None:
                self._documents[key] = known
        return known

    def _resolve(
        self, document: Document, tree: Path, chain: tuple[Document, ...]
    ) -> _Layered | None:
        """A file with everything it builds on; None once something was reported."""
        if document not in self._built:
            self._built[document] = self._put_together(document, tree, chain)
        return self._built[document]

    def _put_together(
        self, document: Document, tree: Path, chain: tuple[Document, ...]
    ) -> _Layered | None:
        chain = (*chain, document)
        result = _Layered(document)
        parent = document.data.get("extends")
        if isinstance(parent, str):
            base = self._named(document, ("extends",), parent, tree, chain)
            if base is None:
                return None
            result.start_from(base)
        own = {k: v for k, v in document.data.items() if k not in ("extends", "use")}
        if not self._use(document, tree, chain, result):
            return None
        result.apply(own, document)
        # the wrong type of either key is parsing's to report
        for key in ("extends", "use"):
            if key in document.data:
                result.data[key] = document.data[key]
                result.owners[(key,)] = document
        return result

    def _use(
        self,
        document: Document,
        tree: Path,
        chain: tuple[Document, ...],
        result: _Layered,
    ) -> bool:
        """Takes the blocks of the files in `use`; False once something was reported."""
        used = document.data.get("use")
        blocks = document.data.get("blocks")
        own = blocks if is_table(blocks) else {}
        arrived: dict[str, tuple[Document, Any]] = {
            name: (document, document.place(("blocks", name), "key")) for name in own
        }
        names = used if is_list(used) else []
        fine = True
        for number, name in enumerate(names):
            if not isinstance(name, str):
                continue
            other = self._named(document, ("use", number), name, tree, chain)
            if other is None:
                fine = False
                continue
            taken = other.data.get("blocks")
            if not is_table(taken):
                continue
            for block in taken:
                path: KeyPath = ("blocks", block)
                owner = other.owner(path)
                place = owner.place(path, "key")
                if block in arrived:
                    self._twice(block, place, arrived[block][1], document, number)
                    fine = False
                    continue
                arrived[block] = (owner, place)
                result.take(other, block)
        return fine

    def _twice(
        self, block: str, place: Any, first: Any, document: Document, number: int
    ) -> None:
        self.sink.error(
            "duplicate-block",
            f"block `{block}` arrives twice",
            place,
            Label(first, "it is also defined here"),
            Label(document.place(("use", number)), "this file brings it in"),
            help="rename one of the two, or use only one of the files",
        )

    def _named(
        self,
        document: Document,
        path: KeyPath,
        name: str,
        tree: Path,
        chain: tuple[Document, ...],
    ) -> _Layered | None:
        """The file that `extends` or an entry of `use` names."""
        place = document.place(path)
        relative = Path(name)
        target, ours = named_file(document.path, name)
        if ours is not None:
            tree = ours.resolve()
        if is_network_name(relative) and not os.path.lexists(target):
            known = [entry.key for entry in files()]
            alike = [key for key in known if key.rpartition("/")[2] == relative.name]
            alike = alike or all_nearest(relative.as_posix(), known)
            self.sink.error(
                "file-not-found",
                f"there is no file and no network {plain(name)}",
                place,
                help=offered(alike, name, '"')
                or "`archc list` shows the networks that have a name",
            )
            return None
        try:
            resolved = target.resolve()
        except (OSError, RuntimeError, ValueError):
            self.sink.error(
                "file-unreadable",
                f"`{name}` cannot be read: it leads nowhere",
                place,
                help="look for a link that leads back to itself, and odd characters",
            )
            return None
        if not self.anywhere and (
            relative.is_absolute() or not resolved.is_relative_to(tree)
        ):
            self.sink.error(
                "outside-tree",
                f"`{name}` lies outside the tree of this spec",
                place,
                help="move the file below the spec's own directory (or below one named"
                " `specs` that holds both), or allow it with --allow-outside",
            )
            return None
        written = slashed(name)
        if written != name and not os.path.lexists(target):
            self.sink.error(
                "file-not-found",
                f"there is no file {plain(name)}",
                place,
                help=Mend(
                    f'a path is written with `/`: "{written}"', Edit(written, "name")
                ),
            )
            return None
        shown = str(target)
        if target == document.path.parent / relative:
            shown = normpath(Path(document.name).parent / relative)
        seen = [d.path.resolve() for d in chain]
        if resolved in seen:
            circle = [Path(d.name).name for d in chain[seen.index(resolved) :]]
            self.sink.error(
                "circular-extends",
                f"the files name each other in a circle:"
                f" {' -> '.join([*circle, resolved.name])}",
                place,
                help="a chain of `extends` and `use` ends in a file that names none",
            )
            return None
        if len(chain) >= MAX_CHAIN:
            self.sink.error(
                "circular-extends",
                f"the chain of files is longer than {MAX_CHAIN}",
                place,
                help="put what the files share into one that all of them extend",
            )
            return None
        other = self._read(target, resolved, shown, place)
        return None if other is None else self._resolve(other, tree, chain)


class _Layered:
    """Tables put on top of each other, with the owner of each part."""

    def __init__(self, document: Document) -> None:
        self.data: dict[str, Any] = {}
        self.owners: dict[KeyPath, Document] = {(): document}

    def owner(self, path: KeyPath) -> Document:
        return Merged(self.data, self.owners).document(path)

    def start_from(self, base: _Layered) -> None:
        """Takes all of `base` but its claims, which are about that file's numbers."""
        root = self.owners[()]
        self.data = {k: v for k, v in base.data.items() if k != "expect"}
        self.owners = {(key,): base.owner((key,)) for key in self.data} | {
            path: d for path, d in base.owners.items() if path
        }
        self.owners[()] = root

    def take(self, other: _Layered, block: str) -> None:
        """Takes one block of another file."""
        path: KeyPath = ("blocks", block)
        known = self.data.get("blocks")
        blocks: dict[str, Any] = dict(known) if is_table(known) else {}
        blocks[block] = other.data["blocks"][block]
        self.data["blocks"] = blocks
        self.owners[path] = other.owner(path)
        for below, owner in other.owners.items():
            if below[: len(path)] == path:
                self.owners[below] = owner

    def apply(self, tables: dict[str, Any], document: Document) -> None:
        self.data = self._merge(self.data, tables, (), document)

    def _merge(
        self,
        base: dict[str, Any],
        over: dict[str, Any],
        path: KeyPath,
        document: Document,
    ) -> dict[str, Any]:
        merged = dict(base)
        for key, value in over.items():
            here = (*path, key)
            known = merged.get(key)
            if is_table(known) and is_table(value) and not _is_slot(here):
                merged[key] = self._merge(known, value, here, document)
                continue
            merged[key] = value
            for old in [p for p in self.owners if p[: len(here)] == here]:
                del self.owners[old]
            self.owners[here] = document
        return merged


def _is_slot(path: KeyPath) -> bool:
    """Whether a node stands there, which is replaced whole."""
    return path[-2:-1] == ("slots",) and (
        len(path) == 2 or (len(path) == 4 and path[0] == "blocks")
    )


def _a_node(name: str) -> str:
    return f"`{name}` is a slot, and takes a node: '{name}={{op=\"relu\"}}'"
