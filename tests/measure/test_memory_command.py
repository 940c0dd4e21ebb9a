"""`archc memory`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import Result

from tests.command import invoke

SPEC = str(Path(__file__).parents[2] / "specs" / "torchvision" / "resnet18.toml")


def run(*arguments: str) -> Result:
    return invoke("memory", *arguments)


def test_text() -> None:
    done = run(SPEC, "--batch", "64", "--optimizer", "adam", "--precision", "bf16")
    assert done.exit_code == 0
    assert "batch 64, optimizer adam, bf16, cuda" in done.stdout
    assert "saved activations" in done.stdout
    assert "Not modelled: workspace of convolutions" in done.stdout


def test_json() -> None:
    done = run(SPEC, "--format", "json")
    table = json.loads(done.stdout)
    assert (table["batch"], table["precision"]) == (32, "fp32")
    assert table["parameters"] == 4 * 11_689_512
    assert table["peak"]["phase"] == "backward"
    assert len(table["layers"]) > 60


def test_fit() -> None:
    found = json.loads(run(SPEC, "--fit", "8GB", "--format", "json").stdout)
    batch = found["fit"]["batch"]
    assert found["fit"]["limit"] == 8 * 10**9
    assert found["peak"]["total"] <= 8 * 10**9
    more = json.loads(run(SPEC, "--batch", str(batch + 1), "--format", "json").stdout)
    assert more["peak"]["total"] > 8 * 10**9
    larger = json.loads(run(SPEC, "--fit", "8GiB", "--format", "json").stdout)
    assert larger["fit"]["limit"] == 2**33
    assert f"batch {batch} is the largest" in run(SPEC, "--fit", "8GB").stdout


def test_the_answer_comes_first() -> None:
    first, empty, *rest = run(SPEC, "--fit", "8GB").stdout.splitlines()
    assert first.startswith("8GB (7.45 GiB): batch ") and first.endswith("that fits.")
    assert not empty and rest[0].startswith("resnet18: a training step")
    first = run(SPEC, "--fit", "20MB").stdout.splitlines()[0]
    assert "as it takes 1" in first and first.endswith("MiB.")


def test_nothing_fits() -> None:
    done = run(SPEC, "--fit", "20MB")
    assert done.exit_code == 1
    assert "not even one sample fits" in done.stdout
    done = run(SPEC, "--fit", "20MB", "--format", "json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["fit"]["batch"] is None


@pytest.mark.parametrize(
    "arguments", [("--fit", "much"), ("--fit", "3XB"), ("--batch", "0")]
)
def test_wrong_use(arguments: tuple[str, ...]) -> None:
    assert run(SPEC, *arguments).exit_code == 2


def test_batch_is_given_or_found() -> None:
    done = run(SPEC, "--fit", "8GB", "--batch", "3")
    assert done.exit_code == 2
    assert "--batch" in done.stderr


def test_a_spec_with_errors() -> None:
    done = run(SPEC, "--input", "3,-1")
    assert done.exit_code == 2
    done = run(SPEC, "--set", "nonsense=1")
    assert done.exit_code == 1


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    """A network that cannot be trained on one sample."""
    path = tmp_path / "tiny.toml"
    path.write_text(
        'archc = 1\nname = "tiny"\n[network]\ninput = [3, 1, 1]\nlayers = [\n'
        '  { name = "conv", op = "conv2d", out_channels = 4, kernel_size = 1 },\n'
        '  { name = "bn", op = "batch_norm2d" },\n]\n'
    )
    return str(path)


def test_a_batch_that_is_refused(tiny: str) -> None:
    done = run(tiny, "--batch", "1")
    assert done.exit_code == 1
    assert "Batch 1 cannot be trained: `bn` (batch_norm2d)" in done.stdout
    assert "the least batch is 2" in done.stdout
    done = run(tiny, "--batch", "1", "--format", "json")
    assert done.exit_code == 1
    refused = {"layer": "bn", "op": "batch_norm2d", "least": 2}
    assert json.loads(done.stdout)["refused"] == refused
    done = run(tiny, "--batch", "2", "--format", "json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["refused"] is None


def test_only_a_refused_batch_fits(tiny: str) -> None:
    table = json.loads(run(tiny, "--batch", "1", "--format", "json").stdout)
    size = f"{table['peak']['total']}B"
    done = run(tiny, "--fit", size)
    assert done.exit_code == 1
    assert "no batch fits that can be trained" in done.stdout
    done = run(tiny, "--fit", size, "--format", "json")
    assert json.loads(done.stdout)["fit"]["batch"] is None


def test_fit_is_exact(tiny: str) -> None:
    """A size that no floating-point number holds."""
    done = run(tiny, "--fit", "900719925474099.3KB", "--format", "json")
    assert json.loads(done.stdout)["fit"]["limit"] == 900_719_925_474_099_300


def test_many_layers(tmp_path: Path) -> None:
    conv = '{ op = "conv2d", out_channels = 4, kernel_size = 1, name = "c%d" },\n'
    layers = "".join(conv % number for number in range(10_000))
    path = tmp_path / "many.toml"
    head = 'archc = 1\nname = "many"\n[network]\ninput = [4, 4, 4]\nlayers = [\n'
    path.write_text(f"{head}{layers}]\n")
    start = time.process_time()
    assert run(str(path)).exit_code == 0
    assert time.process_time() - start < 20
