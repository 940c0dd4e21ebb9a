"""Work grows with the size of a spec, and what is printed does not grow for ever."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from archc.diagnostics.model import Diagnostic, Label, Sink, Span
from archc.diagnostics.render import (
    MAX_LABELS,
    MAX_LENGTH,
    MAX_SHOWN,
    render_github,
    render_json,
    render_text,
    summary_line,
)
from archc.pipeline import analyse
from archc.source.positions import FilePlace
from archc.spec.load import Loader
from tests.benchmarks import growth
from tests.cli.conftest import Archc, archc, tree  # noqa: F401 - fixtures

CASES = Path(__file__).parent / "cases"

ROOM = 2.6
"""How much the work may grow when a spec is doubled: n log n, and what is only once."""
SECONDS = {
    "blocks_using_blocks": 0.2,
    "chained_params": 0.3,
    "one_line_400_mistakes": 0.3,
}
"""How long a check of a case may take."""


class Calls:
    """Counts the calls of functions, Python's and others, made meanwhile."""

    def __enter__(self) -> Calls:
        self.count = 0
        sys.setprofile(self._note)
        return self

    def _note(self, frame: Any, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self.count += 1

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)


@pytest.mark.parametrize("kind", growth.KINDS)
def test_work_grows_with_the_spec(kind: str, tmp_path: Path) -> None:
    """In calls, which no other load of the machine changes."""
    made, size, what = growth.KINDS[kind]
    size = max(size // 10, 60)
    counts: list[int] = []
    for n in (60, size, 2 * size, 4 * size):  # once to import
        path = tmp_path / "net.json"
        path.write_text(json.dumps(made(n)))
        work = growth.Work(path)
        with Calls() as calls:
            getattr(work, what)()
        counts.append(calls.count)
    _, one, two, four = counts
    # what is there once, such as the models of pydantic, is in the difference
    assert (four - two) < ROOM * max(two - one, one / 4), counts


@pytest.mark.parametrize("name", SECONDS)
def test_the_cases(name: str) -> None:
    path, times = CASES / f"{name}.json", list[float]()
    for _ in range(3):
        sink = Sink()
        started = time.process_time()
        analyse(path, Loader(sink), sink)
        render_text(sink)
        times.append(time.process_time() - started)
    assert min(times) < SECONDS[name], times


def test_blocks_that_use_each_other_are_counted_all_the_same() -> None:
    sink = Sink()
    analyse(CASES / "blocks_using_blocks.json", Loader(sink), sink)
    (found,) = sink
    assert (found.code, found.occurrences) == ("unknown-attribute", 2**14)


def test_a_block_that_fails_is_told_at_each_wrong_use(tmp_path: Path) -> None:
    """Equal instances are walked once, but not where the use is what is wrong."""
    path = tmp_path / "net.toml"
    path.write_text("""
archc = 1
name = "net"
[network]
input = [3, 9, 9]
layers = [
  { merge = "add", branches = [
    { name = "a", block = "unit", size = 99 },
    { name = "b", block = "unit", size = 99 },
  ] },
]
[blocks.unit]
params = ["size"]
layers = [{ name = "c", op = "conv2d", out_channels = 4, kernel_size = "size" }]
""")
    sink = Sink()
    analyse(path, Loader(sink), sink)
    assert len([d for d in sink if d.code == "window-too-large"]) == 2


def test_a_mistake_in_a_block_is_counted_in_every_branch(tmp_path: Path) -> None:
    counts = [_in_branches(levels, tmp_path) for levels in (7, 7, 14)]
    assert counts[2] < 3 * counts[1]  # and not 2**7 times as much


def _in_branches(levels: int, folder: Path) -> int:
    """The calls it takes to tell of a mistake in 2**(levels - 1) instances."""
    blocks: dict[str, Any] = {"b0": {"layers": [growth.conv("c", kernel_size=99)]}}
    for n in range(1, levels):
        ends = [{"name": f"x{i}", "block": f"b{n - 1}"} for i in range(2)]
        blocks[f"b{n}"] = {"layers": [{"merge": "add", "branches": ends}]}
    last = {"name": "top", "block": f"b{levels - 1}"}
    path = folder / "net.json"
    path.write_text(json.dumps(growth.net([last], blocks=blocks)))
    sink = Sink()
    with Calls() as calls:
        analyse(path, Loader(sink), sink)
    assert {d.code for d in sink} == {"window-too-large"}
    assert [d.occurrences for d in sink] == [2 ** (levels - 1)]
    return calls.count


@pytest.mark.parametrize("length", [40, 500, 3000])
def test_a_long_chain_of_blocks(length: int, tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text(json.dumps(growth.blocks(length, {"op": "relu"}, 1)))
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert (analysis is not None) == (length == 40)
    assert {d.code for d in sink} <= {"nested-too-deeply"}


@pytest.mark.parametrize(("count", "fine"), [(256, True), (257, False), (3000, False)])
@pytest.mark.parametrize("op", ["add", "mul"])
def test_a_merge_is_one_expression(
    op: str, count: int, fine: bool, tmp_path: Path
) -> None:
    path = tmp_path / "net.json"
    branches = [growth.conv(f"c{i}") for i in range(count)]
    path.write_text(json.dumps(growth.net([{"merge": op, "branches": branches}])))
    sink = Sink()
    analysis = analyse(path, Loader(sink), sink)
    assert {d.code for d in sink} == (set() if fine else {"merge-mismatch"})
    if analysis is not None:
        growth.emit(analysis.network)


# ----------------------------------------------------------------- what is printed


def _many(errors: int, warnings: int) -> list[Diagnostic]:
    text = "x" * (errors + warnings)
    places = [FilePlace("f", text, Span(1, n + 1, 1, n + 2)) for n in range(len(text))]
    return [
        # warnings first
        Diagnostic("c", f"m{n}", p, (), None, "error" if n >= warnings else "warning")
        for n, p in enumerate(places)
    ]


@pytest.mark.parametrize(
    ("errors", "warnings", "rest"),
    [
        (MAX_SHOWN, 0, None),
        (MAX_SHOWN + 1, 0, "1 error"),
        (400, 0, "300 errors"),
        (90, 90, "80 warnings"),
        (150, 2, "50 errors, 2 warnings"),
    ],
)
def test_past_a_hundred_the_rest_is_counted(
    errors: int, warnings: int, rest: str | None
) -> None:
    found = _many(errors, warnings)
    text, github = render_text(found), render_github(found)
    shown = re.findall(r"^(error|warning)\[c\]", text, re.MULTILINE)
    assert len(shown) == min(len(found), MAX_SHOWN)
    assert shown.count("error") == min(errors, MAX_SHOWN)
    assert len(re.findall("^::(?:error|warning)", github, re.MULTILINE)) == len(shown)
    last = f"... and {rest} more: only {MAX_SHOWN} are shown at a time"
    for form in (text, github):
        assert (last in form) == (rest is not None)
    assert ("::notice::" in github) == (rest is not None)
    # programs get all, and the count is that of all
    assert len(json.loads(render_json(found))) == len(found)
    assert summary_line(found).startswith(f"{errors} error")


def test_long_messages_and_many_places_are_cut() -> None:
    place = FilePlace("f", "x", Span(1, 1, 1, 2))
    labels = tuple(
        Label(FilePlace(f"g{n}", "y", Span(1, 1, 1, 2)), "there") for n in range(500)
    )
    found = [Diagnostic("c", "m" * 10**6, place, labels, "h" * 10**6)]
    for form in (render_text(found), render_github(found)):
        assert len(form) < 3 * MAX_LENGTH + 100 * MAX_LABELS
        assert form.count("there") == MAX_LABELS
    assert f"{500 - MAX_LABELS} further places are not shown" in render_text(found)


def test_the_command_counts_all(archc: Archc, tree: Path) -> None:  # noqa: F811
    case = CASES / "one_line_400_mistakes.json"
    result = archc("check", case)
    assert result.exit_code == 1
    assert "... and 300 errors more: only 100 are shown at a time\n" in result.stdout
    assert result.stdout.endswith("1 file checked: 400 errors\n")
    assert len(json.loads(archc("check", case, "--format", "json").stdout)) == 400
    annotated = archc("check", case, "--format", "github")
    assert annotated.exit_code == 1
    assert annotated.stdout.count("\n") == MAX_SHOWN + 1
    summary = archc("summary", case)
    assert summary.exit_code == 1
    assert summary.stderr.endswith("\n400 errors\n")
