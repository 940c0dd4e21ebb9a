"""Which specs a command is about, and what analysing them gives."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click

from archc import catalog
from archc.cli.options import Overrides, Refused, colored, width
from archc.diagnostics.model import Diagnostic, Sink, Span
from archc.escaping import visible
from archc.pipeline import Analysis, analyse
from archc.source.tree import specs_below
from archc.spec.load import Loader


@dataclass(frozen=True, slots=True)
class Found:
    """A spec to work on; `entry` says what it is in the catalogue, if it was named."""

    path: Path
    entry: catalog.Entry | None = None


def find(paths: Iterable[Path]) -> list[Found]:
    """The specs at and below `paths`, each once; a directory's are sorted.

    Raises:
        Refused: if a directory holds no spec or cannot be read, or if a name has
            several meanings.
    """
    found: dict[str, Found] = {}
    for path in paths:
        below = os.path.isdir(path)
        specs = list(map(Found, _below(path))) if below else [find_one(path)]
        if not specs:
            raise Refused(
                f"there is no spec in {path} or below it: a spec says `archc = 1`"
            )
        for spec in specs:
            found.setdefault(os.path.realpath(spec.path), spec)
    return list(found.values())


def no_directory(spec: Path) -> None:
    """Where one spec is asked for.

    Raises:
        UsageError: if it is a directory.
    """
    # unlike Path.is_dir, False of what may not be looked at: reading it says why
    if os.path.isdir(spec):
        raise click.UsageError(f"{spec} is a directory; give one spec")


def find_one(spec: Path) -> Found:
    """The spec that a path or a name means; of several editions, stderr says which.

    Raises:
        Refused: if several editions have the name, and none is published.
    """
    try:
        entry = catalog.locate(spec)
    except catalog.Ambiguous as error:
        raise Refused(str(error)) from error
    if entry is None:
        return Found(spec)
    others = catalog.other_editions(entry) if entry.key == entry.name else []
    if others:
        click.echo(
            visible(
                f"{entry.key} is {entry.path}; there is also {', '.join(others)}:"
                f" archc diff {entry.key} {others[0]}"
            ),
            err=True,
        )
    return Found(entry.path, entry)


def _below(directory: Path) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise Refused(f"cannot read the directory {error.filename}: {reason(error)}")

    return specs_below(directory, refuse)


def reason(error: OSError) -> str:
    """What went wrong, in words for the end of a sentence."""
    return (error.strerror or str(error)).lower()


class Run:
    """The analyses of one invocation.

    A file that several specs share is read once, and a mistake in it is said once.
    """

    def __init__(
        self,
        overrides: Overrides,
        *,
        anywhere: bool,
        texts: Mapping[Path, str] | None = None,
    ) -> None:
        """`texts` stand for the content of files, by their resolved paths."""
        self._overrides = overrides
        self._loader = Loader(Sink(), anywhere=anywhere, texts=texts or {})
        self._found: dict[tuple[str, str, Span, str], Diagnostic] = {}
        self._refused: dict[str, None] = {}
        self.libraries: set[Path] = set()
        """The files that turned out to hold only blocks."""

    def analyse(self, path: Path, name: str | None = None) -> Analysis | None:
        """The network at `path`, or of that name; None if it has errors or is none.

        `name` is what the file is called, where that is not its path.
        """
        sink = Sink()
        path = find_one(path).path
        overlays = self._overrides.documents(sink)
        loader = replace(self._loader, sink=sink, name=name)
        analysis = analyse(path, loader, sink, overlays)
        self._keep(catalog.with_names(sink, path))
        if analysis is None and not sink.failed:
            self.libraries.add(path)
        return analysis

    def advise(self, analysis: Analysis) -> None:
        """Adds what the literature would do otherwise in a network."""
        from archc.advice.advise import advise

        sink = Sink()
        advise(analysis.network, analysis.facts, sink)
        self._keep(sink)

    def _keep(self, found: Iterable[Diagnostic]) -> None:
        for d in found:
            key = (d.code, d.place.file, d.place.span(), d.message)
            self._found.setdefault(key, d)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All that was found so far."""
        return list(self._found.values())

    def refuse(self, line: str) -> None:
        """Keeps why a spec without errors cannot be run here."""
        self._refused[line] = None

    @property
    def refused(self) -> list[str]:
        """Why specs cannot be run here, a line for each reason."""
        return list(self._refused)

    @property
    def said(self) -> int:
        """How much there is to report."""
        return len(self._found) + len(self._refused)

    @property
    def failed(self) -> bool:
        errors = any(d.severity == "error" for d in self._found.values())
        return errors or bool(self._refused)

    def report(self, color: str) -> None:
        """Write what was found to stderr, apart from the command's own output."""
        for line in self._refused:
            click.echo(line, err=True)
        if not self._found:
            return
        from archc.diagnostics.render import render_text, summary_line

        paint = colored(color, sys.stderr)
        text = render_text(self.diagnostics, color=paint, width=width(sys.stderr))
        click.echo(text, err=True, color=paint)
        click.echo(summary_line(self.diagnostics), err=True)
