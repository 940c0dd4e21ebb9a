"""Where the values of a body live that its nodes read by name."""

from __future__ import annotations

from dataclasses import dataclass, field

from archc.spec.model import Template
from archc.spec.templates import may_meet, patterned


@dataclass
class Lives:
    """The names of a body, and those around it."""

    home: str | None
    """Where what it reads lives; nobody knows where the network's input does."""
    around: Lives | None = None
    lives: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    """Where the value of each name lives."""
    lists: set[str] = field(default_factory=set[str])
    """Names of repetitions in which places are said."""
    _patterns: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """The names by their patterns."""

    def note(self, name: str, place: str | None) -> None:
        """Where the value of a name lives."""
        if name not in self.lives:
            self._patterns.setdefault(patterned(name), []).append(name)
        self.lives[name] = place

    def where(self, read: Template, at: str | None) -> str | None:
        """Where a value lives that is read by name."""
        if read.text == "prev":
            return at
        scope: Lives | None = self
        while scope is not None:
            if read.text == "input" and scope.around is None:
                return scope.home
            name = read.text
            while not (found := scope._named(name)) and "." in name:
                name = name.rpartition(".")[0]
            if found:
                inside = name != read.text and not scope.lists.isdisjoint(found)
                places = {scope.lives[key] for key in found}
                return None if inside or len(places) > 1 else places.pop()
            scope = scope.around
        return None

    def _named(self, name: str) -> list[str]:
        """Which of its names are this one, or may come out as it."""
        if name in self.lives and "{" not in name:
            return [name]
        alike = self._patterns.get(patterned(name), ())
        return [key for key in alike if may_meet(key, name)]
