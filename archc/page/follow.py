"""A spec as it is edited: what the page is told after each save."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from archc.diagnostics.model import Diagnostic
from archc.diagnostics.render import render_text
from archc.escaping import visible
from archc.live.workspace import Workspace
from archc.page.model import Page, Problem
from archc.page.network import network_of, readings
from archc.pipeline import Analysis
from archc.version import __version__

if TYPE_CHECKING:
    from archc.emit.listing import Listing
    from archc.measure.memory import Footprint


@dataclass(slots=True)
class Followed:
    """A spec, the last page of it that was good, and what is wrong with it now."""

    path: Path
    label: str
    workspace: Workspace
    page: Page | None = None
    problems: tuple[Problem, ...] = ()
    """Errors, or the warnings of a network that is shown."""
    files: frozenset[Path] = frozenset()
    """The files that the spec is made of, as far as that is known."""
    _shown: Analysis | None = field(default=None, repr=False)
    _short: bool = False
    """Whether the page is without its code and the memory of training."""

    def look(self) -> bool:
        """Reads the spec once more; whether there is another page to show."""
        state = self.workspace.look(self.path)
        self.problems = tuple(map(_problem, state.diagnostics))
        analysis = state.analysis
        # behind a mistake not all files are read
        self.files = state.read | (self.files if analysis is None else frozenset())
        if analysis is None and not state.failed:
            self.problems = (_NO_NETWORK,)
        if analysis is None or analysis is self._shown:
            return False
        self._shown, self._short = analysis, True
        self._page(analysis)
        return True

    @property
    def complete(self) -> bool:
        """Whether the page has all that it could show."""
        return not self._short

    def finish(self) -> None:
        """Adds what takes longer: the generated module, and the memory of training.

        Raises:
            WrongModule: if the module would not be the network.
        """
        self._short = False
        if self._shown is not None:
            self._page(self._shown, *readings(self._shown.network))

    def _page(
        self,
        analysis: Analysis,
        listing: Listing | None = None,
        footprints: Sequence[Footprint] = (),
    ) -> None:
        network = network_of(
            analysis.network, analysis.facts, self.label, listing, footprints
        )
        self.page = Page(network.title, __version__, (network,), (), live=True)


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
