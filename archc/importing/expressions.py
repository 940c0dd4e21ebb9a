"""Expressions, and what they may name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from archc.importing.pieces import Occurrence

COUNTERS = ("i", "j", "k", "l", "m")
"""What the counters of repetitions are called, the outermost first."""

WIDTHS = frozenset(
    {"out_channels", "groups", "out_features", "in_features", "num_groups", "start",
     "stop", "num_parameters", "sizes"}
)  # fmt: skip
"""Attributes that are numbers of channels."""
_TESTS = {"when": "", "shortcut": "!=", "skip_when": "==", "repeat": ""}
"""By what is decided, how numbers of channels may be compared."""


@dataclass(frozen=True, slots=True)
class Expression:
    """Text that stands for values."""

    text: str

    def __str__(self) -> str:
        return self.text


class Ends(NamedTuple):
    """The channels of what a body reads, and of what it gives."""

    reads: int
    gives: int


@dataclass(slots=True)
class Names:
    """What expressions in a body may name: its parameters, by their values in each
    instance."""

    params: dict[str, dict[int, Any]]
    widths: set[str] = field(default_factory=set[str])
    """Those that are numbers of channels, and say nothing of strides and windows."""
    channels: bool = True
    """Whether `in_channels` may be named."""
    test: str = ""
    """How any numbers of channels may be compared: `==` for whether there is a skip,
    `!=` for whether it has a shortcut."""
    ends: dict[int, Ends] = field(default_factory=dict[int, "Ends"])
    """What the body reads and gives in each instance, where it is one value each."""

    def of(self, slot: str) -> Names:
        """Those that an expression for this attribute may speak of."""
        if slot in _TESTS:
            return replace(self, test=_TESTS[slot])
        wide = slot in WIDTHS
        params = {n: v for n, v in self.params.items() if (n in self.widths) == wide}
        return Names(params, self.widths, wide, ends=self.ends)

    def with_first(self, name: str) -> Names:
        """The same, of which this one is tried before others."""
        first = {n: v for n, v in self.params.items() if n == name}
        return replace(self, params=first | self.params)

    def columns(self, places: Sequence[Occurrence]) -> Iterator[tuple[str, list[Any]]]:
        """Each name with its values at these places."""
        for name, values in self.params.items():
            column = [values.get(o.instance) for o in places]
            if all(isinstance(v, int | float) for v in column):
                yield name, column
        if self.channels and all(o.in_channels > 0 for o in places):
            yield "in_channels", [o.in_channels for o in places]
