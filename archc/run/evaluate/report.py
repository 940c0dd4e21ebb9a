"""An evaluation as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from archc.escaping import markdown, visible
from archc.run.evaluate.metrics import OfClass
from archc.run.evaluate.session import Evaluation

_SHOWN = 40
"""Classes in a table; of more, the worst."""
_MISTAKES = 5


def as_json(found: Evaluation) -> str:
    """All numbers; `confusion[i][j]` counts images of class i taken for class j."""
    numbers = asdict(found.metrics)
    about = {
        "spec": found.network,
        "weights": found.weights,
        "data": found.data,
        "crops": found.crops,
        "preprocessing": found.preprocessing.as_dict(),
        "notes": list(found.notes),
    }
    return json.dumps(about | numbers, indent=2, ensure_ascii=False) + "\n"


def _totals(found: Evaluation) -> list[tuple[str, str]]:
    m = found.metrics
    rows = [("top-1", _percent(m.top1))]
    if m.top5 is not None:
        rows.append(("top-5", _percent(m.top5)))
    rows += [
        ("loss", f"{m.loss:.4f}"),
        ("calibration error", _percent(m.calibration_error)),
    ]
    return rows


def _heading(found: Evaluation, shown: Callable[[str], str]) -> str:
    crops = "" if found.crops == 1 else f", {found.crops} crops of each"
    return (
        f"{shown(found.network)}, {shown(found.weights)}, on {shown(found.data)}:"
        f" {found.metrics.images:,} images{crops}"
    )


def _worst(found: Evaluation) -> tuple[list[OfClass], str]:
    """The classes that are shown, and what is said of others."""
    classes = list(found.metrics.classes)
    if len(classes) <= _SHOWN:
        return classes, ""
    there = [c for c in classes if c.recall is not None]
    there.sort(key=lambda c: c.recall or 0.0)
    return there[:_SHOWN], f"the {_SHOWN} worst of {len(classes)} classes; JSON has all"


def as_text(found: Evaluation) -> str:
    """For a terminal."""
    lines = [_heading(found, visible), ""]
    lines += [f"{name:<18} {value:>8}" for name, value in _totals(found)]
    classes, more = _worst(found)
    width = max(5, *(len(visible(c.name)) for c in classes))
    lines += ["", f"{'class':<{width}}  {'images':>7}  {'recall':>8}  {'precision':>9}"]
    lines += [
        f"{visible(c.name):<{width}}  {c.images:>7,}  {_percent(c.recall):>8}"
        f"  {_percent(c.precision):>9}"
        for c in classes
    ]
    lines += [more] if more else []
    mistakes = found.metrics.confused(_MISTAKES)
    lines += ["", "most often mistaken:"] if mistakes else []
    lines += [
        f"  {times:>5,} × {visible(name)} taken for {visible(other)}"
        for times, name, other in mistakes
    ]
    return "\n".join([*lines, ""])


def as_markdown(found: Evaluation) -> str:
    """For a page."""
    lines = [f"{_heading(found, markdown)}.", "", "| measure | value |", "|---|--:|"]
    lines += [f"| {name} | {value} |" for name, value in _totals(found)]
    classes, more = _worst(found)
    lines += ["", "| class | images | recall | precision |", "|---|--:|--:|--:|"]
    lines += [
        f"| {markdown(c.name)} | {c.images:,} | {_percent(c.recall)}"
        f" | {_percent(c.precision)} |"
        for c in classes
    ]
    lines += ["", f"({more})"] if more else []
    mistakes = found.metrics.confused(_MISTAKES)
    lines += ["", "| times | class | taken for |", "|--:|---|---|"] if mistakes else []
    lines += [
        f"| {times:,} | {markdown(name)} | {markdown(other)} |"
        for times, name, other in mistakes
    ]
    return "\n".join([*lines, ""])


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{100 * part:.2f} %"
