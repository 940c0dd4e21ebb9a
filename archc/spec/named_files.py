"""Which file a spec means by a name: one of its own tree, else one that comes with
archc."""

from __future__ import annotations

import os
from os.path import abspath
from pathlib import Path

from archc.catalog import shipped
from archc.source.files import SUFFIXES


def tree_of(path: Path) -> Path:
    """The tree that a spec stands in: the nearest directory above it that is called
    `specs`, else its own directory."""
    for parent in path.parents:
        if parent.name == "specs":
            return parent
    return path.parent


def is_network_name(name: Path) -> bool:
    """Whether a file is named as `archc list` names networks: below a root, without a
    suffix."""
    inside = not name.is_absolute() and ".." not in name.parts
    return inside and not name.suffix


def named_file(spec: Path, name: str) -> tuple[Path, Path | None]:
    """The file that the spec at `spec` names, and the root of those that come with
    archc if it is one of them.

    A path is relative to the spec, or else to the root of its tree, or of archc's; a
    network may be named without a suffix. Where there is no such file, it is the first
    path, which reading reports.
    """
    first = spec.parent / name
    relative = Path(name)
    if relative.is_absolute() or ".." in relative.parts or "\0" in name:
        return first, None
    ours = shipped()
    for root in (spec.parent, tree_of(Path(abspath(spec))), ours):
        if root is None:
            continue
        suffixes = ("",) if relative.suffix.lower() in SUFFIXES else ("", *SUFFIXES)
        for suffix in suffixes:
            found = root / f"{name}{suffix}"
            if os.path.isfile(found) or (root == spec.parent and _is_there(found)):
                return found, ours if root is ours else None
    return first, None


def _is_there(path: Path) -> bool:
    """Whether something has that name which is not just a directory of editions."""
    return os.path.lexists(path) and not path.is_dir()
