"""Specs that change: their unsaved text, what is known of them, who is affected."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from archc.diagnostics.model import Diagnostic, Sink
from archc.pipeline import Analysis, Findings, examine
from archc.source.document import Document
from archc.spec.load import Loader

Overlays = Callable[[Sink], tuple[Document, ...]]
Stamp = tuple[int, int] | None
"""What tells one state of a file from another; None for a file that is not there."""


def _nothing(sink: Sink) -> tuple[Document, ...]:
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What one look at a spec has found.

    `findings` hold what could be made of it, with errors too.
    """

    path: Path
    text: str | None
    """Its text where it is open, else None."""
    findings: Findings
    diagnostics: tuple[Diagnostic, ...]
    read: frozenset[Path]
    """The files that it was made of, their paths resolved: its own, and those that
    `extends` and `use` name."""
    analysis: Analysis | None
    """The network, where nothing is wrong with it."""

    @property
    def failed(self) -> bool:
        """Whether an error was found."""
        return any(d.severity == "error" for d in self.diagnostics)


@dataclass(slots=True)
class Workspace:
    """Specs that are looked at again and again.

    The text of a file that is open in an editor is read in place of what is on disk, in
    `extends` and `use` too. Nothing is analysed twice as long as nothing that it was
    made of has changed.
    """

    anywhere: bool = False
    """Whether specs may name files outside of their own tree."""
    overlays: Overlays = field(default=_nothing, repr=False)
    """What is put on top of each spec, as a command line does."""
    _texts: dict[Path, str] = field(default_factory=dict[Path, str])
    _versions: dict[Path, int] = field(default_factory=dict[Path, int])
    _count: int = 0
    _states: dict[Path, tuple[State, dict[Path, Stamp]]] = field(
        default_factory=dict[Path, tuple[State, dict[Path, Stamp]]]
    )
    _good: dict[Path, Analysis] = field(default_factory=dict[Path, Analysis])

    def open(self, path: Path, text: str) -> None:
        """A file has this text from now on, whatever is on disk."""
        key = resolved(path)
        self._count += 1
        self._texts[key], self._versions[key] = text, self._count

    def close(self, path: Path) -> None:
        """A file is read from disk again."""
        key = resolved(path)
        self._texts.pop(key, None)
        self._versions.pop(key, None)

    def opened(self) -> list[Path]:
        """The files that are open."""
        return list(self._texts)

    def text(self, path: Path) -> str | None:
        """The text of a file, as an editor has it; None where it cannot be read."""
        known = self._texts.get(resolved(path))
        if known is not None:
            return known
        from archc.source import files

        return files.load(path, str(path), Sink())

    def look(self, path: Path) -> State:
        """What a spec is now, errors included."""
        key = resolved(path)
        if key in self._states:
            state, stamps = self._states[key]
            if all(self.stamp(file) == stamp for file, stamp in stamps.items()):
                return state
        sink = Sink()
        loader = Loader(sink, anywhere=self.anywhere, texts=self._texts)
        findings = examine(path, loader, sink, self.overlays(sink))
        read = loader.read() | {key}
        analysis = None if sink.failed else findings.analysis
        text = self._texts.get(key)
        state = State(path, text, findings, tuple(sink), read, analysis)
        # a file that could not be read may be there the next time
        missing = any(d.code.startswith("file-") for d in sink)
        stamps = {file: self.stamp(file) for file in read}
        if missing:
            self._states.pop(key, None)
        else:
            self._states[key] = state, stamps
        if analysis is not None:
            self._good[key] = analysis
        return state

    def loader(self, sink: Sink, instead: dict[Path, str] | None = None) -> Loader:
        """Reads the texts of open files, or those given `instead` of some of them."""
        texts = {**self._texts, **(instead or {})}
        return Loader(sink, anywhere=self.anywhere, texts=texts)

    def good(self, path: Path) -> Analysis | None:
        """The network as it last was without an error."""
        return self._good.get(resolved(path))

    def affected(self, changed: Iterable[Path]) -> list[Path]:
        """The specs looked at so far that were made of one of these files."""
        files = {resolved(path) for path in changed}
        return [key for key, (state, _) in self._states.items() if state.read & files]

    def stamp(self, key: Path) -> Stamp:
        """What tells whether a file, by its resolved path, has changed."""
        version = self._versions.get(key)
        if version is not None:
            return version, -1
        try:
            state = os.stat(key)
        except (OSError, ValueError):
            return None
        return state.st_mtime_ns, state.st_size


def resolved(path: Path) -> Path:
    """The path by which a file is known, whatever links lead to it."""
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):
        return path
