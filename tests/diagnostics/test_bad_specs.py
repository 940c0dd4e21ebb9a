"""Specs with mistakes, each held to what is reported for it, no more and no less.

In `tests/bad_specs`, a comment `# error: CODE` or `# warning: CODE` stands on each line
where a diagnostic must begin. Files that can hold no comment are listed below.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from archc.diagnostics.codes import CODES
from archc.diagnostics.model import Sink
from archc.diagnostics.render import render_github, render_json, render_text
from archc.pipeline import analyse
from archc.spec.load import Loader

ROOT = Path(__file__).parent.parent / "bad_specs"
_EXPECTED = re.compile(r"\b(error|warning): ([a-z-]+)")

Found = Counter[tuple[str, int, str, str]]
"""File, line, severity and code of each diagnostic."""

WITHOUT_COMMENTS: dict[str, list[tuple[int, str]]] = {
    "empty.toml": [(1, "missing-key")],
    "hexadecimal_of_many_digits.toml": [(5, "bad-value")],
    "json_comment.json": [(2, "syntax-error")],
    "json_control_characters.json": [
        *((line, "bad-value") for line in (4, 5, 9, 10, 10)),
    ],
    "json_empty.json": [(1, "syntax-error")],
    "json_huge_numbers.json": [(5, "bad-value"), (6, "bad-value")],
    "json_key_twice.json": [(7, "duplicate-key"), (10, "duplicate-key")],
    "json_list.json": [(1, "not-a-table")],
    "json_mistakes.json": [
        (8, "unknown-name"),
        (9, "unknown-attribute"),
        (10, "unknown-op"),
        (11, "bad-value"),
        (12, "unknown-node"),
        (15, "wrong-type"),
        (16, "unknown-key"),
        (17, "unknown-key"),
    ],
    "json_names.json": [
        (7, "bad-name"),
        (8, "bad-name"),
        (9, "bad-name"),
        (10, "unknown-node"),
    ],
    "json_nan.json": [(4, "syntax-error")],
    "json_null.json": [(line, "wrong-type") for line in (4, 6, 8, 9, 10)],
    "json_syntax.json": [(6, "syntax-error")],
    "json_text.json": [(1, "not-a-table")],
    "json_too_many_digits.json": [(4, "syntax-error")],
    "json_unclosed.json": [(7, "syntax-error")],
    "latin_1.toml": [(3, "bad-encoding")],
    "utf_16.toml": [(1, "bad-encoding")],
    "zero_byte.toml": [(2, "bad-encoding")],
}
"""Line and code of the errors in files that can hold no comment."""


def _entries() -> list[Path]:
    """What is compiled: each file, and of a directory the file called main."""
    files = [p for p in ROOT.glob("*.*") if p.suffix in (".toml", ".json")]
    return sorted([*files, *ROOT.glob("*/main.*")])


def _files(entry: Path) -> list[Path]:
    return [entry] if entry.parent == ROOT else sorted(entry.parent.rglob("*.*"))


def _expected(entry: Path) -> Found:
    found: Found = Counter()
    for path in _files(entry):
        file = path.relative_to(ROOT).as_posix()
        for line, code in WITHOUT_COMMENTS.get(file, ()):
            found[file, line, "error", code] += 1
        if file in WITHOUT_COMMENTS:
            continue
        for number, text in enumerate(path.read_text("utf-8").split("\n"), 1):
            _, _, comment = text.partition("#")
            for severity, code in _EXPECTED.findall(comment):
                found[file, number, severity, code] += 1
    return found


def _reported(entry: Path) -> Sink:
    sink = Sink()
    analyse(entry, Loader(sink), sink)
    return sink


@pytest.mark.parametrize("entry", _entries(), ids=lambda p: str(p.relative_to(ROOT)))
def test_reports_each_mistake_once(entry: Path) -> None:
    sink = _reported(entry)
    found: Found = Counter(
        (
            Path(d.place.file).relative_to(ROOT).as_posix(),
            d.place.span().line,
            d.severity,
            d.code,
        )
        for d in sink
    )
    shown = render_text(sink)
    assert found == _expected(entry), shown
    assert sum(found.values()) > 0
    assert render_json(sink) and render_github(sink)
    for diagnostic in sink:
        assert diagnostic.message in shown.replace("\n", " ") or "\n" in shown
        assert diagnostic.severity == CODES[diagnostic.code].severity


def test_every_code_has_a_spec_that_triggers_it() -> None:
    covered = {code for entry in _entries() for *_, code in _expected(entry)}
    # a file of 4 MiB is not kept here, and an override is no file: see test_codes
    assert covered == set(CODES) - {"file-too-large", "unknown-param"}


def _met(name: str) -> list[int]:
    return [d.occurrences for d in _reported(ROOT / name)]


@pytest.mark.parametrize(
    ("name", "occurrences"),
    [
        ("block_used_nine_times.toml", [9]),
        ("parameter_blamed.toml", [2]),
        ("block_does_not_see_its_caller.toml", [2, 2]),
        ("skip_without_shortcut.toml", [1]),
    ],
)
def test_says_how_often_a_mistake_was_met(name: str, occurrences: list[int]) -> None:
    assert _met(name) == occurrences
    if occurrences[0] > 1:
        assert f"met {occurrences[0]} times" in render_text(_reported(ROOT / name))
