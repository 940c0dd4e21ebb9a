from __future__ import annotations

import json

import pytest

from archc.advice.advise import RULES
from archc.diagnostics.codes import CODES

from .conftest import Archc


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained(archc: Archc, code: str) -> None:
    result = archc("explain", code)
    assert result.exit_code == 0
    for part in (code, CODES[code].summary, CODES[code].explanation.split()[0]):
        assert part in result.stdout
    assert CODES[code].example.strip().splitlines()[0] in result.stdout


def test_without_a_code_all_are_listed(archc: Archc) -> None:
    lines = archc("explain").stdout.splitlines()
    assert [line.split()[0] for line in lines] == sorted({*CODES, *RULES})


def test_an_unknown_code_gets_a_suggestion(archc: Archc) -> None:
    result = archc("explain", "merge-mismach")
    assert result.exit_code == 2
    assert "did you mean `merge-mismatch`?" in result.stderr


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("merge", "known are: merge-mismatch, merge-needs-from"),
        ("sees-al-already", "did you mean `sees-all-already`?"),
        ("pooling", "did you mean `pooling-drops-rows`?"),
    ],
)
def test_a_part_of_a_code_offers_those_that_have_it(
    archc: Archc, part: str, told: str
) -> None:
    result = archc("explain", part)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


def test_a_code_as_reports_show_it(archc: Archc) -> None:
    shown = archc("explain", "error[merge-mismatch]").stdout
    assert shown == archc("explain", "merge-mismatch").stdout


def test_schema_is_json(archc: Archc) -> None:
    found = json.loads(archc("schema").stdout)
    assert found["$schema"].endswith("2020-12/schema")
