"""What `archc verify` holds, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from archc.run.subject import Subject

Check = Literal[
    "module",
    "tensors",
    "layers",
    "shapes",
    "macs",
    "outputs",
    "initialization",
    "arguments",
]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Something that the module does otherwise than the network."""

    check: Check
    layer: str
    """The path; of a parameter or a layer, or empty for the module as a whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.message}" if self.layer else self.message


@dataclass(slots=True)
class Verification:
    """What was compared, and what did not agree; in the order of the network."""

    subject: Subject
    tensors: int = 0
    """Parameters and buffers whose names and shapes were compared."""
    layers: int = 0
    """Layers whose computation and output shape were compared."""
    macs: int = 0
    """That torch counted in the main path, for one sample."""
    disagreements: list[Disagreement] = field(default_factory=list[Disagreement])

    @property
    def passed(self) -> bool:
        return not self.disagreements

    def refuse(self, check: Check, layer: str, message: str) -> None:
        self.disagreements.append(Disagreement(check, layer, message))
