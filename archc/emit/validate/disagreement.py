"""What is reported where a generated module is not its network."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One difference between a generated module and its network."""

    path: str
    """The layer's or parameter's, as in the `state_dict`; empty for the whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Fault(Exception):
    """A difference that following the module cannot go past.

    `path` is added on the way out, by the first who knows it.
    """

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self._places: list[str] = []

    def add_place(self, place: str) -> None:
        """Notes where it was met, the innermost first."""
        self._places.append(place)

    def disagreement(self) -> Disagreement:
        place = f"{self._places[0]}: " if self._places else ""
        return Disagreement(self.path or "", place + self.message)


class NotFollowed(Fault):
    """What the interpreter has no meaning for, or Python would refuse."""

    def __init__(self, message: str) -> None:
        super().__init__(f"cannot be followed: {message}")
