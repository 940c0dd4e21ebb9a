"""Where something stands in a file."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Span(NamedTuple):
    """A stretch of a text file: lines and columns from 1, columns in characters, end
    exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Place(Protocol):
    """Where something stands. The span is only worked out when it is asked for."""

    @property
    def file(self) -> str:
        """The file's name as the user gave it."""
        ...

    @property
    def text(self) -> str:
        """The file's whole text, for quoting."""
        ...

    def span(self) -> Span: ...
