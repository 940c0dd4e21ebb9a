"""A name that nothing defines is one mistake, however many nodes say it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from archc.diagnostics.mend import Mend
from archc.diagnostics.model import Diagnostic, Label, Sink
from archc.spec.model import Origin

_SHOWN = 3


@dataclass(slots=True)
class Mentions:
    """Where names that are not there are written, in the order they are met in."""

    key: str
    """The key whose value they are."""
    _nodes: dict[str, list[Origin]] = field(default_factory=dict[str, "list[Origin]"])

    def note(self, name: str, node: Origin) -> None:
        self._nodes.setdefault(name, []).append(node)

    def names(self) -> list[str]:
        return list(self._nodes)

    def report(
        self, sink: Sink, code: str, name: str, message: str, help: str | None
    ) -> None:
        """Reports one of them where it stands first, with a few further places."""
        first, *others = self._nodes[name]
        labels = tuple(Label(node.at(self.key), "and here") for node in others[:_SHOWN])
        times = 1 + len(others)
        if isinstance(help, Mend):  # the mend of one is that of all
            places = (node.at(self.key) for node in others)
            copies = (replace(e, place=p) for p in places for e in help.edits)
            help = Mend(help, *help.edits, *copies)
        place = first.at(self.key)
        sink.report(Diagnostic(code, message, place, labels, help, occurrences=times))
