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
    path: str = ""
    """What the group is called there whose body it is."""
    lives: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    """Where the value of each name lives."""
    lists: set[str] = field(default_factory=set[str])
    """Names of repetitions in which places are said."""
    whole: set[str] = field(default_factory=set[str])
    """Names of what holds no names of its own."""
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
        walked: list[Lives] = []  # outermost first
        while scope is not None:
            if read.text == "input" and scope.around is None:
                return scope.home
            home, name = scope, read.text
            for group in walked:
                if not name.startswith(f"{group.path}."):
                    break
                home, name = group, name.removeprefix(f"{group.path}.")
            whole = name
            while not (found := home._named(name, name == whole)) and "." in name:
                name = name.rpartition(".")[0]
            if found:
                inside = name != whole and not home.lists.isdisjoint(found)
                places = {home.lives[key] for key in found}
                return None if inside or len(places) > 1 else places.pop()
            walked.insert(0, scope)
            scope = scope.around
        return None

    def _named(self, name: str, alone: bool) -> list[str]:
        """Which of its names are this one, or may come out as it; unless it is read
        `alone`, those that hold names."""
        if name in self.lives and "{" not in name:
            found = [name]
        else:
            alike = self._patterns.get(patterned(name), ())
            found = [key for key in alike if may_meet(key, name)]
        return [key for key in found if alone or key not in self.whole]
