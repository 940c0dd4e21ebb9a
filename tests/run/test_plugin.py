"""`pytest specs/googlenet.toml` tests the network."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

# loaded before pytester, which unloads after each test what the test has loaded
import torch._dynamo  # noqa: F401

from tests.emit.mutation import active, listed

pytest_plugins = ("pytester",)

ROOT = Path(__file__).parents[2]
CHECKS = ("check", "verify-module", "verify-tensors", "verify-layers", "verify-shapes",
          "verify-macs", "verify-outputs", "verify-initialization",
          "verify-arguments")  # fmt: skip


@pytest.fixture
def specs(pytester: pytest.Pytester) -> Path:
    """A directory with a spec in specs/ and its module in generated/."""
    for folder, suffix in (("specs", "toml"), ("generated", "py")):
        (pytester.path / folder).mkdir()
        shutil.copy(ROOT / folder / f"lenet5.{suffix}", pytester.path / folder)
    return pytester.path / "specs"


def test_a_spec_is_its_own_test(pytester: pytest.Pytester, specs: Path) -> None:
    done = pytester.runpytest("-v", "-m", "not slow", "specs/lenet5.toml")
    done.assert_outcomes(passed=len(CHECKS))
    for check in CHECKS:
        done.stdout.fnmatch_lines(f"*lenet5.toml::{check} PASSED*")


def test_one_check_can_be_asked_for(pytester: pytest.Pytester, specs: Path) -> None:
    done = pytester.runpytest("specs/lenet5.toml::verify-macs")
    done.assert_outcomes(passed=1)


def test_a_module_that_was_broken(pytester: pytest.Pytester, specs: Path) -> None:
    module = pytester.path / "generated" / "lenet5.py"
    text = module.read_text()
    module.write_text(text.replace("x = torch.tanh(x)", "x = torch.sigmoid(x)", 1))
    done = pytester.runpytest("-m", "not slow", "specs")
    done.assert_outcomes(passed=3, failed=1, skipped=5)
    done.stdout.fnmatch_lines("tanh: tanh of c1 is missing")
    done.stdout.no_fnmatch_line("*Traceback*")


def test_a_module_that_is_older_than_its_spec(
    pytester: pytest.Pytester, specs: Path
) -> None:
    spec = specs / "lenet5.toml"
    spec.write_text(spec.read_text().replace("LeNet-5", "LeNet five"))
    done = pytester.runpytest("-m", "not slow", "specs")
    done.assert_outcomes(passed=len(CHECKS), warnings=1)
    done.stdout.fnmatch_lines("*generated/lenet5.py is older than the spec*")


def test_an_error_in_a_spec(pytester: pytest.Pytester, specs: Path) -> None:
    spec = specs / "lenet5.toml"
    spec.write_text(spec.read_text().replace("61_706", "61_707"))
    done = pytester.runpytest("-m", "not slow", "specs")
    done.assert_outcomes(failed=1, skipped=8)
    done.stdout.fnmatch_lines(
        ["error[[]expectation[]]: `params` is claimed to be 61,707 but is 61,706*"]
    )


def test_a_package_that_is_missing(pytester: pytest.Pytester, specs: Path) -> None:
    (specs / "odd.toml").write_text(
        'archc = 1\nname = "odd"\n[ops.odd]\nmodule = "no_such_package.Odd"\n'
        'output = ["in_channels"]\n[network]\ninput = [3]\n'
        'layers = [{ name = "fc", op = "linear", out_features = 2 }, { op = "odd" }]\n'
    )
    done = pytester.runpytest("-m", "not slow", "specs")
    done.assert_outcomes(passed=len(CHECKS) + 1, failed=len(CHECKS) - 1)
    done.stdout.fnmatch_lines("error: *odd.toml:4:10: `no_such_package` is not*")
    done.stdout.no_fnmatch_line("*Traceback*")


def test_other_files_are_left_alone(pytester: pytest.Pytester, specs: Path) -> None:
    for name, text in {
        "elsewhere.toml": (specs / "lenet5.toml").read_text(),
        "pyproject.toml": "[tool.thing]\nname = 'x'\n",
        "specs/notes.toml": "title = 'no spec'\n",
        "specs/blocks.toml": "archc = 1\n[blocks.b]\nlayers = [{ op = 'relu' }]\n",
        "specs/broken.json": "{",
        "specs/notes.json": '{"name": "x", "network": "none"}',
        "specs/summary.json": (ROOT / "generated" / "lenet5.json").read_text(),
        "test_it.py": "def test_it():\n    pass\n",
    }.items():
        (pytester.path / name).write_text(text)
    done = pytester.runpytest("-m", "not slow")
    done.assert_outcomes(passed=1 + len(CHECKS))
    named = pytester.runpytest("-m", "not slow", "elsewhere.toml")
    named.assert_outcomes(passed=len(CHECKS))


def test_it_is_trained_too(pytester: pytest.Pytester, specs: Path) -> None:
    done = pytester.runpytest("-v", "-m", "slow", "--archc-batch", "2", "specs")
    done.assert_outcomes(passed=7, skipped=1, deselected=len(CHECKS))
    done.stdout.fnmatch_lines("*lenet5.toml::smoke-loss-falls PASSED*")
    done.stdout.fnmatch_lines("*lenet5.toml::smoke-heads SKIPPED*")


@pytest.mark.parametrize("asked", ["--archc-smoke", "-ksmoke", "-mslow"])
def test_training_is_only_there_where_it_is_asked_for(
    pytester: pytest.Pytester, specs: Path, asked: str
) -> None:
    plain = pytester.runpytest("--collect-only", "specs/lenet5.toml")
    plain.stdout.no_fnmatch_line("*smoke*")
    pytester.runpytest("--collect-only", asked).stdout.fnmatch_lines("*smoke-loss*")


def test_without_torch(
    pytester: pytest.Pytester, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    done = pytester.runpytest("-rs", "specs")
    done.assert_outcomes(passed=1, skipped=len(CHECKS) - 1)
    done.stdout.fnmatch_lines("*needs PyTorch: pip install*")


def test_a_gpu_is_asked_for_where_there_is_none(
    pytester: pytest.Pytester, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    done = pytester.runpytest("-m", "gpu", "--archc-device", "cuda", "specs")
    done.assert_outcomes(skipped=8, deselected=len(CHECKS))


def test_a_dead_layer_fails(pytester: pytest.Pytester, specs: Path) -> None:
    module = pytester.path / "generated" / "lenet5.py"
    text = module.read_text()
    module.write_text(text.replace("x = self.c3(x)", "x = self.c3(x.detach())", 1))
    done = pytester.runpytest("specs/lenet5.toml::smoke-gradients")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines("c1: *")


def test_a_module_that_archc_is_wrong_about(
    pytester: pytest.Pytester, specs: Path
) -> None:
    shutil.copy(ROOT / "tests/emit/wrong/concat_shortcut.toml", specs)
    mutants = {m.name: m for m in listed()}
    with active(mutants["shortcut_shape_forgotten"]):
        done = pytester.runpytest("specs/concat_shortcut.toml")
    failed, skipped = 1, len(CHECKS) - 1
    done.assert_outcomes(failed=failed, skipped=skipped)
    done.stdout.fnmatch_lines("*archc is wrong about `concat_shortcut`*")
    done.stdout.no_fnmatch_line("*Traceback*")
    done.stdout.no_fnmatch_line("*.py:*: WrongModule")
