"""The catalogue: the networks that are known by name.

There are two roots: `specs/` in the current directory, and the specs that come with
archc. The key of a network is its path below a root without the suffix; the directory
in it is its edition.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archc.source.files import SUFFIXES, contents
from archc.source.tree import is_spec

if TYPE_CHECKING:
    from archc.diagnostics.model import Diagnostic

PUBLISHED = "published"
"""What the edition directly below a root is called."""

_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Entry:
    """A spec file below a root."""

    key: str
    path: Path
    shipped: bool
    """Whether it comes with archc, and not from the current directory."""

    @property
    def name(self) -> str:
        """The key without its edition."""
        return self.key.rpartition("/")[2]

    @property
    def directory(self) -> str:
        """Where it lies below its root."""
        return self.key.rpartition("/")[0]

    @property
    def edition(self) -> str:
        """The edition as it is shown."""
        return self.directory or PUBLISHED


class Ambiguous(ValueError):
    """A name that several editions have, and no published network."""

    def __init__(self, name: str, keys: Sequence[str]) -> None:
        super().__init__(
            f"several editions have a network `{name}`; say which: {', '.join(keys)}"
        )


def shipped() -> Path | None:
    """The root of the specs that come with archc."""
    for root in (_PACKAGE / "specs", _PACKAGE.parent / "specs"):
        if root.is_dir():
            return root
    return None


def files() -> list[Entry]:
    """The spec files below both roots, one for each key; some may only hold blocks."""
    local, ours = Path("specs"), shipped()
    roots = [(local, False)] if local.is_dir() else []
    if ours is not None and not (roots and _same(local, ours)):
        roots.append((ours, True))
    found: dict[str, Entry] = {}
    for root, comes_along in roots:
        for path in _below(root):
            key = path.relative_to(root).with_suffix("").as_posix()
            found.setdefault(key, Entry(key, path, comes_along))
    return [found[key] for key in sorted(found)]


def networks() -> list[Entry]:
    """The entries of the catalogue: the files that are networks."""
    return [entry for entry in files() if is_network(entry.path)]


def names() -> list[str]:
    """What `locate` takes: every key, and every name that one edition alone has."""
    known = networks()
    bare = [entry.name for entry in known]
    keys = [entry.key for entry in known]
    return sorted({*keys, *(name for name in bare if bare.count(name) == 1)})


def locate(spec: Path) -> Entry | None:
    """The network that is meant by a name; None where `spec` is no name of one.

    What exists as a path is that path, and no name.

    Raises:
        Ambiguous: if several editions have the name, and none is published.
    """
    if not is_name(spec):
        return None
    name, known = spec.as_posix(), files()
    for entry in known:
        if entry.key == name and is_network(entry.path):
            return entry
    found = [e for e in known if e.name == name and is_network(e.path)]
    if len(found) > 1:
        raise Ambiguous(name, [entry.key for entry in found])
    return found[0] if found else None


def is_name(spec: Path) -> bool:
    """Whether a spec that is asked for may be a name and not a path."""
    if spec.is_absolute() or {".", ".."} & {*spec.parts} or not spec.name:
        return False
    return spec.suffix.lower() not in SUFFIXES and not os.path.lexists(_text(spec))


def other_editions(entry: Entry) -> list[str]:
    """The keys under which there are further networks of that name."""
    return [
        e.key
        for e in files()
        if e.name == entry.name and e.key != entry.key and is_network(e.path)
    ]


def with_names(found: Iterable[Diagnostic], spec: Path) -> list[Diagnostic]:
    """Diagnostics of `spec`, where a missing file's help knows of names too."""
    return [
        replace(d, help=_help(spec, d.help or ""))
        if d.code == "file-not-found" and d.place.file == str(spec) and is_name(spec)
        else d
        for d in found
    ]


def _help(spec: Path, said: str) -> str:
    from archc.diagnostics.suggest import nearest

    known = names()
    meant = nearest(spec.as_posix(), known) or nearest(spec.name, known)
    if said.startswith("did you mean"):
        return f"{said[:-1]}, or the network `{meant}`?" if meant else said
    if meant:
        return f"did you mean the network `{meant}`?"
    return f"{said}; `archc list` shows the networks that have a name"


def installed(path: Path) -> Entry | None:
    """The entry of a path inside an installed archc, where nothing may be written."""
    root = Path(os.path.abspath(_PACKAGE / "specs"))
    here = Path(os.path.abspath(path))
    if not root.is_dir() or not here.is_relative_to(root):
        return None
    return Entry(here.relative_to(root).with_suffix("").as_posix(), path, True)


def _text(path: Path) -> str:
    # no file's name holds a zero byte, and asking for one is an error
    return str(path).replace("\0", "\ufffd")


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def _below(root: Path) -> list[Path]:
    """The spec files; of two that differ in their suffix the .toml comes first."""
    found: list[Path] = []
    for place, directories, names in os.walk(root):
        directories[:] = [d for d in directories if not d.startswith(".")]
        found += [
            Path(place, name)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    return sorted(found, key=lambda path: (path.suffix.lower() == ".json", path))


def is_network(path: Path) -> bool:
    """Whether a spec is more than blocks for others; one that is broken may be."""
    if not is_spec(path):
        return False
    try:
        data = _values(path)
    except (OSError, ValueError, RecursionError):
        return True
    if not isinstance(data, dict):
        return True
    return "blocks" not in data or bool({"network", "name", "extends"} & data.keys())


def _values(path: Path) -> Any:
    import json
    import tomllib

    text = contents(path).decode("utf-8-sig")
    return json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
