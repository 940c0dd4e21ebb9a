"""Which files of a directory are specs."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archc.source.files import MAX_BYTES, SUFFIXES
from archc.source.kinds import is_table

_HEADER = re.compile(r"^[ \t]*\[", re.MULTILINE)
_VERSION = re.compile(r"""^[ \t]*(?:archc|"archc"|'archc')[ \t]*=""", re.MULTILINE)
_NETWORK = re.compile(r"^[ \t]*\[[ \t]*network[ \t]*\]", re.MULTILINE)
_LAYERS = re.compile(
    r"^[ \t]*(?:layers[ \t]*=|\[\[[ \t]*network\.layers)", re.MULTILINE
)
_IN_JSON = re.compile(r'[{,]\s*"archc"\s*:')


def specs_below(
    directory: Path, refuse: Callable[[OSError], None] | None = None
) -> list[Path]:
    """The specs in a directory and below, sorted.

    Hidden files and directories are left out, and so is what other programs installed
    there: virtual environments and `node_modules`. `refuse` is told of a directory that
    cannot be read.
    """
    found: list[Path] = []
    for place, directories, files in os.walk(directory, onerror=refuse):
        directories[:] = [d for d in directories if not _is_foreign(place, d)]
        paths = (Path(place, name) for name in files if not name.startswith("."))
        found += [path for path in paths if is_spec(path)]
    return sorted(found)


def _is_foreign(place: str, directory: str) -> bool:
    return (
        directory.startswith(".")
        or directory in ("node_modules", "site-packages", "__pycache__")
        or os.path.isfile(os.path.join(place, directory, "pyvenv.cfg"))
    )


def is_spec(path: Path) -> bool:
    """Whether a file is a spec, of a network or of blocks, be it a broken one.

    It is a .toml or .json file with `archc` at its top, or with a network that has
    layers. A file that cannot be read may be one.
    """
    if path.suffix.lower() not in SUFFIXES:
        return False
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with path.open("rb") as file:
            text = _decoded(file.read(MAX_BYTES + 1))
    except OSError:
        return True
    return _is_toml(text) if path.suffix.lower() == ".toml" else _is_json(text)


def _decoded(data: bytes) -> str:
    wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if wide else "utf-8", "replace")
    return text.removeprefix("\ufeff").replace("\r", "\n")


def _is_toml(text: str) -> bool:
    # what stands before the first header is at the top
    header = _HEADER.search(text)
    if _VERSION.search(text[: header.start()] if header else text):
        return True
    return bool(_NETWORK.search(text) and _LAYERS.search(text))


def _is_json(text: str) -> bool:
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError):
        # of what is broken, the beginning has to do
        return bool(_IN_JSON.search(text[:2000]))
    if not is_table(data):
        return False
    network = data.get("network")
    return "archc" in data or (is_table(network) and "layers" in network)
