"""Specs as they were at a revision of a git repository."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from archc.source.files import MAX_BYTES, SUFFIXES

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_WRITTEN = re.compile(r"(?P<revision>[^:]{2,}):(?P<path>.+)", re.DOTALL)
"""One letter before a colon is a drive."""
_SECONDS = 60


class NoRevision(Exception):
    """A revision, or a file of it, that there is not; as text, why."""


@dataclass(frozen=True, slots=True)
class AtRevision:
    """`HEAD~1:specs/a.toml`: a file, from the root of the repository, as it was."""

    revision: str
    path: str

    def __str__(self) -> str:
        """As it was asked for, the full name of a commit cut short."""
        whole = _COMMIT.fullmatch(self.revision)
        return f"{self.revision[:10] if whole else self.revision}:{self.path}"


def at_revision(spec: Path) -> AtRevision | None:
    """What is asked for, where it is no file that is there."""
    found = _WRITTEN.fullmatch(str(spec))
    if found is None or os.path.lexists(spec):
        return None
    return AtRevision(found["revision"], found["path"])


@contextmanager
def checked_out(asked: AtRevision, *, anywhere: bool) -> Generator[Path]:
    """A copy of the spec that goes again, with the files that it may name beside it.

    These are the specs of its tree: below the nearest directory `specs`, or else its
    own; with `anywhere` all of the repository.

    Raises:
        NoRevision: if there is no such revision, or no such file in it.
    """
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options",
                  f"{asked.revision}^{{commit}}").decode().strip()  # fmt: skip
    if not commit:
        raise NoRevision(f"there is no revision `{asked.revision}` here")
    path = _from_root(asked.path)
    below = "" if anywhere else _tree(path)
    blobs = {p: sha for p, sha in _blobs(commit, below) if _is_readable(p)}
    if str(path) not in blobs:
        raise NoRevision(f"`{asked.path}` is no spec in {asked.revision}")
    with TemporaryDirectory(prefix="archc-") as folder:
        for name, content in _contents(blobs):
            target = Path(folder, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield Path(folder, path)


def _from_root(path: str) -> PurePosixPath:
    """A path from the repository's root; one that starts with `./` is from here."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("./"):
        prefix = _git("rev-parse", "--show-prefix").decode().strip("\n")
        parts = [*(p for p in prefix.split("/") if p), *parts]
    if ".." in parts:
        raise NoRevision(f"`{path}` is taken from the root of the repository")
    return PurePosixPath(*parts)


def _tree(path: PurePosixPath) -> str:
    parents = [p for p in path.parents if p.name == "specs"]
    tree = str(parents[0] if parents else path.parent)
    return "" if tree == "." else tree


def _blobs(commit: str, below: str) -> list[tuple[str, str]]:
    """The regular files of a revision, with the names of their content."""
    place = ["--", below] if below else []
    listed = _git("ls-tree", "-r", "-z", "--full-tree", commit, *place)
    found: list[tuple[str, str]] = []
    for entry in listed.decode("utf-8", "surrogateescape").split("\0"):
        about, tab, name = entry.partition("\t")
        if tab and about.startswith("100"):
            found.append((name, about.split()[2]))
    return found


def _is_readable(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and "\\" not in name


def _contents(blobs: dict[str, str]) -> list[tuple[str, bytes]]:
    asked = "".join(f"{sha}\n" for sha in blobs.values()).encode()
    answer = _git("cat-file", "--batch", input=asked)
    found: list[tuple[str, bytes]] = []
    start = 0
    for name in blobs:
        end = answer.index(b"\n", start)
        size = int(answer[start:end].split()[2])
        start = end + 1 + size + 1
        # a larger one is refused for its size, which the first bytes too many do
        found.append((name, answer[end + 1 : end + 1 + min(size, MAX_BYTES + 1)]))
    return found


def _git(*arguments: str, input: bytes | None = None) -> bytes:
    """What git says; nothing where it only has no answer.

    Raises:
        NoRevision: if there is no git, or no repository.
    """
    try:
        done = subprocess.run(
            ["git", *arguments], input=input, capture_output=True, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoRevision(f"git cannot be run: {error}") from error
    if done.returncode and done.stderr:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[0]
        raise NoRevision(f"git says: {said}")
    return done.stdout
