"""What users see where archc finds that it is wrong: exit 3, why, and no file.

Emission has one of the faults here that it once had.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import archc as package
from archc.emit.wrong import WrongModule
from tests.emit.mutation import active, listed

from .conftest import Archc

EMIT = Path(__file__).parents[1] / "emit"
MUTANTS = {m.name: m for m in listed()}
FAULTS = {
    "kept_from_the_first_iteration": ("wrong/inner_repeat", "stages"),
    "loop_reads_its_start": ("wrong/norm_before_inner_repeat", "stage"),
    "shortcut_shape_forgotten": ("wrong/concat_shortcut", "head"),
    "first_input_speaks_for_a_merge": ("cases/channels_of_gates", "wide"),
    "and_is_a_truth": ("cases/truths_and_values", "conv"),
    "names_shared_by_the_living": ("wrong/dense_inner_repeat", "dense"),
    "step_is_a_multiple": ("cases/named_repeats", ""),
    "axis_of_a_sum_of_shapes": ("cases/axes_that_change", ""),
    "in_place_though_read_again": ("cases/overwritten_or_not", ""),
}
"""By the mutant: a spec for which it matters, and what the message speaks of."""


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def broken() -> Iterator[None]:
    with active(MUTANTS["shortcut_shape_forgotten"]):
        yield


@pytest.fixture
def wrong(tree: Path) -> Path:
    """A spec for which `broken` matters, as a path relative to the current folder."""
    Path("specs").mkdir()
    return Path(shutil.copy(EMIT / "wrong/concat_shortcut.toml", "specs/wrong.toml"))


def hold_report(stderr: str, network: str) -> None:
    assert f"archc is wrong about `{network}`" in stderr
    assert "Nothing was written" in stderr
    assert "Traceback" not in stderr
    assert len(stderr.splitlines()) >= 2, "it says nothing of what differs"


@pytest.mark.parametrize("name", FAULTS)
def test_an_old_fault_is_said_and_nothing_written(
    archc: Archc, tree: Path, name: str
) -> None:
    spec, said = FAULTS[name]
    path = EMIT / f"{spec}.toml"
    with active(MUTANTS[name]):
        result = archc("compile", path, "-o", "out")
    assert result.exit_code == 3
    network = package.load(path).name
    hold_report(result.stderr, network)
    assert said in result.stderr
    assert result.stdout == ""
    assert os.listdir(tree) == []


@pytest.mark.usefixtures("tiny")
def test_of_several_specs_none_is_written(archc: Archc) -> None:
    tiny, wrong_beside = Path("specs/tiny.toml"), Path("specs/wrong.toml")
    shutil.copy(EMIT / "wrong/concat_shortcut.toml", wrong_beside)
    with active(MUTANTS["shortcut_shape_forgotten"]):
        archc("compile", tiny, "-o", "alone")
        result = archc("compile", tiny, wrong_beside, "-o", "out")
        checked = archc("compile", tiny, wrong_beside, "-o", "out", "--check")
    assert Path("alone/tiny.py").exists()
    for one in (result, checked):
        assert one.exit_code == 3
        hold_report(one.stderr, "concat_shortcut")
        assert one.stdout == ""
    assert not Path("out").exists()


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize("command", ["verify", "smoke"])
def test_what_runs_modules_says_so(archc: Archc, wrong: Path, command: str) -> None:
    result = archc(command, wrong)
    assert result.exit_code == 3
    hold_report(result.stderr, "concat_shortcut")


@pytest.mark.usefixtures("broken")
def test_in_python_it_is_an_exception(wrong: Path) -> None:
    network = package.load(wrong)
    with pytest.raises(WrongModule, match="concat_shortcut"):
        network.source()
    with pytest.raises(WrongModule, match="head"):
        network.module()


def test_a_failing_pass_is_archcs_fault_too(
    archc: Archc, tree: Path, wrong: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise KeyError("channels#3")

    monkeypatch.setattr("archc.emit.module.returns", fail)
    result = archc("compile", wrong, "-o", "out")
    assert result.exit_code == 3
    hold_report(result.stderr, "concat_shortcut")
    assert "KeyError: 'channels#3'" in result.stderr
    assert os.listdir(tree) == ["specs"]
