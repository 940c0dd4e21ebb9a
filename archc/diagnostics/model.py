"""What a diagnostic is: data, apart from how it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from archc.diagnostics.mend import Change, Mend
from archc.diagnostics.place import Place as Place
from archc.diagnostics.place import Span as Span

Severity = Literal["error", "warning", "advice"]


MAX_COMPARED = 50_000
"""How many names are compared for suggestions in all; some 0.3 s."""


@dataclass(frozen=True, slots=True)
class Label:
    """A further place that matters to a diagnostic, and why."""

    place: Place
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One mistake, said once.

    `code` is a kebab-case slug that `archc explain` knows; `help` is the mend, as an
    instruction. `occurrences` counts how often the same mistake was met, as happens
    with a block that is used many times.
    """

    code: str
    message: str
    place: Place
    labels: tuple[Label, ...] = ()
    help: str | None = None
    severity: Severity = "error"
    occurrences: int = 1

    @property
    def fix(self) -> tuple[Change, ...] | None:
        """The changes that are the mend, where there is one sure mend; none overlap."""
        if not isinstance(self.help, Mend):
            return None
        changes = [edit.change(self.place) for edit in self.help.edits]
        found = tuple(change for change in changes if change is not None)
        return found if found and len(found) == len(changes) else None


@dataclass(slots=True)
class Sink:
    """Collects diagnostics; the same code at the same place is kept once and
    counted."""

    _found: dict[tuple[str, Place], Diagnostic] = field(
        default_factory=dict[tuple[str, Place], Diagnostic]
    )

    _compared: int = 0
    reported: list[Place] = field(default_factory=list[Place])
    """Where something was reported, in that order, repetitions included."""

    def report(self, diagnostic: Diagnostic) -> None:
        self.reported.append(diagnostic.place)
        key = (diagnostic.code, diagnostic.place)
        known = self._found.get(key)
        if known is None:
            self._found[key] = diagnostic
        else:
            self._found[key] = replace(known, occurrences=known.occurrences + 1)

    def error(
        self,
        code: str,
        message: str,
        place: Place,
        *labels: Label,
        help: str | None = None,
    ) -> None:
        self.report(Diagnostic(code, message, place, labels, help))

    def warning(
        self,
        code: str,
        message: str,
        place: Place,
        *labels: Label,
        help: str | None = None,
    ) -> None:
        self.report(Diagnostic(code, message, place, labels, help, "warning"))

    def affords(self, names: int) -> bool:
        """Whether so many names may still be compared for what one was meant to be.

        Where hundreds of names are wrong, the first of them have a suggestion.
        """
        self._compared += names
        return self._compared <= MAX_COMPARED

    @property
    def failed(self) -> bool:
        return any(d.severity == "error" for d in self._found.values())

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)
