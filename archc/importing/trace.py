"""What a module computed, as plain data.

A trace is made with torch (`run/importing/tracer.py`) and read without. It can be
written to JSON and read again.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias, cast

from archc.spec.expressions import is_sequence

BATCH = 1009
"""The samples of a trace: a prime that is no size of a map, so that it is known."""

Sizes: TypeAlias = tuple[int, ...]
"""A shape with its batch."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor that was given or computed, by its number in `Trace.shapes`."""

    number: int


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter or buffer, by its key in the `state_dict`."""

    key: str


@dataclass(frozen=True, slots=True)
class Tensor:
    """A parameter or buffer of the module."""

    shape: Sizes
    trained: bool
    """Whether it is a parameter."""
    fill: float | None = None
    """The number that all of it starts as, where it is one number."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is called, in somebody's code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function of torch, or of a module that is known as a whole."""

    function: str
    """As torch resolves it; for a whole module the class with its package."""
    settings: dict[str, Any]
    """Its arguments by name, tensors as `Value` or `Param`; of a whole module its plain
    attributes and tensors, with what it reads as `input`."""
    makes: tuple[int, ...]
    use: int
    """The innermost use of a module in which it stands, an index of `Trace.uses`."""
    place: Place | None = None

    def reads(self, wanted: Container[Value | Param]) -> bool:
        """Whether one of these is among its arguments."""

        def found(given: Any) -> bool:
            if is_sequence(given):
                return any(map(found, given))
            return isinstance(given, Value | Param) and given in wanted

        return found([*self.settings.values()])


@dataclass(slots=True)
class Use:
    """One call of a module, in which other calls stand."""

    path: str
    class_name: str
    """With its package."""
    parent: int
    """The use around it; -1 for the network's."""
    reads: tuple[int, ...] = ()
    makes: tuple[int, ...] = ()


TOO_LARGE = "import a part of it, and put the parts together"
"""What to do about what no spec can hold."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What cannot be said in a spec, and where it is."""

    module: str
    reason: str
    file: str = ""
    line: int = 0
    mend: str = ""
    """What to do about it, where that is known."""

    @property
    def where(self) -> str:
        """The place in a file; empty where it is not known."""
        return str(Place(self.file, self.line))

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{self.module or 'the network'}: {self.reason}{where}"

    def told(self, file: str, mend: str) -> Refusal:
        """The same with its file and what to do about it, where they are not said."""
        return replace(self, file=self.file or file, mend=self.mend or mend)


_SHOWN = 3
"""So many modules and places are named where one thing is refused more often."""


def told_once(refused: Iterable[Refusal]) -> list[str]:
    """What is refused, each reason once, with how often and where at first."""
    by_reason: dict[str, list[Refusal]] = {}
    for refusal in refused:
        by_reason.setdefault(refusal.reason, []).append(refusal)
    found: list[str] = []
    for reason, alike in by_reason.items():
        if len(alike) == 1:
            found.append(str(alike[0]))
            continue
        modules = _first([r.module or "the network" for r in alike])
        places = _first([r.where for r in alike if r.where])
        where = f" ({places})" if places else ""
        found.append(f"{modules}: {reason}, {len(alike)} times{where}")
    return found


def _first(names: list[str]) -> str:
    """The first of them, each once, and how many more there are."""
    names = list(dict.fromkeys(names))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


class Unsaid(Exception):
    """Why what stands in a file cannot be said in a spec."""

    def __init__(self, reason: str, mend: str = "") -> None:
        super().__init__(reason)
        self.mend = mend
        """What to do about it, where that is more than for all."""


@dataclass(slots=True)
class Trace:
    """One forward pass."""

    name: str
    class_name: str
    training: bool
    inputs: dict[str, int] = field(default_factory=dict[str, int])
    outputs: dict[str, int] = field(default_factory=dict[str, int])
    """By name; the one of a network that gives a single tensor is called ``."""
    shapes: list[Sizes] = field(default_factory=list[Sizes])
    """Of each value, by its number."""
    larger: list[Sizes] = field(default_factory=list[Sizes])
    """The same where the inputs are larger; empty if that is not known."""
    tensors: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    containers: dict[str, str] = field(default_factory=dict[str, str])
    """The class of each module by its path."""
    calls: list[Call] = field(default_factory=list[Call])
    uses: list[Use] = field(default_factory=list[Use])
    refused: list[Refusal] = field(default_factory=list[Refusal])


def to_json(trace: Trace) -> dict[str, Any]:
    """The trace as what JSON can hold."""
    data = asdict(trace)
    for call, plain in zip(trace.calls, data["calls"], strict=True):
        plain["settings"] = {k: _encoded(v) for k, v in call.settings.items()}
    return data


def from_json(data: dict[str, Any]) -> Trace:
    """The trace that was written so."""
    given = dict(data)
    given["shapes"] = [tuple(shape) for shape in data["shapes"]]
    given["larger"] = [tuple(shape) for shape in data["larger"]]
    given["tensors"] = {
        key: Tensor(tuple(t["shape"]), t["trained"], t["fill"])
        for key, t in data["tensors"].items()
    }
    given["uses"] = [
        Use(
            u["path"],
            u["class_name"],
            u["parent"],
            tuple(u["reads"]),
            tuple(u["makes"]),
        )
        for u in data["uses"]
    ]
    given["refused"] = [Refusal(**refusal) for refusal in data["refused"]]
    given["calls"] = [
        Call(
            c["function"],
            {k: _decoded(v) for k, v in c["settings"].items()},
            tuple(c["makes"]),
            c["use"],
            None if c["place"] is None else Place(**c["place"]),
        )
        for c in data["calls"]
    ]
    return Trace(**given)


def _encoded(value: Any) -> Any:
    if isinstance(value, Value):
        return {"value": value.number}
    if isinstance(value, Param):
        return {"tensor": value.key}
    if value is Ellipsis:
        return {"ellipsis": True}
    if is_sequence(value):
        return [_encoded(part) for part in value]
    return value


def _decoded(value: Any) -> Any:
    if is_sequence(value):
        return tuple(map(_decoded, value))
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = cast("dict[str, Any]", value).items()
    if kind == "value":
        return Value(inner)
    return Param(inner) if kind == "tensor" else Ellipsis
