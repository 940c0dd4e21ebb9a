"""Constructors ask a question once, in one form, and choose within no choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit import live

CASE = Path(__file__).parent / "cases" / "tests_in_a_row.toml"


@pytest.fixture(scope="module")
def source() -> str:
    return live.compiled(CASE)[1]


def _constructor(source: str, name: str) -> str:
    return source.partition(f"class {name}(")[2].partition("def forward")[0]


def test_the_same_and_opposite_tests_are_one(source: str) -> None:
    made = _constructor(source, "Twice")
    assert made.count("if wide:") == 2  # the child between them is made in any case
    assert made.count("if deep") == 1
    assert "wide and" not in made


def test_one_form(source: str) -> None:
    made = _constructor(source, "Kept")
    assert made.count("if stride != 1:") == 1
    assert "stride > 1" not in made


def test_an_attribute_is_asked_for_what_it_holds(source: str) -> None:
    made = _constructor(source, "Changing")
    assert made.count("in_channels > 5") == 1


def test_no_choice_inside_a_choice(source: str) -> None:
    made = _constructor(source, "TestsInARow")
    assert made.count("if deep:") == 1  # kernel_size and padding are chosen together
    assert "kernel_size=kernel_size, padding=padding" in made


def test_no_case_twice() -> None:
    source = live.compiled(CASE.with_name("widths_that_recur.toml"))[1]
    assert "24 // part if part > 0 else 8" in source
