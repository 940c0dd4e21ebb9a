"""Which specs a command is about, and what analysing them gives."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from archc.cli.options import Overrides, Refused, colored, width
from archc.diagnostics.model import Diagnostic, Sink, Span
from archc.pipeline import Analysis, analyse
from archc.source.files import SUFFIXES
from archc.spec.load import Loader


def find(paths: Iterable[Path]) -> list[Path]:
    """The specs at and below `paths`, each once; a directory's are sorted.

    Raises:
        Refused: if a directory holds no spec or cannot be read.
    """
    found: dict[str, Path] = {}
    for path in paths:
        specs = _below(path) if path.is_dir() else [path]
        if not specs:
            raise Refused(f"there is no .toml or .json file in {path} or below it")
        for spec in specs:
            found.setdefault(os.path.realpath(spec), spec)
    return list(found.values())


def _below(directory: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise Refused(f"cannot read the directory {error.filename}: {reason(error)}")

    found: list[Path] = []
    for place, directories, files in os.walk(directory, onerror=refuse):
        directories[:] = [d for d in directories if not d.startswith(".")]
        found += [
            Path(place, name)
            for name in files
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    return sorted(found)


def reason(error: OSError) -> str:
    """What went wrong, in words for the end of a sentence."""
    return (error.strerror or str(error)).lower()


class Run:
    """The analyses of one invocation.

    A file that several specs share is read once, and a mistake in it is said once.
    """

    def __init__(self, overrides: Overrides, *, anywhere: bool) -> None:
        self._overrides = overrides
        self._loader = Loader(Sink(), anywhere=anywhere)
        self._found: dict[tuple[str, str, Span, str], Diagnostic] = {}
        self.libraries: set[Path] = set()
        """The files that turned out to hold only blocks."""

    def analyse(self, path: Path) -> Analysis | None:
        """The network at `path`; None if it has errors or is none."""
        sink = Sink()
        overlays = self._overrides.documents(sink)
        analysis = analyse(path, replace(self._loader, sink=sink), sink, overlays)
        for d in sink:
            key = (d.code, d.place.file, d.place.span(), d.message)
            self._found.setdefault(key, d)
        if analysis is None and not sink.failed:
            self.libraries.add(path)
        return analysis

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All that was found so far."""
        return list(self._found.values())

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self._found.values())

    def report(self, color: str) -> None:
        """Write what was found to stderr, apart from the command's own output."""
        if not self._found:
            return
        from archc.diagnostics.render import render_text, summary_line

        paint = colored(color, sys.stderr)
        text = render_text(self.diagnostics, color=paint, width=width(sys.stderr))
        click.echo(text, err=True, color=paint)
        click.echo(summary_line(self.diagnostics), err=True)
