"""How diagnostics are shown: as text with carets, as JSON, as GitHub annotations."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable
from typing import Any

from archc.diagnostics.excerpt import Listing, Mark, excerpt
from archc.diagnostics.mend import Change
from archc.diagnostics.model import Diagnostic, Place, Span
from archc.escaping import annotation, annotation_property, visible

_COLORS = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "advice": "\x1b[1;36m",
    "note": "\x1b[1;34m",
    "help": "\x1b[1;36m",
    "bold": "\x1b[1m",
}
_RESET = "\x1b[0m"

MAX_SHOWN = 100
"""How many diagnostics are shown to people; JSON has all."""
MAX_LABELS = 20
"""How many further places of a diagnostic are shown to people."""
MAX_LENGTH = 2000
"""How long a message is; names and lists in it may be of any length."""


class _Painter:
    """Wraps text in ANSI colours, or leaves it alone."""

    def __init__(self, color: bool) -> None:
        self._color = color

    def __call__(self, style: str, text: str) -> str:
        if not self._color or not text:
            return text
        return f"{_COLORS[style]}{text}{_RESET}"


def render_text(
    diagnostics: Iterable[Diagnostic], *, color: bool = False, width: int = 100
) -> str:
    """Diagnostics for people: the user's own lines with carets beneath them.

    Past `MAX_SHOWN`, a line says how many more there are.
    """
    paint = _Painter(color)
    listings: dict[int, Listing] = {}
    shown, more = _first(in_order(diagnostics))
    blocks = ["\n".join(_block(d, paint, width, listings)) + "\n" for d in shown]
    return "\n".join([*blocks, *([f"{_left_out(more)}\n"] if more else [])])


def summary_line(diagnostics: Iterable[Diagnostic]) -> str:
    """How many errors and warnings there are, as in `2 errors, 1 warning`."""
    severities = [d.severity for d in diagnostics]
    counts = [
        f"{count} {kind}{'' if count == 1 else 's'}"
        for kind in ("error", "warning")
        if (count := severities.count(kind))
    ]
    pieces = severities.count("advice")
    if pieces:
        counts.append(f"{pieces} piece{'' if pieces == 1 else 's'} of advice")
    return ", ".join(counts) or "no errors"


def to_dict(diagnostic: Diagnostic) -> dict[str, Any]:
    """A diagnostic as plain data, as `archc check --format json` gives it."""
    fix = diagnostic.fix
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **_place_dict(diagnostic.place),
        "labels": [
            {"message": label.message, **_place_dict(label.place)}
            for label in diagnostic.labels
        ],
        "help": diagnostic.help,
        "fix": None if fix is None else [_change_dict(change) for change in fix],
    }


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Diagnostics as one JSON array."""
    return json.dumps([to_dict(d) for d in in_order(diagnostics)], indent=2)


def render_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Diagnostics as workflow commands, which GitHub shows beside the lines."""
    shown, more = _first(in_order(diagnostics))
    last = [f"::notice::{annotation(_left_out(more))}"] if more else []
    return "".join(f"{line}\n" for line in (*map(_annotation, shown), *last))


def _first(found: list[Diagnostic]) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Those that are shown, errors before warnings where not all are, and the rest."""
    if len(found) <= MAX_SHOWN:
        return found, []
    errors = [d for d in found if d.severity == "error"]
    warnings = [d for d in found if d.severity != "error"]
    kept = {*map(id, [*errors, *warnings][:MAX_SHOWN])}
    return [d for d in found if id(d) in kept], [d for d in found if id(d) not in kept]


def _short(text: str) -> str:
    """A message without the middle of what nobody would read."""
    if len(text) <= MAX_LENGTH:
        return text
    return f"{text[: MAX_LENGTH // 2]} ... {text[-MAX_LENGTH // 2 :]}"


def _said(text: str) -> str:
    return visible(_short(text))


def _left_out(more: list[Diagnostic]) -> str:
    return f"... and {summary_line(more)} more: only {MAX_SHOWN} are shown at a time"


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file and place, as they are told."""
    return sorted(diagnostics, key=lambda d: (d.place.file, d.place.span(), d.code))


def _change_dict(change: Change) -> dict[str, Any]:
    return {**_span_dict(change.file, change.span), "text": change.text}


def _place_dict(place: Place) -> dict[str, Any]:
    return _span_dict(place.file, place.span())


def _span_dict(file: str, span: Span) -> dict[str, Any]:
    return {
        "file": file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _annotation(diagnostic: Diagnostic) -> str:
    span = diagnostic.place.span()
    properties = {
        "file": diagnostic.place.file,
        "line": span.line,
        "col": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "title": diagnostic.code,
    }
    listed = ",".join(
        f"{name}={annotation_property(value)}" for name, value in properties.items()
    )
    message = [_short(diagnostic.message)]
    for label in diagnostic.labels[:MAX_LABELS]:
        where = label.place.span()
        message.append(f"{label.place.file}:{where.line}: {_short(label.message)}")
    if diagnostic.help:
        message.append(f"help: {_short(diagnostic.help)}")
    whole = annotation("\n".join(message))
    kind = "notice" if diagnostic.severity == "advice" else diagnostic.severity
    return f"::{kind} {listed}::{whole}"


def _block(
    diagnostic: Diagnostic,
    paint: _Painter,
    width: int,
    listings: dict[int, Listing],
) -> list[str]:
    """The lines that show one diagnostic."""
    head = paint(diagnostic.severity, f"{diagnostic.severity}[{diagnostic.code}]")
    block = [f"{head}{paint('bold', f': {_said(diagnostic.message)}')}"]

    files = _marks_by_file(diagnostic)
    last = max(mark.span.line for _, marks in files for mark in marks)
    gutter = len(str(last))
    bar = paint("note", f"{' ' * gutter} |")
    main = diagnostic.place.span()
    for number, (place, marks) in enumerate(files):
        arrow = paint("note", f"{' ' * gutter}{'-->' if number == 0 else ':::'}")
        where = main if number == 0 else marks[0].span
        name = visible(place.file)
        if not place.text:
            block.append(f"{arrow} {name}")
            block.extend(f"{bar} {m.message}" for m in marks if m.message)
            continue
        block.append(f"{arrow} {name}:{where.line}:{where.column}")
        key = id(place.text)
        if key not in listings:
            listings[key] = Listing(place.text)
        block.append(bar)
        for label, text, style in excerpt(listings[key], marks, width - gutter - 3):
            if label == "...":
                block.append(paint("note", "..."))
                continue
            side = paint("note", f"{label:>{gutter}} |")
            block.append(f"{side} {_painted(text, style, diagnostic, paint)}".rstrip())
    block.extend(_remarks(diagnostic, paint, gutter, width))
    return block


def _painted(text: str, styles: str, diagnostic: Diagnostic, paint: _Painter) -> str:
    """Colour a marker line; `styles` has one letter for each of its characters."""
    names = {"^": diagnostic.severity, "-": "note"}
    out, start = "", 0
    for end in range(1, len(text) + 1):
        if end == len(text) or styles[end : end + 1] != styles[start : start + 1]:
            piece = text[start:end]
            name = names.get(styles[start : start + 1])
            out += paint(name, piece) if name else piece
            start = end
    return out


def _marks_by_file(diagnostic: Diagnostic) -> list[tuple[Place, list[Mark]]]:
    """Primary place and labels, by file; a label at the primary place joins it."""
    primary = diagnostic.place
    span = primary.span()
    own: list[str] = []
    labels: list[tuple[Place, Mark]] = []
    for label in diagnostic.labels[:MAX_LABELS]:
        where, message = label.place.span(), _said(label.message)
        if label.place.file == primary.file and where == span:
            own.append(message)
        else:
            labels.append((label.place, Mark(where, "-", message)))
    files = {primary.file: (primary, [Mark(span, "^", "; ".join(own))])}
    for place, mark in labels:
        files.setdefault(place.file, (place, []))[1].append(mark)
    return list(files.values())


def _remarks(
    diagnostic: Diagnostic, paint: _Painter, gutter: int, width: int
) -> list[str]:
    """The lines beneath the excerpt."""
    remarks: list[tuple[str, str]] = []
    if diagnostic.help:
        remarks.append(("help", _said(diagnostic.help)))
    more = len(diagnostic.labels) - MAX_LABELS
    if more > 0:
        remarks.append(("note", f"{more} further places are not shown"))
    if diagnostic.occurrences > 1:
        times = f"the same mistake was met {diagnostic.occurrences} times"
        remarks.append(("note", f"{times}, reported once"))
    out: list[str] = []
    for kind, text in remarks:
        indent = gutter + len(kind) + 5
        wrapped = _wrap(text, max(width - indent, 20))
        head = f"{' ' * gutter} {paint('note', '=')} {paint(kind, f'{kind}:')}"
        out.append(f"{head} {wrapped[0]}")
        out.extend(f"{' ' * indent}{line}" for line in wrapped[1:])
    return out


def _wrap(line: str, width: int) -> list[str]:
    # A line that fits is kept as it is: its spacing may be an alignment.
    if len(line) <= width:
        return [line]
    return textwrap.wrap(
        line, width, break_long_words=False, break_on_hyphens=False
    ) or [""]
