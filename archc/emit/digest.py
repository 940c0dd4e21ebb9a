"""The digest that a generated module carries, by which changes by hand are seen."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Literal

State = Literal["current", "outdated", "edited", "edited and outdated"]
"""Of a module on disk: as archc writes it today; as archc once wrote it; changed by
hand since; changed by hand, and its spec was changed too. A module that has no digest,
and is not what archc writes, counts as changed by hand."""

_END = '\n"""\n'
_LINE = re.compile(r"\nDigest: sha256 ([0-9a-f]{16})\.(?=\n\"\"\"\n)")


def signed(source: str) -> str:
    """A module's source with its digest as the last line of its docstring."""
    doc, end, code = source.partition(_END)
    return f"{doc}\nDigest: sha256 {_digest(source)}.{end}{code}"


def unsigned(source: str) -> str:
    """A module's source without its digest, lines ending as archc ends them."""
    return _parts(source)[0]


def state(source: str, fresh: str) -> State:
    """What became of a module; `fresh` is what archc writes today."""
    text, carried = _parts(source)
    today, now = _parts(fresh)
    if text == today:
        return "current"
    if carried == _digest(text):
        return "outdated"
    return "edited" if carried in (now, None) else "edited and outdated"


def other_spec(source: str, spec: Path) -> str | None:
    """The spec that a module says it was compiled from, if that is another one.

    Where specs do not lie below a directory called specs, several may have one place
    for their modules.
    """
    said = re.search(r"^Compiled by archc from (.+)\.$", source, re.MULTILINE)
    if said is None:
        return None
    parts = tuple(said[1].split("/"))
    return None if spec.absolute().parts[-len(parts) :] == parts else said[1]


def _parts(source: str) -> tuple[str, str | None]:
    # git and editors may end lines otherwise
    source = source.removeprefix("\ufeff").replace("\r\n", "\n")
    found = _LINE.search(source)
    # the first docstring that ends is the module's
    if found is None or source.find(_END) != found.end():
        return source, None
    return source[: found.start()] + source[found.end() :], found[1]


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]
