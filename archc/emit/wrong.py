"""What is raised where archc finds itself wrong."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 10
"""How many differences a message tells."""


class WrongModule(Exception):
    """What archc would have written is not the network. As text, it says why."""

    def __init__(self, network: str, differences: Sequence[str]) -> None:
        super().__init__(network, differences)
        self.network = network
        self.differences: tuple[str, ...] = tuple(differences)

    def __str__(self) -> str:
        shown = list(self.differences[:SHOWN])
        more = len(self.differences) - SHOWN
        shown += [f"and {more} more"] if more > 0 else []
        lines = [
            f"archc is wrong about `{self.network}`: the module that it would write is"
            " not the network. Nothing was written. Please report this, with the spec:",
            *shown,
        ]
        return "\n  ".join(lines)
