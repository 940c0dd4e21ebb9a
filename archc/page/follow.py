"""A spec as it is edited: what the page is told after each save."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from archc.diagnostics.model import Diagnostic, Sink
from archc.diagnostics.render import render_text
from archc.escaping import visible
from archc.page.model import Page, Problem
from archc.page.network import network_of, readings
from archc.pipeline import Analysis, analyse
from archc.source.document import Document
from archc.spec.load import Loader

Overlays = Callable[[Sink], tuple[Document, ...]]
"""What the command line puts on top of the spec."""


@dataclass(slots=True)
class Followed:
    """A spec, the last page of it that was good, and what is wrong with it now."""

    path: Path
    label: str
    anywhere: bool
    overlays: Overlays
    page: Page | None = None
    problems: tuple[Problem, ...] = ()
    """Errors, or the warnings of a network that is shown."""
    _files: frozenset[Path] = frozenset()
    _shown: Analysis | None = field(default=None, repr=False)
    """What the page shows without its code and the memory of training."""

    @property
    def files(self) -> frozenset[Path]:
        """The files that the spec is made of, as far as that is known."""
        return self._files | {self.path}

    def look(self) -> bool:
        """Reads the spec once more; whether there is another page to show."""
        sink = Sink()
        overlays = self.overlays(sink)
        loader = Loader(sink, anywhere=self.anywhere)
        analysis = analyse(self.path, loader, sink, overlays)
        self.problems = tuple(map(_problem, sink))
        # where a file that others name has the mistake, it is one to watch too
        self._files |= {Path(d.place.file) for d in sink}
        if analysis is None:
            if not sink.failed:
                self.problems = (_NO_NETWORK,)
            return False
        owners = analysis.network.spec.origin.merged.owners.values()
        self._files = frozenset(document.path for document in owners)
        self._shown = analysis
        self._page(analysis)
        return True

    @property
    def complete(self) -> bool:
        """Whether the page has all that it could show."""
        return self._shown is None

    def finish(self) -> None:
        """Adds what takes longer: the generated module, and the memory of training.

        Raises:
            WrongModule: if the module would not be the network.
        """
        analysis, self._shown = self._shown, None
        if analysis is not None:
            self._page(analysis, *readings(analysis.network))

    def _page(self, analysis: Analysis, *read: object) -> None:
        network = network_of(analysis.network, analysis.facts, self.label, *read)  # pyright: ignore[reportArgumentType]
        self.page = Page(network.title, version("archc"), (network,), (), live=True)


_NO_NETWORK = Problem(
    "error", "this file only holds blocks for others to use, and no network", "", 0, ""
)


def _problem(diagnostic: Diagnostic) -> Problem:
    span = diagnostic.place.span()
    place = f"{visible(diagnostic.place.file)}:{span.line}:{span.column}"
    text = render_text([diagnostic]).rstrip("\n")
    message = visible(diagnostic.message)
    return Problem(diagnostic.severity, message, place, span.line, text)


def directories(files: Iterable[Path]) -> frozenset[Path]:
    """The directories of files, as far as they are there: editors replace files, so
    that it is these that are watched."""
    found = {file.absolute().parent for file in files}
    return frozenset(directory for directory in found if directory.is_dir())
