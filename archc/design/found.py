"""What a search for a variant has found, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from archc.design.search import Method
from archc.measure.rows import Seen


@dataclass(frozen=True, slots=True)
class Held:
    """A condition, and what its two sides are for one variant."""

    text: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Design:
    """A variant that satisfies all conditions."""

    values: dict[str, Any]
    goal: float
    params: int
    macs: int
    receptive_field: Seen
    depth: int
    conditions: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """A condition that a better variant breaks, and no other condition."""

    condition: str
    values: dict[str, Any]
    """Of that variant."""
    goal: float
    broken: Held


@dataclass(frozen=True, slots=True)
class Forbidding:
    """Conditions that no variant satisfies together, as few as there are."""

    conditions: tuple[str, ...]
    nearest: Held | None
    """Of one condition: what comes nearest to it."""
    values: dict[str, Any] | None
    why: str | None = None
    """Of one condition that has no answer: why."""


@dataclass(frozen=True, slots=True)
class Found:
    """What `solve` has found."""

    name: str
    goal: str
    maximize: bool
    method: Method
    certain: bool
    """Whether every combination was looked at. Bisection takes what is monotone on all
    places that it looked at to be monotone between them."""
    looked_at: int
    combinations: int
    along: str | None
    """The parameter along which it was bisected."""
    why_search: str | None
    best: Design | None
    runners_up: tuple[Design, ...]
    binding: tuple[Binding, ...]
    forbidding: tuple[Forbidding, ...]
    problem: str | None
    """Where no combination is a network, or what is to be large or small has no number:
    what is wrong."""

    def to_dict(self) -> dict[str, Any]:
        """As `archc solve --format json` gives it."""
        return asdict(self)
