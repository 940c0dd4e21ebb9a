"""What a smoke test found, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Literal

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One question and its answer."""

    name: str
    status: Status
    detail: str
    layer: str | None = None
    """The layer to blame, as in the `state_dict`, where one can be told."""


@dataclass(slots=True)
class Result:
    """The smoke test of one network."""

    network: str
    """As it was asked for."""
    module: str
    """The file of the code that ran, or that it was written anew."""
    input: tuple[int, ...]
    spec_input: tuple[int, ...]
    """What the spec has as input, which `input` may be smaller than."""
    batch: int
    checks: list[Check] = field(default_factory=list[Check])
    rate: float | None = None
    losses: list[float] = field(default_factory=list[float])
    """Before each step."""
    seconds: list[float] = field(default_factory=list[float])
    """Of each step."""
    predicted: int | None = None
    """Bytes of memory at the peak of a step, by `archc memory`."""
    measured: int | None = None
    """The same, as the GPU's allocator counts them; the CPU has no such count."""
    notes: list[str] = field(default_factory=list[str])
    """What is worth knowing though no check fails of it."""
    fits: int | None = None
    """If memory ran out: a batch that fits."""

    @property
    def passed(self) -> bool:
        return all(check.status != "failed" for check in self.checks)

    @property
    def verdict(self) -> str:
        """In a word; `skip` if there was nothing to learn."""
        if not self.passed:
            return "FAIL"
        tested = any(check.status == "passed" for check in self.checks)
        return "pass" if tested else "skip"

    @property
    def failure(self) -> Check | None:
        """The first check that failed."""
        return next((c for c in self.checks if c.status == "failed"), None)

    @property
    def step_seconds(self) -> float | None:
        """The median, the first step apart: it warms up."""
        return median(self.seconds[1:] or self.seconds) if self.seconds else None

    @property
    def images_per_second(self) -> float | None:
        return self.batch / self.step_seconds if self.step_seconds else None

    def to_dict(self) -> dict[str, Any]:
        derived = {
            "passed": self.passed,
            "verdict": self.verdict,
            "step_seconds": self.step_seconds,
            "images_per_second": self.images_per_second,
        }
        return asdict(self) | derived


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which all were tested."""

    device: str
    precision: str
    compile: bool
    channels_last: bool
    torch: str

    def __str__(self) -> str:
        extras = [
            "torch.compile" if self.compile else "",
            "channels last" if self.channels_last else "",
        ]
        parts = [self.device, self.precision, *extras, f"torch {self.torch}"]
        return ", ".join(filter(None, parts))


def headline(result: Result, width: int) -> str:
    """One network in a line; `width` is that of the longest name."""
    parts = [
        f"{result.verdict}  {result.network:<{width}}",
        f"{_dims(result.input)} x {result.batch}",
    ]
    if result.losses:
        parts.append(_fall(result))
    if result.step_seconds and result.images_per_second:
        parts.append(f"{1000 * result.step_seconds:,.0f} ms a step")
        parts.append(f"{result.images_per_second:,.0f} images/s")
    return "  ".join(parts)


def complaints(result: Result) -> list[str]:
    """A line for each check that failed."""
    return [f"{c.name}: {c.detail}" for c in result.checks if c.status == "failed"]


def remarks(result: Result) -> list[str]:
    """What else is to be said of a network, line by line."""
    return [*complaints(result), *(f"note: {note}" for note in result.notes)]


def to_json(results: Sequence[Result], conditions: Conditions) -> str:
    tested = [result.to_dict() for result in results]
    report = {"conditions": asdict(conditions), "networks": tested}
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def to_markdown(results: Sequence[Result], conditions: Conditions, command: str) -> str:
    """A page: how it was made, a row for each network, what failed."""
    failed = [result for result in results if not result.passed]
    lines = [
        "# Smoke test",
        "",
        "```sh",
        command,
        "```",
        "",
        f"{conditions}. {len(results) - len(failed)} of {len(results)} networks pass.",
        "Input and batch are those of the test; an input that is smaller than the"
        " spec's has its size in bold.",
        "The last loss is the lowest; times are medians; memory is the peak of a"
        " training step.",
        "",
        "| network | code | input | batch | verdict | loss | steps | ms/step | images/s"
        " | predicted MiB | measured MiB |",
        "|---|---|---|--:|---|---|--:|--:|--:|--:|--:|",
        *map(_row, results),
        "",
    ]
    for result in results:
        if not remarks(result):
            continue
        lines += [f"## {result.network}", ""]
        lines += [f"- {line}" for line in remarks(result)]
        lines.append("")
    return "\n".join(lines)


def _row(result: Result) -> str:
    size = _dims(result.input)
    step, speed = result.step_seconds, result.images_per_second
    cells = [
        result.network,
        f"`{result.module}`" if result.module.endswith(".py") else result.module,
        size if result.input == result.spec_input else f"**{size}**",
        str(result.batch),
        result.verdict.replace("FAIL", "**fail**"),
        _range(result.losses),
        str(len(result.losses)),
        f"{1000 * step:,.0f}" if step else "",
        f"{speed:,.1f}" if speed else "",
        _mebibytes(result.predicted),
        _mebibytes(result.measured),
    ]
    return f"| {' | '.join(cells)} |"


def _fall(result: Result) -> str:
    return f"loss {_range(result.losses)} in {len(result.losses)} steps"


def _range(losses: list[float]) -> str:
    return f"{losses[0]:.2f} → {min(losses):.2f}" if losses else ""


def _mebibytes(size: int | None) -> str:
    return "" if size is None else f"{size / 2**20:,.0f}"


def _dims(dims: Sequence[int]) -> str:
    return "x".join(map(str, dims))
