"""A page from the networks that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise

from archc.compare.comparison import compare
from archc.compare.model import Side
from archc.page.merge import comparison_of
from archc.page.model import Comparison, Page
from archc.page.network import network_of, readings
from archc.version import __version__

ALL_PAIRS = 4
"""Up to how many networks each is compared with each; more are as they follow on each
other."""


def page_of(sides: Sequence[Side]) -> Page:
    """The page of one network, or of several and what separates them.

    Raises:
        WrongModule: if the module of one would not be the network.
    """
    networks = [
        network_of(side.network, side.facts, side.label, *readings(side.network))
        for side in sides
    ]
    title = networks[0].title if len(networks) == 1 else f"{len(networks)} networks"
    return Page(title, __version__, tuple(networks), tuple(_comparisons(sides)))


def _comparisons(sides: Sequence[Side]) -> Iterator[Comparison]:
    numbers = range(len(sides))
    few = len(sides) <= ALL_PAIRS
    for a, b in combinations(numbers, 2) if few else pairwise(numbers):
        yield comparison_of(compare(sides[a], sides[b]), a, b)
